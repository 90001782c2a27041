package audio

// What is searched for the echo's delay.
const (
	searchBlocks = 81   // delays of 0 to 400 ms, in blocks
	searchFirst  = 4    // lines from 375 Hz …
	searchLines  = 40   // … to 4.1 kHz, where speech is strong and loudspeakers are good
	searchKeep   = 0.99 // of what is known at each update; one in two blocks, so it looks back a second
	searchEvery  = 50   // blocks between two decisions
	searchSure   = 3    // decisions that must agree
	searchLeast  = 0.04 // coherence that is no accident …
	searchStands = 4    // … and so many times the mean over all delays
)

// echoDelay finds how many blocks later the microphone hears what the loudspeaker played: the delay whose blocks are the
// most coherent with the microphone's, line by line (a cross-correlation that weighs all lines alike, as GCC-PHAT does).
type echoDelay struct {
	cross    [searchBlocks]struct{ re, im [searchLines]float32 }
	far, mic [searchLines]float32 // power
	blocks   int
	last     int // the delay found last, and how often in a row
	times    int
}

// note takes the microphone's newest block. What the loudspeaker played is read from far.
func (d *echoDelay) note(mic *spectrum, far *reference) {
	odd := d.blocks % 2
	d.blocks++
	y := spectrum{mic.re[searchFirst:][:searchLines], mic.im[searchFirst:][:searchLines]}
	if odd == 0 {
		x := far.back(0)
		for k := range searchLines {
			d.mic[k] = searchKeep*d.mic[k] + y.re[k]*y.re[k] + y.im[k]*y.im[k]
			d.far[k] *= searchKeep
			if !x.silent {
				d.far[k] += x.re[searchFirst+k]*x.re[searchFirst+k] + x.im[searchFirst+k]*x.im[searchFirst+k]
			}
		}
	}
	for lag := odd; lag < searchBlocks; lag += 2 {
		c, x := &d.cross[lag], far.back(lag)
		if x.silent {
			for k := range c.re {
				c.re[k] *= searchKeep
				c.im[k] *= searchKeep
			}
			continue
		}
		xr, xi := x.re[searchFirst:][:searchLines], x.im[searchFirst:][:searchLines]
		for k := range c.re {
			c.re[k] = searchKeep*c.re[k] + y.re[k]*xr[k] + y.im[k]*xi[k]
			c.im[k] = searchKeep*c.im[k] + y.im[k]*xr[k] - y.re[k]*xi[k]
		}
	}
}

// found returns the delay in blocks against the newest played; ok is false where nothing is sure, or it isn't time to
// look again.
func (d *echoDelay) found() (blocks int, ok bool) {
	if d.blocks%searchEvery != 0 {
		return 0, false
	}
	best, most, sum := 0, float32(0), float32(0)
	for lag := range d.cross {
		c := &d.cross[lag]
		coherence := float32(0)
		for k := range c.re {
			coherence += (c.re[k]*c.re[k] + c.im[k]*c.im[k]) / (d.mic[k]*d.far[k] + 1e-12)
		}
		coherence /= searchLines
		sum += coherence
		if coherence > most {
			best, most = lag, coherence
		}
	}
	if most < searchLeast || most*searchBlocks < searchStands*sum {
		d.times = 0
		return 0, false
	}
	if best < d.last-1 || best > d.last+1 {
		d.times = 0
	}
	d.last = best
	d.times++
	return best, d.times >= searchSure
}
