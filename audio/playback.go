package audio

import (
	"sync/atomic"
	"time"

	"parley.lan/room"
)

// loudspeaker is what a device's callback takes its sound from. The callback mixes: nothing lies ready, so nothing grows old.
type loudspeaker struct {
	rate    int           // Hz
	latency time.Duration // from the callback to the air, as the device tells
	pull    func(dst []float32, channels int)
	played  *ring         // what was given to the device, mono at 48 kHz: what its echo will be
	given   atomic.Uint64 // samples
	bite    atomic.Int64  // samples taken last
	faults  atomic.Uint64 // times the device had none left
	closed  atomic.Bool
	budget  *budget

	down  [2]*resampler // of left and right; nil at 48 kHz
	mixed [2 * playBlock]float32
	side  [playBlock]float32
	ready [2][]float32 // resampled, not yet given
}

const playBlock = 240 // samples mixed at once, at most

// newLoudspeaker makes one for a device of so many Hz that takes its sound from pull, at 48 kHz.
func newLoudspeaker(rate int, pull func(dst []float32, channels int), b *budget) *loudspeaker {
	l := &loudspeaker{rate: rate, pull: pull, played: newRing(ringTime * ms), budget: b}
	for c := range l.down {
		l.down[c] = newResampler(room.SampleRate, rate)
		l.ready[c] = make([]float32, 0, 2*playBlock*max(rate, room.SampleRate)/room.SampleRate)
	}
	return l
}

// play fills a device's buffer of interleaved samples. Of more than two channels the first two sound.
func (l *loudspeaker) play(out []float32, channels int) {
	if channels < 1 {
		return
	}
	if l.closed.Load() {
		clear(out)
		return
	}
	l.given.Add(uint64(len(out) / channels))
	l.bite.Store(int64(len(out) / channels))
	began := time.Now()
	wide := min(channels, 2)
	for len(out) >= channels {
		n := min(len(out)/channels, playBlock)
		part := out[:n*channels]
		out = out[n*channels:]
		switch {
		case l.down[0] != nil:
			l.resampled(part, channels, wide)
		case channels == wide:
			l.mix(part, wide)
		default:
			l.mix(l.mixed[:n*wide], wide)
			clear(part)
			for i := range n {
				copy(part[i*channels:], l.mixed[i*wide:(i+1)*wide])
			}
		}
		clean(part, 1)
	}
	l.budget.mix.add(time.Since(began))
}

// mix fills dst at 48 kHz and keeps what it sounds like.
func (l *loudspeaker) mix(dst []float32, wide int) {
	l.pull(dst, wide)
	if wide == 1 {
		l.played.write(dst)
		return
	}
	mono := l.side[:len(dst)/2]
	for i := range mono {
		mono[i] = (dst[2*i] + dst[2*i+1]) / 2
	}
	l.played.write(mono)
}

// resampled fills out, at most playBlock samples a channel, from as much mixed sound as it takes.
func (l *loudspeaker) resampled(out []float32, channels, wide int) {
	n := len(out) / channels
	for len(l.ready[0]) < n {
		need := min((n-len(l.ready[0]))*room.SampleRate/l.rate+1, playBlock)
		l.mix(l.mixed[:need*wide], wide)
		for c := range wide {
			for i := range need {
				l.side[i] = l.mixed[i*wide+c]
			}
			l.ready[c] = l.down[c].process(l.ready[c], l.side[:need])
		}
	}
	clear(out)
	for c := range wide {
		for i, v := range l.ready[c][:n] {
			out[i*channels+c] = v
		}
		l.ready[c] = l.ready[c][:copy(l.ready[c], l.ready[c][n:])]
	}
}
