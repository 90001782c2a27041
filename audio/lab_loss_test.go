//go:build cgo

package audio

import (
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"testing"

	"parley.lan/audio/audiotest"
	"parley.lan/room"
)

// lossy is a way on which packets go missing.
type lossy struct {
	name  string
	part  float64
	burst int // packets lost at a time
}

func (l lossy) lost(n int, seed uint64) []bool {
	r := rand.New(rand.NewPCG(seed, 99))
	lost := make([]bool, n+l.burst)
	for i := range n {
		if r.Float64() < l.part/float64(l.burst) {
			for k := range l.burst {
				lost[i+k] = true
			}
		}
	}
	return lost
}

// spoken is speech as a sender makes frames of it.
type spoken struct {
	pcm    []float32
	frames []room.VoiceFrame
	size   int // samples in each
}

func speak(t testing.TB, pcm []float32, size, bitrate int) spoken {
	enc, err := newOpusEncoder()
	if err != nil {
		t.Fatal(err)
	}
	if err := enc.(opusEncoder).SetBitrate(bitrate); err != nil {
		t.Fatal(err)
	}
	s := spoken{pcm: pcm, size: size}
	for at := 0; at+size <= len(pcm); at += size {
		buf := make([]byte, room.MaxOpus)
		n, err := enc.encode(pcm[at:at+size], buf)
		if err != nil {
			t.Fatal(err)
		}
		s.frames = append(s.frames, room.VoiceFrame{Seq: uint16(len(s.frames)), Timestamp: uint32(at), Level: level(pcm[at : at+size]), Opus: buf[:n]})
	}
	return s
}

// rate is the bits a second of the frames with so many copies, without headers.
func (s spoken) rate(copies int) float64 {
	bytes := 0
	for _, f := range s.frames {
		bytes += len(f.Opus)
	}
	return float64(8*bytes*(1+copies)) * room.SampleRate / float64(len(s.frames)*s.size)
}

// hear is what comes out at the listener's, through packets of which each also holds the frames at the given offsets before its own.
func (s spoken) hear(l lossy, offsets []int, seed uint64) ([]float32, room.VoiceStats) {
	m := newMixer(newOpusDecoder, slog.New(slog.DiscardHandler))
	lost := l.lost(len(s.frames), seed)
	r := rand.New(rand.NewPCG(seed, 1))
	out := make([]float32, 0, len(s.pcm)+room.SampleRate)
	block := make([]float32, mixBlock)
	i, at := 0, int64(s.size)
	for len(out) < cap(out)-mixBlock {
		for ; i < len(s.frames) && m.now >= at; i++ {
			if !lost[i] {
				for k := len(offsets) - 1; k >= 0; k-- {
					if i >= offsets[k] {
						m.inbox.put(s.frames[i-offsets[k]])
					}
				}
				m.inbox.put(s.frames[i])
			}
			at = int64((i+2)*s.size) + 90 + r.Int64N(ms)
		}
		m.mix(block, 1)
		out = append(out, block...)
	}
	return out, m.inbox.all()[0].jitter.stats()
}

// likeness is the ESTOI of what was heard from the time from on. The delay changes in between by time-scaling, which hurts nobody's
// understanding, so every quarter of a second is compared where it lies.
func likeness(clean, heard []float32, from int) float64 {
	x, y := audiotest.Decimate(wide(clean), 3), audiotest.Decimate(wide(heard), 3)
	const piece, far, near = audiotest.Rate / 4, audiotest.Rate / 8, audiotest.Rate / 50
	x = x[from/3:]
	y = y[from/3:]
	var aligned []float64
	lag := -1
	for at := 0; at+piece <= len(x); at += piece {
		first, last := max(0, lag-near), lag+near
		if lag < 0 {
			first, last = 0, far
		}
		best, where := 0.0, max(lag, 0)
		for l := first; l <= last && at+l+piece <= len(y); l++ {
			dot, energy := 0.0, 1e-3
			for i, v := range y[at+l:][:piece] {
				dot += x[at+i] * v
				energy += v * v
			}
			if c := dot / math.Sqrt(energy); c > best {
				best, where = c, l
			}
		}
		if best > 0.3 { // speech, and not the silence between
			lag = where
		}
		aligned = append(aligned, y[min(at+max(lag, 0), len(y)-piece):][:piece]...)
	}
	return audiotest.ESTOI(x, aligned, audiotest.Rate)
}

// Intelligibility with packets lost, from a real encoder through mixer, jitter buffer and decoder, with as many copies as a speaker is to send at that
// loss (see the sender).
func TestLabLoss(t *testing.T) {
	pcm := speech(t, "long-a")
	if !audiotest.Lab() {
		pcm = pcm[:12*room.SampleRate]
	}
	for _, c := range []struct {
		lossy
		goal    float64
		offsets []int
	}{
		{lossy{"no loss", 0, 1}, 0.99, nil},
		{lossy{"1 %", 0.01, 1}, 0.99, []int{1}},
		{lossy{"5 %", 0.05, 1}, 0.985, []int{1, 3}},
		{lossy{"10 %", 0.10, 1}, 0.98, []int{1, 3}},
		{lossy{"20 %", 0.20, 1}, 0.95, []int{1, 3, 5}},
		{lossy{"5 % in bursts of three", 0.05, 3}, 0.985, []int{1, 3, 5}},
	} {
		for _, size := range []int{240, 480} {
			if size == 480 && !audiotest.Lab() {
				continue
			}
			s := speak(t, pcm, size, opusBitrate)
			out, stats := s.hear(c.lossy, c.offsets, 1)
			v := likeness(pcm, out, 3*room.SampleRate)
			audiotest.Report(t, fmt.Sprintf("loss, %s, %d ms frames, copies %v: %.0f kbit/s", c.name, size/ms, c.offsets, s.rate(len(c.offsets))/1000),
				fmt.Sprintf("ESTOI ≥ %.3f", c.goal), "%.4f; %d of %d frames concealed, %d recovered, %.1f ms added", v, stats.Concealed, len(s.frames), stats.Recovered, stats.DelayMS)
			if v < c.goal {
				t.Errorf("%s, %d ms frames: ESTOI %.4f, want at least %.3f", c.name, size/ms, v, c.goal)
			}
		}
	}
}
