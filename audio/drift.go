package audio

import "parley.lan/room"

// driftLoop follows the speaker's clock: a PI controller on how much more delay than wanted there is, smoothed, says by how many parts in a
// million faster to play. Its time constant is ten seconds, critically damped; errors that time-scaling takes care of don't
// wind it up.
type driftLoop struct {
	level    float64 // samples too many, smoothed
	integral float64 // ppm
	on       bool    // the clocks differ: resample
}

const (
	driftSmooth   = 1.0  // seconds
	driftGain     = 12.0 // ppm for a sample too many
	driftIntegral = 0.8  // and more each second
	driftClamp    = 3 * ms
	driftSpare    = ms / 2 // kept while resampling, whose place between samples no callback keeps to
	driftLearn    = ms     // a larger error is not the clocks'
	driftLimit    = 900.0  // ppm
	driftOn       = ms / 2
	driftOff      = ms / 4
)

// note takes by how much delay was too much when a frame of so many samples was played.
func (d *driftLoop) note(excess int64, samples int) {
	dt := float64(samples) / room.SampleRate
	if d.on {
		excess -= driftSpare
	}
	e := float64(min(max(excess, -driftClamp), driftClamp))
	d.level += (e - d.level) * min(1, dt/driftSmooth)
	if d.level > driftOn || d.level < -driftOn {
		d.on = true
	}
	if d.on && d.level < driftLearn && d.level > -driftLearn {
		d.integral = min(max(d.integral+driftIntegral*d.level*dt, -driftLimit), driftLimit)
	}
}

// calm tells whether the clocks show no difference, so that resampling can end where nobody hears it.
func (d *driftLoop) calm() bool {
	return d.level < driftOff && d.level > -driftOff && d.integral < 3 && d.integral > -3
}

// ppm is by how much faster to play.
func (d *driftLoop) ppm() float64 {
	return min(max(d.integral+driftGain*d.level, -driftLimit), driftLimit)
}

// prime makes r go on behind before, its output in step with its input: what it delays is made up by its first
// block being shorter.
func (r *resampler) prime(before []float32) {
	r.history = append(r.history[:0], before[len(before)-(r.taps-1):]...)
	r.pos, r.frac = r.taps/2, 0
}
