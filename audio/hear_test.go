package audio

import (
	"math"
	"math/rand/v2"
	"testing"

	"parley.lan/room"
)

// Where speaker and loudspeaker run in step, a frame that is there when the loudspeaker asks is played at once, and every one like the
// others; from the second talkspurt on, for until then there was nothing to know it by.
func TestInStepNothingIsAdded(t *testing.T) {
	for _, ask := range []int{60, 120, 240} {
		m := newTestMixer()
		buf := make([]float32, ask)
		const spurt, pause = 40, 60 // frames
		for i := 0; m.now < 20*room.SampleRate; {
			if m.now%labFrame == 0 {
				k := int(m.now / labFrame)
				if in := k % (spurt + pause); in < spurt {
					level := uint8(20)
					if in == spurt-1 {
						level = room.LevelSilent
					}
					m.inbox.put(room.VoiceFrame{Seq: uint16(i), Timestamp: uint32(k * labFrame), Level: level, Marker: in == 0, Opus: opus5})
					i++
					now := m.now
					m.mix(buf, 1)
					b := &m.inbox.all()[0].jitter
					if now > 5*room.SampleRate && (b.delay != 0 || b.cursor-b.high.ts != labFrame) {
						t.Fatalf("%d samples at once: at %.2f s a delay of %d samples, %d frames behind", ask, float64(now)/room.SampleRate, b.delay, (b.high.ts+labFrame-b.cursor)/labFrame)
					}
					continue
				}
			}
			m.mix(buf, 1)
		}
		if b := &m.inbox.all()[0].jitter; b.counters.Lost+b.counters.Late > 0 || b.made > 0 {
			t.Errorf("%d samples at once: %+v", ask, b.stats())
		}
	}
}

// Callbacks of any size, as PulseAudio hands them out: the delay is what waiting for them costs, and little comes late.
func TestCallbacksOfAnySize(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 1))
	for _, c := range []struct {
		name string
		ask  func() int
		most float64 // ms: the longest callback, and 4 or a tenth
	}{
		{"64", func() int { return 64 }, 5.5}, {"256", func() int { return 256 }, 9.5}, {"441", func() int { return 441 }, 13},
		{"1024", func() int { return 1024 }, 25.5}, {"2048", func() int { return 2048 }, 48},
		{"64 to 1024", func() int { return 64 + r.IntN(961) }, 25.5},
	} {
		at := network("0 ms", 200*60, 3)
		p := pass(at, 10*room.SampleRate, c.ask)
		t.Logf("%s samples at once: %.1f ms added, %.2f %% late, %.2f %% concealed", c.name, p.delay, 100*p.late, 100*p.concealed)
		if p.delay > c.most || p.late > 0.003 || p.concealed > 0.003 {
			t.Errorf("%s samples at once: %.1f ms added, want at most %.1f, %.2f %% late, %.2f %% concealed", c.name, p.delay, c.most, 100*p.late, 100*p.concealed)
		}
	}
}

// The way becomes 30 ms longer, or shorter, from one frame to the next, as when host or network change: two seconds later all is as before.
func TestAnotherPathIsFollowed(t *testing.T) {
	for _, by := range []int64{30, -30, 150, -150} {
		at := network("5 ms", 200*20, 4)
		for i := range at {
			if (i >= 2000) == (by > 0) {
				at[i] += max(by, -by) * ms
			}
			if i > 0 {
				at[i] = max(at[i], at[i-1])
			}
		}
		if by < 0 { // what was under way still comes first, by the old path
			for i := 2000; i < len(at); i++ {
				at[i] = max(at[i], at[1999])
			}
		}
		p := pass(at[:2000+600], int64(2000+400)*labFrame, func() int { return mixBlock })
		delay := p.delay
		if by > 0 {
			delay -= float64(by)
		} // pass measures from the fastest way there is
		if delay > 9 || delay < 4 {
			t.Errorf("%+d ms: after two seconds %.1f ms are added, want what 5 ms of jitter need", by, delay)
		}
		if p.late+p.concealed > 0.003 {
			t.Errorf("%+d ms: %.2f %% late, %.2f %% concealed after two seconds", by, 100*p.late, 100*p.concealed)
		}
	}
}

// One second of nothing leaves no delay behind.
func TestAStallIsForgotten(t *testing.T) {
	at := network("5 ms", 200*20, 5)
	for i := 2000; i < 2200; i++ {
		at[i] = max(at[i], at[2200])
	}
	p := pass(at[:2200+1300], int64(2200+1000)*labFrame, func() int { return mixBlock })
	if p.delay > 9 {
		t.Errorf("five seconds after a stall %.1f ms are added", p.delay)
	}
}

// Frames from before the talkspurt was noticed come late, together; they are played, and the delay is back soon.
func TestPreRollIsPlayed(t *testing.T) {
	m := newTestMixer()
	buf := make([]float32, mixBlock)
	seq := uint16(0)
	for block := 0; block < 2*2000; block++ {
		if frame := block / 2; block%2 == 0 && frame%400 < 200 {
			first := frame
			if frame%400 == 6 {
				first = frame - 6
			}
			for k := first; k <= frame && frame%400 >= 6; k++ {
				level := uint8(20)
				if frame%400 == 199 {
					level = room.LevelSilent
				}
				m.inbox.put(room.VoiceFrame{Seq: seq, Timestamp: uint32(k * labFrame), Level: level, PreRoll: k < frame, Opus: opus5})
				seq++
			}
		}
		m.mix(buf, 1)
		if block == 2*1999 {
			break
		}
		if frame := block / 2; frame > 800 && frame%400 == 150 {
			if b := &m.inbox.all()[0].jitter; b.delay > 5*ms {
				t.Errorf("%.1f ms are added 700 ms after the talkspurt's start", float64(b.delay)/ms)
			}
		}
	}
	if s := m.inbox.all()[0].jitter.stats(); s.Lost+s.Late > 0 || s.Concealed > 0 || s.Received != uint64(seq) {
		t.Errorf("%+v of %d frames", s, seq)
	}
}

// A copy that comes after its frame is nothing, one that comes in its place is a frame recovered.
func TestCopiesRecoverFrames(t *testing.T) {
	for _, offsets := range [][]int{{1}, {1, 3}, {2, 4}} {
		r := rand.New(rand.NewPCG(3, 3))
		m := newTestMixer()
		buf := make([]float32, labFrame)
		came := make([]bool, 4001)
		original := make([]bool, 4001)
		for i := range 4000 {
			if r.IntN(20) > 0 || i == 0 {
				for k := len(offsets); k >= 0; k-- {
					o := append([]int{0}, offsets...)[k]
					if i-o >= 0 {
						came[i-o] = true
						m.inbox.put(room.VoiceFrame{Seq: uint16(i - o), Timestamp: uint32((i - o) * labFrame), Level: 20, Opus: opus5})
					}
				}
				original[i] = true
			}
			m.mix(buf, 1)
		}
		received, recovered := 0, 0
		for i := range came {
			if came[i] {
				received++
				if !original[i] {
					recovered++
				}
			}
		}
		s := m.inbox.all()[0].jitter.stats()
		t.Logf("copies %v: %+v", offsets, s)
		if int(s.Received) != received || math.Abs(float64(s.Recovered)-float64(recovered)) > 0.05*float64(recovered) || s.Late > 20 {
			t.Errorf("copies %v: received %d of %d, recovered %d of %d, late %d", offsets, s.Received, received, s.Recovered, recovered, s.Late)
		}
	}
}
