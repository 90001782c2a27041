package audio

import "math"

// limiter keeps a mix within full scale: a gain that falls at once when the peak of a block would exceed
// limitPeak and comes back over limitRelease, and behind it a soft curve for what the falling gain lets by.
// Below limitPeak it changes nothing. It delays nothing.
type limiter struct {
	gain float32 // of the last sample; 0 before the first
}

const (
	limitPeak    = 0.89 // -1 dBFS
	limitMost    = 0.99
	limitAttack  = 32 // samples over which the gain falls
	limitRelease = 200 * ms
)

// process limits interleaved channels, all by the same gain so that voices stay in their places.
func (l *limiter) process(pcm []float32, channels int) {
	if l.gain == 0 {
		l.gain = 1
	}
	var peak float32
	for _, v := range pcm {
		peak = max(peak, v, -v)
	}
	want := float32(1)
	if peak > limitPeak {
		want = limitPeak / peak
	}
	if l.gain == 1 && want == 1 {
		return
	}
	step := (want - l.gain) / limitAttack
	if want > l.gain {
		step = min(step, 1.0/limitRelease)
	}
	for i := 0; i < len(pcm); i += channels {
		switch {
		case step < 0 && l.gain+step <= want, step > 0 && l.gain+step >= want:
			l.gain, step = want, 0
		default:
			l.gain += step
		}
		for k := range channels {
			pcm[i+k] = soft(pcm[i+k] * l.gain)
		}
	}
}

// soft is the identity up to limitPeak and never exceeds limitMost.
func soft(v float32) float32 {
	const room = limitMost - limitPeak
	switch {
	case v > limitPeak:
		return limitPeak + room*float32(math.Tanh(float64(v-limitPeak)/room))
	case v < -limitPeak:
		return -limitPeak - room*float32(math.Tanh(float64(-v-limitPeak)/room))
	}
	return v
}
