package audio

// The canceller's sizes, in samples at 48 kHz.
const (
	echoBlock = cleanBlock
	echoFFT   = 512 // a block, and before it as much as a partition's filter reaches back
	echoParts = 40  // partitions of one block each: a tail of 200 ms
	echoLines = 172 // lines adapted, of 93.75 Hz: up to 16 kHz
	echoRing  = 128 // blocks of reference kept: 81 of delay searched, the tail, and a little

	echoShare = float32(echoBlock) / echoFFT
)

// The model of the echo path: how it is thought to be before anything is known, and how fast it changes.
const (
	echoPrior     = 0.2    // a partition's power gain at first …
	echoPriorFall = 0.88   // … and of each next one: 60 dB in about 250 ms
	echoForget    = 0.9998 // a block; squared, it is how much of what is known of the path stays true
	echoSmooth    = 0.5    // a block, of the microphone's spectrum without echo
	echoFirst     = 1      // of that spectrum before anything is known: much, or the first block would be believed all too well
	echoWild      = 4      // mean square of an estimate that nothing but a filter gone astray makes, or NaN
	echoSilent    = 1e-9   // power of a line below which the loudspeaker is taken to be silent
)

// canceller estimates what a microphone hears of the loudspeaker: an adaptive filter in the frequency domain, partitioned
// so that it needs no look-ahead, with a Kalman filter in each line that chooses how fast to adapt, and so stands still
// where somebody speaks over the echo (Enzner and Vary, "Frequency-Domain Adaptive Kalman Filter for Acoustic Echo
// Control", 2006; Kuech, Mabande and Enzner, "State-space architecture of the partitioned-block-based acoustic echo
// controller", 2014).
type canceller struct {
	fft  *fourier
	far  *reference
	path [echoParts]spectrum  // the filter
	dev  [echoParts][]float32 // how wrong each of its lines may be, as a power
	near []float32            // what the microphone hears without the echo, as a power

	estimate, miss spectrum
	expect, step   []float32
	time           []float32 // echoFFT samples at work
	turn           int       // the partitions whose filter is cut to its length next
}

func newCanceller() *canceller {
	c := &canceller{fft: newFourier(echoFFT), far: newReference(), near: make([]float32, echoLines),
		estimate: newSpectrum(echoFFT/2 + 1), miss: newSpectrum(echoFFT/2 + 1),
		expect: make([]float32, echoLines), step: make([]float32, echoLines), time: make([]float32, echoFFT)}
	for p := range c.path {
		c.path[p] = newSpectrum(echoFFT/2 + 1)
		c.dev[p] = make([]float32, echoLines)
	}
	c.reset()
	return c
}

// reset forgets the path.
func (c *canceller) reset() {
	prior := float32(echoPrior)
	for p := range c.path {
		clear(c.path[p].re)
		clear(c.path[p].im)
		for k := range c.dev[p] {
			c.dev[p][k] = prior
		}
		prior *= echoPriorFall
	}
	for k := range c.near {
		c.near[k] = echoFirst
	}
}

// process puts into echo the echo in the block mic, and learns from what is left. It reports whether there was anything
// to learn from.
func (c *canceller) process(echo, mic []float32) bool {
	clear(c.estimate.re)
	clear(c.estimate.im)
	clear(c.expect)
	heard := false
	for p := range c.path {
		if x := c.far.block(p); !x.silent {
			heard = true
			c.filter(p, x)
		}
	}
	if !heard {
		clear(echo)
		return false
	}
	c.fft.inverse(c.time, c.estimate)
	copy(echo, c.time[echoFFT-echoBlock:])
	if !(power(echo) < echoWild) {
		c.reset()
		clear(echo)
		return false
	}
	clear(c.time[:echoFFT-echoBlock])
	for i, v := range mic {
		c.time[echoFFT-echoBlock+i] = v - echo[i]
	}
	c.fft.forward(c.miss, c.time)
	for k, e := range c.expect {
		r, i := c.miss.re[k], c.miss.im[k]
		now := r*r + i*i
		c.near[k] += (1 - echoSmooth) * (now - c.near[k])
		c.step[k] = 1 / (echoShare*e + c.near[k] + 1e-9)
	}
	for p := range c.path {
		if x := c.far.block(p); !x.silent {
			c.adapt(p, x)
		}
	}
	for range 3 {
		c.cut(c.turn)
		c.turn = (c.turn + 7) % echoParts
	}
	return true
}

// filter adds partition p's share of the echo, and of what the estimate may be wrong by.
func (c *canceller) filter(p int, x *farBlock) {
	xr, xi := x.re[:echoLines], x.im[:echoLines]
	wr, wi := c.path[p].re[:echoLines], c.path[p].im[:echoLines]
	yr, yi := c.estimate.re[:echoLines], c.estimate.im[:echoLines]
	d, e := c.dev[p][:echoLines], c.expect[:echoLines]
	for k, a := range xr {
		b := xi[k]
		yr[k] += a*wr[k] - b*wi[k]
		yi[k] += a*wi[k] + b*wr[k]
		e[k] += (a*a + b*b) * d[k]
	}
}

// adapt corrects partition p by its share of the error.
func (c *canceller) adapt(p int, x *farBlock) {
	const stay = echoForget * echoForget
	xr, xi := x.re[:echoLines], x.im[:echoLines]
	wr, wi := c.path[p].re[:echoLines], c.path[p].im[:echoLines]
	er, ei := c.miss.re[:echoLines], c.miss.im[:echoLines]
	d, s := c.dev[p][:echoLines], c.step[:echoLines]
	for k, a := range xr {
		b := xi[k]
		gain := d[k] * s[k]
		wr[k] += gain * (a*er[k] + b*ei[k])
		wi[k] += gain * (a*ei[k] - b*er[k])
		d[k] = stay*(1-echoShare*gain*(a*a+b*b))*d[k] + (1-stay)*(wr[k]*wr[k]+wi[k]*wi[k])
	}
}

// cut takes from partition p's filter what lies beyond its block.
func (c *canceller) cut(p int) {
	c.fft.inverse(c.time, c.path[p])
	clear(c.time[echoBlock:])
	c.fft.forward(c.path[p], c.time)
	clear(c.path[p].re[echoLines:])
	clear(c.path[p].im[echoLines:])
}

// peak is the partition with the strongest filter.
func (c *canceller) peak() int {
	best, most := 0, float32(0)
	for p := range c.path {
		power := float32(0)
		for k := searchFirst; k < searchFirst+searchLines; k++ {
			power += c.path[p].re[k]*c.path[p].re[k] + c.path[p].im[k]*c.path[p].im[k]
		}
		if power > most {
			best, most = p, power
		}
	}
	return best
}

// advance moves the filter n partitions towards the front (back if negative), when the reference has moved the other way.
func (c *canceller) advance(n int) {
	for n = min(max(n, -echoParts), echoParts); n > 0; n-- {
		first, dev := c.path[0], c.dev[0]
		copy(c.path[:], c.path[1:])
		copy(c.dev[:], c.dev[1:])
		c.path[echoParts-1], c.dev[echoParts-1] = first, dev
		c.blank(echoParts-1, echoParts-2)
	}
	for ; n < 0; n++ {
		last, dev := c.path[echoParts-1], c.dev[echoParts-1]
		copy(c.path[1:], c.path[:])
		copy(c.dev[1:], c.dev[:])
		c.path[0], c.dev[0] = last, dev
		c.blank(0, 1)
	}
}

// blank makes p a partition of which nothing is known but that it is like its neighbour.
func (c *canceller) blank(p, like int) {
	clear(c.path[p].re)
	clear(c.path[p].im)
	copy(c.dev[p], c.dev[like])
}
