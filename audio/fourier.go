package audio

import "math"

// fourier transforms real signals of n samples, a power of two, to n/2+1 spectral lines and back: a complex transform of
// half the length (Sorensen and others, "Real-Valued Fast Fourier Transform Algorithms", 1987). It allocates nothing.
type fourier struct {
	n        int
	cos, sin []float32 // of 2πk/n, for k below n/2
	swap     []uint16  // bit-reversed order of n/2
	re, im   []float32 // the half-length transform at work
}

// spectrum holds n/2+1 lines, from 0 Hz to half the sample rate.
type spectrum struct{ re, im []float32 }

func newSpectrum(lines int) spectrum {
	return spectrum{make([]float32, lines), make([]float32, lines)}
}

func newFourier(n int) *fourier {
	half := n / 2
	f := &fourier{n: n, cos: make([]float32, half), sin: make([]float32, half), swap: make([]uint16, half),
		re: make([]float32, half), im: make([]float32, half)}
	for k := range half {
		s, c := math.Sincos(2 * math.Pi * float64(k) / float64(n))
		f.cos[k], f.sin[k] = float32(c), float32(s)
		f.swap[k] = f.swap[k/2] / 2
		if k%2 == 1 {
			f.swap[k] |= uint16(half / 2)
		}
	}
	return f
}

// forward puts into s the spectrum of x, n samples.
func (f *fourier) forward(s spectrum, x []float32) {
	half := f.n / 2
	x = x[:f.n]
	for i, j := range f.swap {
		f.re[i], f.im[i] = x[2*j], x[2*j+1]
	}
	f.transform()
	s.re[0], s.im[0] = f.re[0]+f.im[0], 0
	s.re[half], s.im[half] = f.re[0]-f.im[0], 0
	for k := 1; k <= half/2; k++ {
		ar, ai, br, bi := f.re[k], f.im[k], f.re[half-k], f.im[half-k]
		evenR, evenI := (ar+br)/2, (ai-bi)/2
		oddR, oddI := (ai+bi)/2, (br-ar)/2
		c, w := f.cos[k], f.sin[k]
		tr, ti := oddR*c+oddI*w, oddI*c-oddR*w
		s.re[k], s.im[k] = evenR+tr, evenI+ti
		s.re[half-k], s.im[half-k] = evenR-tr, ti-evenI
	}
}

// inverse puts into x the n samples whose spectrum s is.
func (f *fourier) inverse(x []float32, s spectrum) {
	half := f.n / 2
	x = x[:f.n]
	scale := 1 / float32(f.n)
	put := func(k int, r, i float32) {
		j := f.swap[k]
		f.re[j], f.im[j] = r*scale, -i*scale // conjugated: the forward transform then goes backwards
	}
	put(0, s.re[0]+s.re[half], s.re[0]-s.re[half])
	for k := 1; k <= half/2; k++ {
		ar, ai, br, bi := s.re[k], s.im[k], s.re[half-k], s.im[half-k]
		evenR, evenI := ar+br, ai-bi
		dr, di := ar-br, ai+bi
		c, w := f.cos[k], f.sin[k]
		oddR, oddI := dr*c-di*w, di*c+dr*w
		put(k, evenR-oddI, evenI+oddR)
		put(half-k, evenR+oddI, oddR-evenI)
	}
	f.transform()
	for i := range half {
		x[2*i], x[2*i+1] = f.re[i], -f.im[i]
	}
}

// transform does the half-length transform of re and im, which are in bit-reversed order, in place.
func (f *fourier) transform() {
	re, im := f.re, f.im
	for i := 0; i+4 <= len(re); i += 4 { // the first two steps turn by quarters only
		r, m := re[i:i+4:i+4], im[i:i+4:i+4]
		ar, ai, br, bi := r[0]+r[1], m[0]+m[1], r[0]-r[1], m[0]-m[1]
		cr, ci, dr, di := r[2]+r[3], m[2]+m[3], r[2]-r[3], m[2]-m[3]
		r[0], m[0], r[2], m[2] = ar+cr, ai+ci, ar-cr, ai-ci
		r[1], m[1], r[3], m[3] = br+di, bi-dr, br-di, bi+dr
	}
	for size := 4; size < len(re); size *= 2 {
		stride := f.n / (2 * size)
		for at := 0; at < len(re); at += 2 * size {
			ar, ai := re[at:at+size], im[at:at+size]
			br, bi := re[at+size:at+2*size], im[at+size:at+2*size]
			ai, br, bi = ai[:len(ar)], br[:len(ar)], bi[:len(ar)]
			for k := range ar {
				c, w := f.cos[k*stride], f.sin[k*stride]
				tr, ti := br[k]*c+bi[k]*w, bi[k]*c-br[k]*w
				br[k], bi[k] = ar[k]-tr, ai[k]-ti
				ar[k], ai[k] = ar[k]+tr, ai[k]+ti
			}
		}
	}
}
