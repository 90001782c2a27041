package audio

import (
	"math"
	"slices"
	"testing"
	"time"

	"parley.lan/room"
)

// A slope shows where samples are missing: dropping some must leave no step larger than the fade allows.
func TestBacklogDropsTheOldestSmoothly(t *testing.T) {
	b := newBacklog(2000, 500)
	in := make([]int16, 30001)
	for i := range in {
		in[i] = int16(i)
	}
	b.put(in[:100])
	first := make([]int16, 50)
	b.take(first)
	b.put(in[100:30001])
	out := make([]int16, 3000)
	out = out[:b.take(out)]
	if len(out) < 500 || len(out) > 2000 || out[len(out)-1] != 30000 {
		t.Fatalf("%d samples wait, the last is %d", len(out), out[len(out)-1])
	}
	if got := 50 + len(out) + int(b.dropped); got != len(in) {
		t.Errorf("%d samples came, %d are accounted for", len(in), got)
	}
	if cap(b.pcm) != 2000 {
		t.Errorf("it has grown to %d", cap(b.pcm))
	}
	if i := slices.IndexFunc(out[1:], func(v int16) bool { return v == 0 }); i >= 0 {
		t.Errorf("a zero at %d", i)
	}
	b = newBacklog(2000, 500)
	b.put(in[:2000])
	b.take(first)
	b.put(in[2000:2051]) // one too many: 1,500 go
	b.take(out[:600])
	step := 0.0
	for i, last := 0, first[49]; i < 500; i++ {
		step = max(step, math.Abs(float64(out[i])-float64(last)))
		last = out[i]
	}
	if limit := 1500.0/cutFade + 2; step > limit {
		t.Errorf("a step of %.0f, at most %.0f were meant", step, limit)
	}
}

// sending is a client that sends as write says, each host tick, for a minute.
func sending(write func(tick int) (samples int)) *plainMic {
	m := newPlainMic()
	var dst [plainBlock]float32
	for tick := range 6000 {
		now := time.Unix(0, int64(tick)*int64(room.FrameTime))
		m.put(now, make([]int16, write(tick)))
		m.take(now, dst[:room.PlainSamples])
	}
	return &m
}

// Whatever a client sends, what waits is bounded, and back at live within seconds once it sends as it should.
func TestPlainMicBounds(t *testing.T) {
	live := func(tick int) int { return room.PlainSamples }
	for name, write := range map[string]func(tick int) int{
		"nothing":                 func(int) int { return 0 },
		"a sample at a time":      func(int) int { return 1 },
		"half of real time":       func(int) int { return room.PlainSamples / 2 },
		"as fast as it can":       func(int) int { return 100 * room.PlainSamples },
		"10 MB at once":           func(tick int) int { return map[bool]int{true: 5 << 20}[tick == 100] + live(tick) },
		"stalls and sends it all": func(tick int) int { return map[bool]int{true: 400 * room.PlainSamples}[tick%401 == 400] },
		"late by 400 ms for good": func(tick int) int { return map[bool]int{true: 40}[tick == 5000]*room.PlainSamples + live(tick) },
	} {
		m := sending(write)
		if len(m.pcm) > micHold || cap(m.pcm) != micHold {
			t.Errorf("%s: %d samples wait in %d", name, len(m.pcm), cap(m.pcm))
		}
		if write(5999) == live(0) {
			if waits := float64(len(m.pcm)) / plainMs; waits > 70 || m.dropped == 0 || !m.flowing {
				t.Errorf("%s: %.0f ms wait at last, %d samples dropped, flowing %v", name, waits, m.dropped, m.flowing)
			}
		}
	}
}

// A chunk that comes late leaves a gap, faded, and a little more waits from then on; a pause doesn't.
func TestPlainMicLearnsLateness(t *testing.T) {
	m := newPlainMic()
	dst := make([]float32, room.PlainSamples)
	loud := make([]int16, room.PlainSamples)
	for i := range loud {
		loud[i] = 16384
	}
	last, step := float32(0), float32(0)
	tick := 0
	run := func(ticks int, sends bool) {
		for range ticks {
			now := time.Unix(0, int64(tick)*int64(room.FrameTime))
			if sends {
				m.put(now, loud)
			}
			m.take(now, dst)
			for _, v := range dst {
				step = max(step, v-last, last-v)
				last = v
			}
			tick++
		}
	}
	run(100, true)
	before := m.reserve
	run(200, false)
	run(100, true)
	if m.gaps != 0 || m.reserve != before {
		t.Errorf("after a pause: %d gaps, reserve %d", m.gaps, m.reserve)
	}
	run(10, false)
	run(100, true)
	if m.gaps != 1 || m.reserve != before+reserveUp {
		t.Errorf("after a late chunk: %d gaps, reserve %d", m.gaps, m.reserve)
	}
	if step > 0.01 {
		t.Errorf("a click of %.3f", step)
	}
}
