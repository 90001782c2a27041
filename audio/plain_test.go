package audio

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"parley.lan/audio/audiotest"
	"parley.lan/room"
)

// plainRig is a plain client in virtual time: its clock runs ppm faster than the host's, it sends chunks of its
// microphone as they fill, each up to jitter late, and plays what it gets. The host takes and sends as many samples as
// its resamplers would.
type plainRig struct {
	mic    plainMic
	ppm    float64
	chunk  int
	jitter time.Duration
	random *rand.Rand

	host     time.Duration // time by the host's clock
	captured int           // samples
	arrives  time.Duration // of the next chunk
	owed     float64       // samples that the host's resampler is behind
	sent     float64       // samples, towards the client

	waiting, buffered span // ms: in the host's buffer before each take; in the client's loudspeaker, from what was there first
}

type span struct{ least, most float64 }

func (s *span) note(v float64) { s.least, s.most = min(s.least, v), max(s.most, v) }

var noSpan = span{math.Inf(1), math.Inf(-1)}

func newPlainRig(ppm float64, chunk int, jitter time.Duration) *plainRig {
	r := &plainRig{mic: newPlainMic(), ppm: ppm, chunk: chunk, jitter: jitter, random: rand.New(rand.NewPCG(1, uint64(chunk)))}
	r.waiting, r.buffered = noSpan, noSpan
	r.capture()
	return r
}

// rate is the client's, in samples a second of the host's.
func (r *plainRig) rate() float64 { return room.PlainRate * (1 + r.ppm*1e-6) }

// capture sets when the next chunk arrives.
func (r *plainRig) capture() {
	r.captured += r.chunk
	full := time.Duration(float64(r.captured) / r.rate() * 1e9)
	r.arrives = max(r.arrives, full+time.Duration(r.random.Float64()*float64(r.jitter)))
}

// deliver hands over what has arrived by now.
func (r *plainRig) deliver() {
	for r.arrives <= r.host {
		r.mic.put(time.Unix(0, int64(r.arrives)), make([]int16, r.chunk))
		r.capture()
	}
}

// run lets d pass.
func (r *plainRig) run(d time.Duration) {
	var block [plainBlock]float32
	for end := r.host + d; r.host < end; r.host += room.FrameTime {
		r.deliver()
		r.owed += room.PlainSamples * (1 + min(max(r.mic.bend, -driftMax), driftMax)*1e-6)
		n := int(r.owed)
		r.owed -= float64(n)
		if r.mic.flowing {
			r.waiting.note(float64(len(r.mic.pcm)) / plainMs)
		}
		r.mic.take(time.Unix(0, int64(r.host)), block[:n])
		r.sent += room.PlainSamples * (1 + r.mic.clock*1e-6)
		r.buffered.note((r.sent - (r.host+room.FrameTime).Seconds()*r.rate()) / plainMs)
	}
}

// An hour with clocks apart: neither the host's buffer nor the client's grows or runs dry.
func TestLabPlainClockDrift(t *testing.T) {
	for _, chunk := range []int{8192, 441} {
		for _, ppm := range []float64{-100, 100, 400} {
			r := newPlainRig(ppm, chunk, 5*time.Millisecond)
			r.run(5 * time.Minute)
			m := &r.mic
			whole := float64(chunk) / plainMs
			early := r.buffered
			r.waiting, r.buffered = noSpan, noSpan
			r.run(55 * time.Minute)
			audiotest.Report(t, fmt.Sprintf("plain client for an hour, clocks %+.0f ppm apart, chunks of %d", ppm, chunk),
				"no growth, no gap", "microphone waiting %.0f to %.0f ms, loudspeaker %+.1f to %+.1f ms (first minutes %+.1f to %+.1f), %d gaps, clock %+.1f",
				r.waiting.least, r.waiting.most, r.buffered.least, r.buffered.most, early.least, early.most, m.gaps, m.clock)
			if r.waiting.least < 10 || r.waiting.most > whole+35 || m.gaps != 0 || m.dropped != 0 {
				t.Errorf("%+.0f ppm: waiting %+v ms, %d gaps, %d dropped", ppm, r.waiting, m.gaps, m.dropped)
			}
			if math.Abs(m.clock-ppm) > 10 {
				t.Errorf("%+.0f ppm are taken for %.1f", ppm, m.clock)
			}
			if d := r.buffered.most - r.buffered.least; d > 6 {
				t.Errorf("%+.0f ppm: the loudspeaker's buffer moves by %.1f ms", ppm, d)
			}
		}
	}
}
