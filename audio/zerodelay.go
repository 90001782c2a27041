package audio

import "math"

const (
	gainFFT   = 512
	gainLines = gainFFT/2 + 1
	gainTaps  = gainFFT - cleanBlock // what a filter may be long, so that a block's end is free of its beginning
)

// zeroDelay applies gains to a signal at once: as a filter of minimum phase, which delays what it lets through as little
// as any filter with these gains does (Löllmann and Vary, "Low delay noise reduction and dereverberation for hearing
// aids", 2009). From block to block the old filter fades over into the new.
type zeroDelay struct {
	fft      *fourier
	recent   []float32 // the last gainFFT samples
	time     []float32
	was      []float32
	now      spectrum // of recent
	old, new spectrum // the filters
	out      spectrum
	fade     [gainTaps]float32
}

func newZeroDelay() *zeroDelay {
	z := &zeroDelay{fft: newFourier(gainFFT), recent: make([]float32, gainFFT), time: make([]float32, gainFFT),
		was: make([]float32, gainFFT), now: newSpectrum(gainLines), old: newSpectrum(gainLines),
		new: newSpectrum(gainLines), out: newSpectrum(gainLines)}
	for k := range z.old.re {
		z.old.re[k] = 1
	}
	for i := range z.fade {
		z.fade[i] = float32(min(1, 2-2*float64(i)/gainTaps))
	}
	return z
}

// process filters the block pcm in place by gain, the amplitude of each of noiseLines lines.
func (z *zeroDelay) process(pcm, gain []float32) {
	copy(z.recent, z.recent[cleanBlock:])
	copy(z.recent[gainFFT-cleanBlock:], pcm)
	z.fft.forward(z.now, z.recent)
	z.design(gain)
	z.apply(z.was, z.old)
	z.apply(z.time, z.new)
	const first = gainFFT - cleanBlock
	for i := range pcm {
		share := float32(i+1) / cleanBlock
		pcm[i] = z.was[first+i] + share*(z.time[first+i]-z.was[first+i])
	}
	z.old, z.new = z.new, z.old
}

func (z *zeroDelay) apply(to []float32, filter spectrum) {
	for k := range filter.re {
		a, b, x, y := filter.re[k], filter.im[k], z.now.re[k], z.now.im[k]
		z.out.re[k], z.out.im[k] = a*x-b*y, a*y+b*x
	}
	z.fft.inverse(to, z.out)
}

// design makes the filter of minimum phase: what the logarithm of the gains has before time zero in its cepstrum is folded
// onto what it has after (Oppenheim and Schafer).
func (z *zeroDelay) design(gain []float32) {
	f := z.new
	for k := range f.re {
		g := gain[2*k]
		if k > 0 && k < gainLines-1 {
			g = (gain[2*k-1] + 2*g + gain[2*k+1]) / 4
		}
		f.re[k], f.im[k] = float32(math.Log(float64(g)+1e-4)), 0
	}
	z.fft.inverse(z.time, f)
	for i := 1; i < gainFFT/2; i++ {
		z.time[i] *= 2
		z.time[gainFFT-i] = 0
	}
	z.fft.forward(f, z.time)
	for k := range f.re {
		size := math.Exp(float64(f.re[k]))
		sin, cos := math.Sincos(float64(f.im[k]))
		f.re[k], f.im[k] = float32(size*cos), float32(size*sin)
	}
	z.fft.inverse(z.time, f)
	for i, v := range z.fade {
		z.time[i] *= v
	}
	clear(z.time[gainTaps:])
	z.fft.forward(f, z.time)
}
