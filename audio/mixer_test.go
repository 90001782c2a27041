package audio

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"

	"parley.lan/room"
)

// steadyDecoder turns every packet into a constant, the packet's second byte in hundredths.
type steadyDecoder struct{}

func (steadyDecoder) decode(packet []byte, pcm []float32) (int, error) {
	n, err := packetSamples(packet)
	for i := range n {
		pcm[i] = float32(packet[1]) / 100
	}
	return n, err
}

func (steadyDecoder) conceal(pcm []float32) error { clear(pcm); return nil }

func newTestMixer() *mixer {
	return newMixer(func() (decoder, error) { return steadyDecoder{}, nil }, slog.New(slog.DiscardHandler))
}

func TestMixerSumsWhoIsThere(t *testing.T) {
	m := newTestMixer()
	block := make([]float32, room.FrameSamples)
	for i := range 50 {
		for ssrc := range 3 {
			m.inbox.put(room.VoiceFrame{SSRC: uint32(ssrc), Seq: uint16(i), Timestamp: uint32(i * 480), Opus: []byte{30 << 3, byte(10 << ssrc)}})
		}
		m.mix(block, 1)
	}
	for i, v := range block {
		if v < 0.699 || v > 0.701 {
			t.Fatalf("sample %d is %v, want 0.1+0.2+0.4", i, v)
		}
	}
	if len(m.stats()) != 3 {
		t.Errorf("statistics %+v, want three voices", m.stats())
	}
	m.mix(make([]float32, recently+room.SampleRate), 1)
	if len(m.stats()) != 0 {
		t.Error("voices silent for long still have statistics")
	}
}

// More voices than there is room for: the ones heard last stay.
func TestMixerBoundsItsSpeakers(t *testing.T) {
	m := newTestMixer()
	block := make([]float32, mixBlock)
	for ssrc := range uint32(10 * maxSpeakers) {
		m.inbox.put(room.VoiceFrame{SSRC: ssrc, Opus: opus10})
		m.inbox.put(room.VoiceFrame{SSRC: 1 << 30, Seq: uint16(ssrc), Timestamp: ssrc * 480, Opus: opus10})
		m.mix(block, 1)
	}
	if n := len(m.inbox.all()); n != maxSpeakers {
		t.Errorf("%d speakers, want %d", n, maxSpeakers)
	}
	if m.inbox.speaker(1<<30).jitter.counters.Received < 9*maxSpeakers {
		t.Error("a voice that never paused was replaced")
	}
}

// A flood that nobody takes: what doesn't fit is counted, and what is no frame is none.
func TestQueueIsBounded(t *testing.T) {
	var q queue
	for i := range 3 * queueSize {
		q.put(room.VoiceFrame{Timestamp: uint32(i), Opus: opus10})
	}
	next := uint32(0)
	q.each(func(f room.VoiceFrame) bool {
		if f.Timestamp != next || string(f.Opus) != string(opus10) {
			t.Fatalf("took %d, % x; want %d", f.Timestamp, f.Opus, next)
		}
		next++
		return true
	})
	if next != queueSize || q.dropped.Load() != 2*queueSize {
		t.Errorf("took %d, dropped %d", next, q.dropped.Load())
	}
	m := newTestMixer()
	m.inbox.put(room.VoiceFrame{})
	m.inbox.put(room.VoiceFrame{Opus: make([]byte, room.MaxOpus+1)})
	if len(m.inbox.all()) != 0 {
		t.Error("nothing became a speaker")
	}
}

// voices frames in a row of n speakers who never pause.
func voices(m *mixer, n, i int) {
	for ssrc := range n {
		m.inbox.put(room.VoiceFrame{SSRC: uint32(ssrc), Seq: uint16(i), Timestamp: uint32(i * 480), Opus: opus10})
	}
}

func TestMixerAllocatesNothing(t *testing.T) {
	m := newTestMixer()
	block := make([]float32, room.FrameSamples)
	i := 0
	both := make([]float32, 2*room.FrameSamples)
	step := func() { voices(m, 8, i); m.mix(block, 1); voices(m, 8, i+1); m.mix(both, 2); i += 2 }
	for range 200 {
		step()
	}
	if n := testing.AllocsPerRun(1000, step); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

// FuzzSpeaker feeds packets of any content, in and out of order, through whatever codec this build has.
func FuzzSpeaker(f *testing.F) {
	f.Add([]byte{30 << 3, 1, 2, 3}, uint64(1))
	f.Add(make([]byte, 1275), uint64(2))
	f.Add([]byte{31<<3 | 3, 6, 1, 2, 3}, uint64(3))
	f.Add([]byte{28 << 3, 0xff}, uint64(4))
	f.Fuzz(func(t *testing.T, packet []byte, seed uint64) { hostile(t, packet, seed, 10) })
}

// hostile lets a speaker send packet n times with numbers that mostly go on and sometimes do anything.
func hostile(t *testing.T, packet []byte, seed uint64, n int) {
	newDecoder := newOpusDecoder
	if soundBuilt() != nil {
		newDecoder = func() (decoder, error) { return noCodec{}, nil }
	}
	m := newMixer(newDecoder, slog.New(slog.DiscardHandler))
	r := rand.New(rand.NewPCG(seed, 0))
	block := make([]float32, 4096)
	seq, ts := uint16(r.Uint32()), r.Uint32()
	for range n {
		switch r.IntN(20) {
		case 0:
			seq, ts = uint16(r.Uint32()), r.Uint32()
		case 1:
			ts -= 48000
		case 2:
			ts += 3 * 3600 * 48000
		case 3:
			seq -= uint16(r.IntN(8))
		}
		for range r.IntN(4) {
			m.inbox.put(room.VoiceFrame{SSRC: uint32(r.IntN(20) / 19), Seq: seq, Timestamp: ts, Level: uint8(r.Uint32()),
				PreRoll: r.IntN(5) == 0, Marker: r.IntN(5) == 0, Opus: packet})
			seq, ts = seq+1, ts+uint32(r.IntN(3)*480)
		}
		channels := 1 + r.IntN(2)
		part := block[:channels*(1+r.IntN(2048))]
		m.mix(part, channels)
		for _, v := range part {
			if !(v > -1 && v < 1) {
				t.Fatalf("a sample of %v", v)
			}
		}
	}
	for _, s := range m.stats() {
		if s.Late > s.Received+1 || s.Lost > 1<<40 || !(s.JitterMS >= 0) {
			t.Fatalf("%+v", s)
		}
	}
}

// Packets of every length and duration, made to break decoders, numbered by somebody who means harm.
func TestHostileFrames(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1275))
	for i := range 300 {
		packet := make([]byte, []int{0, 1, 2, 3, 40, 1275, 1276}[i%7])
		for k := range packet {
			packet[k] = byte(r.Uint32())
		}
		hostile(t, packet, uint64(i), 60)
	}
}

func BenchmarkMix(b *testing.B) {
	for _, n := range []int{1, 8} {
		b.Run(fmt.Sprint(n, "voices"), func(b *testing.B) {
			m := newTestMixer()
			block := make([]float32, room.FrameSamples)
			i := 0
			for ; i < 100; i++ {
				voices(m, n, i)
				m.mix(block, 1)
			}
			b.ReportAllocs()
			for b.Loop() {
				voices(m, n, i)
				m.mix(block, 1)
				i++
			}
		})
	}
}

// The network, whoever forgets and whoever looks never hold up the loudspeaker, nor change anything under it.
func TestMixerIsFedFromAnywhere(t *testing.T) {
	m := newTestMixer()
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for feeder := range 2 { // two at once while the host changes
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				for ssrc := range 5 {
					m.inbox.put(room.VoiceFrame{SSRC: uint32(ssrc), Seq: uint16(i), Timestamp: uint32(i * 480), Opus: opus10})
				}
				if i%50 == 49 {
					m.forget(uint32(i / 50 % 5))
					m.setGain(uint32(feeder), 0.5)
					m.stats()
				}
			}
		})
	}
	block := make([]float32, 2*480)
	for i := range 60 {
		m.mix(block[:2*(1+i*37%480)], 2)
	}
	close(stop)
	wg.Wait()
	for i, v := range block {
		if !(v > -1 && v < 1) {
			t.Fatalf("sample %d is %v", i, v)
		}
	}
}

// A second loudspeaker that asks while the first is being served gets silence at once.
func TestMixerServesOneLoudspeaker(t *testing.T) {
	m := newTestMixer()
	m.busy.Store(true)
	block := []float32{1, 1}
	m.mix(block, 1)
	if block[0] != 0 || block[1] != 0 || m.now != 0 {
		t.Errorf("got %v at %d", block, m.now)
	}
}
