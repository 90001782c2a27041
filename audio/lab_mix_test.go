//go:build cgo

package audio

import (
	"fmt"
	"log/slog"
	"math"
	"testing"

	"parley.lan/audio/audiotest"
	"parley.lan/room"
)

// company is n talkers at once, each with a passage of speech of its own.
func company(t testing.TB, n int, seconds int) []spoken {
	a, b := speech(t, "long-a"), speech(t, "long-b")
	talkers := make([]spoken, n)
	for i := range talkers {
		from := a
		if i%2 == 1 {
			from = b
		}
		at := i * 4 * room.SampleRate
		talkers[i] = speak(t, from[at:at+seconds*room.SampleRate], labFrame, opusBitrate)
	}
	return talkers
}

// serve gives every talker's frame i to m.
func serve(m *mixer, talkers []spoken, i int) {
	for k, s := range talkers {
		f := s.frames[i%len(s.frames)]
		f.SSRC, f.Seq, f.Timestamp = uint32(k), uint16(i), uint32(i*labFrame)
		m.inbox.put(f)
	}
}

// Eight who talk at once: nothing clips, and each is in the mix as what it said, on either ear and on both as one.
func TestLabEightTalkers(t *testing.T) {
	talkers := company(t, 8, 3)
	for _, channels := range []int{1, 2} {
		m := newMixer(newOpusDecoder, slog.New(slog.DiscardHandler))
		var sides [2][]float32
		block := make([]float32, labFrame*channels)
		peak := float32(0)
		for i := range talkers[0].frames {
			serve(m, talkers, i)
			m.mix(block, channels)
			for j, v := range block {
				peak = max(peak, v, -v)
				sides[j%channels] = append(sides[j%channels], v)
			}
		}
		for c := range channels {
			least := 1.0
			for _, s := range talkers {
				least = min(least, share(s.pcm, sides[c]))
			}
			audiotest.Report(t, fmt.Sprintf("eight talkers at once, channel %d of %d", c+1, channels), "< 1, each found", "peak %.3f, correlation with each at least %.2f", peak, least)
			if peak >= 1 || least < 0.15 {
				t.Errorf("channel %d of %d: peak %.3f, least correlation %.2f", c+1, channels, peak, least)
			}
		}
	}
	// What nobody said isn't found.
	m := newMixer(newOpusDecoder, slog.New(slog.DiscardHandler))
	var out []float32
	block := make([]float32, labFrame)
	for i := range talkers[0].frames {
		serve(m, talkers[:7], i)
		m.mix(block, 1)
		out = append(out, block...)
	}
	if v := share(talkers[7].pcm, out); v > 0.12 {
		t.Errorf("a talker who is silent correlates by %.2f", v)
	}
}

// share is the highest correlation of said with any place of heard, in pieces of half a second, weighed by what was said.
func share(said, heard []float32) float64 {
	x, y := audiotest.Decimate(wide(said), 3), audiotest.Decimate(wide(heard), 3)
	const piece, most = audiotest.Rate / 2, audiotest.Rate / 50
	sum, all := 0.0, 0.0
	for at := 0; at+piece+most <= min(len(x), len(y)); at += piece {
		best, energy := 0.0, 0.0
		for i := 0; i < piece; i += 2 {
			energy += x[at+i] * x[at+i]
		}
		for l := range most {
			dot, other := 0.0, 0.0
			for i := 0; i < piece; i += 2 {
				v, w := x[at+i], y[at+l+i]
				dot += v * w
				other += w * w
			}
			best = max(best, dot/math.Sqrt(energy*other+1e-12))
		}
		sum += best * energy
		all += energy
	}
	return sum / all
}

// One after the other at the same place, the first in the middle, the next to the left and then the right, as loud in all.
func TestVoicesHaveTheirPlaces(t *testing.T) {
	m := newTestMixer()
	for ssrc := range uint32(20) {
		m.inbox.put(room.VoiceFrame{SSRC: ssrc, Opus: opus10})
	}
	m.forget(4)
	m.inbox.put(room.VoiceFrame{SSRC: 77, Opus: opus10})
	for _, s := range m.inbox.all() {
		l, r := place(s.slot)
		if p := l*l + r*r; p < 1.999 || p > 2.001 {
			t.Errorf("slot %d has a power of %v", s.slot, p)
		}
		if far := min(l, r) / max(l, r); far < 0.44 {
			t.Errorf("slot %d: %.2f as loud on the far ear", s.slot, far)
		}
		want := s.ssrc
		if want == 77 {
			want = 4
		}
		side := float64(r - l)
		if uint32(s.slot) != want || s.slot%9 == 0 && math.Abs(side) > 1e-6 || s.slot%9 > 0 && (s.slot%9%2 == 1) != (side < 0) {
			t.Errorf("voice %d in slot %d: %.2f, %.2f", s.ssrc, s.slot, l, r)
		}
	}
}

// A voice is made louder or quieter by its listener, without a click.
func TestGainGlides(t *testing.T) {
	m := newTestMixer()
	block := make([]float32, room.FrameSamples)
	last := float32(0)
	for i := range 200 {
		m.inbox.put(room.VoiceFrame{Seq: uint16(i), Timestamp: uint32(i * 480), Level: 20, Opus: []byte{30 << 3, 20}})
		if i == 100 {
			m.setGain(0, 0.5)
		}
		m.mix(block, 1)
		for _, v := range block {
			if i > 10 && (v-last > 0.001 || last-v > 0.001) {
				t.Fatalf("frame %d: from %v to %v", i, last, v)
			}
			last = v
		}
	}
	if last < 0.0999 || last > 0.1001 {
		t.Errorf("0.2 at half its loudness is %v", last)
	}
	for _, bad := range []float32{float32(math.NaN()), -1, float32(math.Inf(1))} {
		m.setGain(0, bad)
		if g := math.Float32frombits(m.inbox.all()[0].gain.Load()); !(g >= 0 && g <= gainMost) {
			t.Errorf("a gain of %v became %v", bad, g)
		}
	}
}

// In pauses there is a faint noise, as loud as the talkers' own pauses and never loud, that comes and goes without a click; ten seconds later, and where
// nobody has spoken, nothing.
func TestComfortNoise(t *testing.T) {
	m := newTestMixer()
	block := make([]float32, room.FrameSamples)
	m.mix(block, 1)
	for _, v := range block {
		if v != 0 {
			t.Fatal("noise where nobody has spoken")
		}
	}
	var c comfort
	var noise []float32
	for range 200 {
		clear(block)
		c.add(block, 1, false, 1e-7)
		noise = append(noise, block...)
	}
	sum, steepest := 0.0, 0.0
	for i, v := range noise[24000:] {
		sum += float64(v) * float64(v)
		steepest = max(steepest, math.Abs(float64(v-noise[24000+i-1])))
	}
	if p := sum / float64(len(noise)-24000); p < 0.8e-7 || p > 1.25e-7 {
		t.Errorf("a power of %.1e, want 1e-7", p)
	}
	for i := 1; i < 24000; i++ {
		if math.Abs(float64(noise[i]-noise[i-1])) > 1.5*steepest {
			t.Fatal("it begins with a click")
		}
	}
	for range 50 {
		clear(block)
		c.add(block, 1, true, 1e-7)
	}
	if c.gain != 0 {
		t.Error("noise under a talker")
	}
}

func BenchmarkHearEight(b *testing.B) {
	talkers := company(b, 8, 4)
	for _, channels := range []int{1, 2} {
		b.Run(fmt.Sprint(channels, "channels"), func(b *testing.B) {
			m := newMixer(newOpusDecoder, slog.New(slog.DiscardHandler))
			block := make([]float32, labFrame*channels)
			i := 0
			for ; i < 400; i++ {
				serve(m, talkers, i)
				m.mix(block, channels)
			}
			b.ReportAllocs()
			for b.Loop() {
				serve(m, talkers, i)
				m.mix(block, channels)
				i++
			}
			b.ReportMetric(100*float64(b.Elapsed().Seconds())/(float64(b.N)*0.005), "%core")
		})
	}
}
