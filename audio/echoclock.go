package audio

import "math"

const (
	clockEvery  = 64  // blocks with something played between two looks: 320 ms
	clockParts  = 12  // partitions looked at: the direct path and what follows it
	clockLines  = 86  // up to 8 kHz
	clockGain   = 0.3 // of the difference seen, put right at each look
	clockMost   = 100 // parts in a million believed at one look
	clockLimit  = 500 // parts in a million that two clocks may differ
	clockLikely = 0.5 // likeness of the two paths below which they say nothing about time
)

// echoClock follows the drift between the clocks of loudspeaker and microphone. The canceller's filter moves with the echo,
// later or earlier; by how much, between two looks, is the slope of its phase. The reference's rate is bent until
// the filter stands still.
type echoClock struct {
	old    [clockParts]spectrum
	known  bool
	blocks int
	ppm    float64
}

func newEchoClock() *echoClock {
	c := &echoClock{}
	for p := range c.old {
		c.old[p] = newSpectrum(clockLines)
	}
	return c
}

// forget drops what was seen last, after the filter was moved or cleared.
func (c *echoClock) forget() { c.known, c.blocks = false, 0 }

// follow is told of each block that the canceller learned from; far is the power of what is played, line by line. It
// returns by how many parts in a million the reference is to be read faster.
func (c *echoClock) follow(path []spectrum, far []float32) float64 {
	if c.blocks++; c.blocks < clockEvery {
		return c.ppm
	}
	c.blocks = 0
	var turn, curve, same, power float64
	for p := range c.old {
		old, now := c.old[p], path[p]
		for k := 2; k < clockLines; k++ {
			w := float64(k) * 2 * math.Pi / echoFFT
			a, b, x, y := old.re[k], old.im[k], now.re[k], now.im[k]
			weight := float64(far[k])
			strength := weight * float64(a*a+b*b+x*x+y*y) / 2
			turn -= weight * w * float64(a*y-b*x)
			curve += w * w * strength
			same += weight * float64(a*x+b*y)
			power += strength
		}
		copy(old.re, now.re)
		copy(old.im, now.im)
	}
	if c.known && same > clockLikely*power && curve > 0 {
		late := turn / curve // samples by which the echo has become later
		seen := min(max(late*1e6/(clockEvery*echoBlock), -clockMost), clockMost)
		c.ppm = min(max(c.ppm-clockGain*seen, -clockLimit), clockLimit)
	}
	c.known = true
	return c.ppm
}
