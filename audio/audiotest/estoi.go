package audiotest

import "math"

// What the measure is defined on: Jensen and Taal, "An Algorithm for Predicting the Intelligibility of Speech Masked by
// Modulated Noise Maskers", 2016; bands and silent frames as in Taal, Hendriks, Heusdens and Jensen, 2011.
const (
	stoiRate    = 10000
	stoiFrame   = 256
	stoiHop     = 128
	stoiFFT     = 512
	stoiBands   = 15
	stoiLowest  = 150.0 // Hz, the middle of the lowest third of an octave
	stoiSegment = 30    // frames: 384 ms
	stoiRange   = 40.0  // dB below the loudest frame; quieter ones are left out
)

// ESTOI is how intelligible degraded is, by its likeness to clean: 1 the same, 0 nothing in common. Both are at rate Hz
// and begin at the same moment; what one has more is left out. It is not validated against other implementations: use it
// to compare.
func ESTOI(clean, degraded []float64, rate int) float64 {
	n := min(len(clean), len(degraded))
	x, y := voiced(convert(clean[:n], rate), convert(degraded[:n], rate))
	bx, by := thirds(x), thirds(y)
	if len(bx) < stoiSegment {
		return 0
	}
	sum := 0.0
	for m := stoiSegment; m <= len(bx); m++ {
		a, b := normal(bx[m-stoiSegment:m]), normal(by[m-stoiSegment:m])
		for k := range a {
			for j := range a[k] {
				sum += a[k][j] * b[k][j]
			}
		}
	}
	return sum / stoiSegment / float64(len(bx)-stoiSegment+1)
}

// convert changes the rate to stoiRate by a windowed sinc.
func convert(x []float64, rate int) []float64 {
	const half = 16 // zero crossings each side
	ratio := float64(rate) / stoiRate
	cut := 0.95 / max(ratio, 1)
	reach := int(half / cut)
	out := make([]float64, int(float64(len(x))/ratio))
	for i := range out {
		at := float64(i) * ratio
		sum := 0.0
		for k := max(0, int(at)-reach); k <= min(len(x)-1, int(at)+reach); k++ {
			t := float64(k) - at
			v := cut
			if t != 0 {
				v = math.Sin(math.Pi*cut*t) / (math.Pi * t)
			}
			sum += x[k] * v * (0.5 + 0.5*math.Cos(math.Pi*t/float64(reach+1)))
		}
		out[i] = sum
	}
	return out
}

func hann() (w [stoiFrame]float64) {
	for i := range w {
		w[i] = 0.5 - 0.5*math.Cos(2*math.Pi*float64(i+1)/(stoiFrame+1))
	}
	return w
}

// voiced leaves out, in both, the frames in which clean is silent, and joins the others by overlapping them.
func voiced(clean, degraded []float64) (x, y []float64) {
	w := hann()
	frames := (len(clean) - stoiFrame) / stoiHop
	loud := make([]float64, max(frames, 0))
	loudest := math.Inf(-1)
	for i := range loud {
		sum := 1e-20
		for k, g := range w {
			v := clean[i*stoiHop+k] * g
			sum += v * v
		}
		loud[i] = 10 * math.Log10(sum)
		loudest = max(loudest, loud[i])
	}
	x, y = make([]float64, len(clean)), make([]float64, len(clean))
	at := 0
	for i, l := range loud {
		if l < loudest-stoiRange {
			continue
		}
		for k, g := range w {
			x[at+k] += clean[i*stoiHop+k] * g
			y[at+k] += degraded[i*stoiHop+k] * g
		}
		at += stoiHop
	}
	end := min(len(x), at+stoiFrame-stoiHop)
	return x[:end], y[:end]
}

// thirds is the magnitude of each frame in thirds of an octave.
func thirds(x []float64) [][stoiBands]float64 {
	w := hann()
	bin := func(hz float64) int { return int(math.Round(hz * stoiFFT / stoiRate)) }
	var out [][stoiBands]float64
	spectrum := make([]complex128, stoiFFT)
	for ; len(x) >= stoiFrame; x = x[stoiHop:] {
		clear(spectrum)
		for k, g := range w {
			spectrum[k] = complex(x[k]*g, 0)
		}
		fft(spectrum)
		var bands [stoiBands]float64
		for j := range bands {
			middle := stoiLowest * math.Pow(2, float64(j)/3)
			sum := 0.0
			for k := bin(middle * math.Pow(2, -1.0/6)); k < bin(middle*math.Pow(2, 1.0/6)); k++ {
				re, im := real(spectrum[k]), imag(spectrum[k])
				sum += re*re + im*im
			}
			bands[j] = math.Sqrt(sum)
		}
		out = append(out, bands)
	}
	return out
}

// normal takes mean and length out of each band over the segment, then out of each frame over its bands.
func normal(s [][stoiBands]float64) (m [stoiSegment][stoiBands]float64) {
	copy(m[:], s)
	for j := range stoiBands {
		mean, length := 0.0, 0.0
		for k := range m {
			mean += m[k][j] / stoiSegment
		}
		for k := range m {
			m[k][j] -= mean
			length += m[k][j] * m[k][j]
		}
		for k := range m {
			m[k][j] /= math.Sqrt(length) + 1e-20
		}
	}
	for k := range m {
		mean, length := 0.0, 0.0
		for _, v := range m[k] {
			mean += v / stoiBands
		}
		for j := range m[k] {
			m[k][j] -= mean
			length += m[k][j] * m[k][j]
		}
		for j := range m[k] {
			m[k][j] /= math.Sqrt(length) + 1e-20
		}
	}
	return m
}
