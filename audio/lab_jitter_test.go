package audio

import (
	"math"
	"math/rand/v2"
	"testing"

	"parley.lan/audio/audiotest"
	"parley.lan/room"
)

// opus5 is a valid 5 ms CELT packet as far as its table of contents goes.
var opus5 = []byte{29 << 3, 1, 2, 3}

const labFrame = 5 * ms

// network says when each of n frames of 5 ms comes that are sent every 5 ms, in order, at least 1 ms after its end.
func network(kind string, n int, seed uint64) []int64 {
	r := rand.New(rand.NewPCG(seed, 77))
	at := make([]int64, n)
	last, stallEnd, nextStall := 0.0, -1.0, 1000*r.ExpFloat64()
	if kind == "100 ms" {
		nextStall *= 10
	}
	for i := range at {
		t := float64(i+1) * 5
		d := 1.0
		stall := func(length, pause float64) {
			if t >= nextStall {
				stallEnd = t + length
				nextStall = t + pause
			}
			d = max(d, stallEnd-t+1)
		}
		switch kind {
		case "0 ms": // a cable
			d += 0.05 * math.Abs(r.NormFloat64())
		case "5 ms": // a busy switch, good Wi-Fi
			d += min(5, 1.2*r.ExpFloat64())
		case "20 ms": // busy Wi-Fi: about once a second nothing for 8 to 20 ms
			d += min(6, 1.5*r.ExpFloat64())
			stall(8+12*r.Float64(), 200+1000*r.ExpFloat64())
		case "100 ms": // power saving, roaming: about once in ten seconds nothing for 60 to 100 ms
			d += min(6, 1.5*r.ExpFloat64())
			stall(60+40*r.Float64(), 2000+8000*r.ExpFloat64())
		case "bunches of four": // 20 ms frames' worth at a time
			d += 5 * float64(3-i%4)
		}
		last = max(last, t+d)
		at[i] = int64(last * ms)
	}
	return at
}

// passage is what became of a voice on its way.
type passage struct {
	delay     float64 // mean, that the buffer added to the fastest way, ms
	worst     float64 // highest
	late      float64 // part of the frames that came too late
	concealed float64 // part of the time
	stats     room.VoiceStats
}

// pass sends frames that come at the given times through mixer and speaker, which are asked for ask() samples at a time, and
// looks at what happens from the time warm on.
func pass(at []int64, warm int64, ask func() int) passage {
	m := newTestMixer()
	buf := make([]float32, 4096)
	var p passage
	blocks := 0.0
	var before room.VoiceStats
	made := uint64(0)
	i := 0
	for m.now < at[len(at)-1] {
		for ; i < len(at) && at[i] <= m.now; i++ {
			m.inbox.put(room.VoiceFrame{SSRC: 1, Seq: uint16(i), Timestamp: uint32(i * labFrame), Level: 20, Opus: opus5})
		}
		warmed := m.now >= warm
		m.mix(buf[:ask()], 1)
		if i == 0 {
			continue
		}
		b := &m.inbox.all()[0].jitter
		switch {
		case !warmed:
			before, made = b.stats(), b.made
		case b.playing:
			const middle = 1 << 40
			ts := float64(b.delay+b.delays.base+middle-labFrame-ms) / ms
			p.delay += ts
			p.worst = max(p.worst, ts)
			blocks++
		}
	}
	b := &m.inbox.all()[0].jitter
	p.stats = b.stats()
	p.delay /= blocks
	frames := float64(at[len(at)-1]-warm) / labFrame
	p.late = float64(p.stats.Late-before.Late) / frames
	p.concealed = float64(b.made-made) / float64(at[len(at)-1]-warm)
	return p
}

func TestLabJitter(t *testing.T) {
	seconds, seeds := 100, 2
	if audiotest.Lab() {
		seconds, seeds = 200, 5
	}
	for _, c := range []struct {
		kind  string
		delay float64
	}{{"0 ms", 4}, {"5 ms", 9}, {"20 ms", 16}, {"100 ms", 60}, {"bunches of four", 20}} {
		var delay, late, concealed float64
		for seed := range seeds {
			phase := rand.New(rand.NewPCG(uint64(seed), 5)).Int64N(mixBlock)
			at := network(c.kind, 200*seconds, uint64(seed))
			for i := range at {
				at[i] += phase
			}
			p := pass(at, 20*room.SampleRate, func() int { return mixBlock })
			delay += p.delay / float64(seeds)
			late += p.late / float64(seeds)
			concealed += p.concealed / float64(seeds)
		}
		audiotest.Report(t, "jitter, "+c.kind, "≤ 4/9/16/60 ms, < 0.3 % late", "%.1f ms added, %.2f %% late, %.2f %% concealed", delay, 100*late, 100*concealed)
		if delay > c.delay || late > 0.003 || concealed > 0.0035 { // a stall's gap is longer than the frames that come late by it
			t.Errorf("%s: %.1f ms, want at most %.0f; %.2f %% late, want 0.3; %.2f %% concealed, want 0.35", c.kind, delay, c.delay, 100*late, 100*concealed)
		}
	}
}
