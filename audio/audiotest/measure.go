// Package audiotest says how much of one recording is in another and how much later, and sets up sound cards
// made of nothing. It is for tests only.
package audiotest

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/cmplx"
	"os"
	"time"
)

// Rate is what recordings are compared at, in Hz: speech lies below half of it.
const Rate = 16000

// Load reads a 16-bit mono WAV file whose rate is a multiple of Rate, and returns it at Rate.
func Load(path string) ([]float64, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(b) < 44 || string(b[:4]) != "RIFF" || string(b[36:40]) != "data" {
		return nil, fmt.Errorf("%s is not a plain WAV file", path)
	}
	rate := int(binary.LittleEndian.Uint32(b[24:]))
	if size := int(binary.LittleEndian.Uint32(b[40:])); size != len(b)-44 || rate%Rate != 0 || b[22] != 1 || b[34] != 16 {
		return nil, fmt.Errorf("%s: %d Hz, %d channels, %d bits, header counts %d bytes and there are %d", path, rate, b[22], b[34], size, len(b)-44)
	}
	pcm := make([]float64, (len(b)-44)/2)
	for i := range pcm {
		pcm[i] = float64(int16(binary.LittleEndian.Uint16(b[44+2*i:]))) / 32768
	}
	return Decimate(pcm, rate/Rate), nil
}

// Decimate keeps every nth sample of what lies below half the new rate.
func Decimate(pcm []float64, n int) []float64 {
	if n == 1 {
		return pcm
	}
	for range 2 {
		pcm = newBiquad(float64(Rate*n), 0.4*Rate, 0.7, false).run(pcm)
	}
	out := make([]float64, 0, len(pcm)/n)
	for i := 0; i+n <= len(pcm); i += n {
		out = append(out, pcm[i])
	}
	return out
}

// Match is how one recording appears in another.
type Match struct {
	Delay    time.Duration // by which it is later, counted from both beginnings
	Waveform float64       // correlation of the waveforms in the telephone band, half a second at a time; 1: nothing else is there
	Envelope float64       // correlation of the envelopes of the band that is loudest in the original
}

func (m Match) String() string {
	return fmt.Sprintf("delay %v, waveform %.3f, envelope %.3f", m.Delay.Round(100*time.Microsecond), m.Waveform, m.Envelope)
}

// Find looks for where original lies in recording, both at Rate.
func Find(original, recording []float64) Match {
	o, r := band(original, 300, 3400), band(recording, 300, 3400)
	r = append(r, make([]float64, len(o))...)
	cross := correlate(r, o)
	var energy, window float64
	for i, v := range o {
		energy += v * v
		window += r[i] * r[i]
	}
	best, lag := 0.0, 0
	for l := 0; l+len(o) < len(r); l++ {
		if c := cross[l] / math.Sqrt(energy*window+1e-12); c > best {
			best, lag = c, l
		}
		window += r[l+len(o)]*r[l+len(o)] - r[l]*r[l]
	}
	return Match{
		Delay:    time.Duration(lag) * time.Second / Rate,
		Waveform: waveforms(o, r, lag),
		Envelope: envelopes(original, append(append([]float64{}, recording...), make([]float64, len(o))...)[lag:lag+len(o)]),
	}
}

// waveforms finds o in r near lag piece by piece, since a playout delay that changes moves them a little, and
// returns the mean correlation by energy.
func waveforms(o, r []float64, lag int) float64 {
	const piece, near = Rate / 2, 15 * Rate / 1000
	var sum, all float64
	for at := 0; at+piece <= len(o); at += piece {
		x := o[at : at+piece]
		energy, best := 0.0, 0.0
		for _, v := range x {
			energy += v * v
		}
		for l := max(0, at+lag-near); l <= at+lag+near && l+piece <= len(r); l++ {
			var dot, other float64
			for i, v := range r[l : l+piece] {
				dot += v * x[i]
				other += v * v
			}
			best = max(best, dot/math.Sqrt(energy*other+1e-12))
		}
		sum += best * energy
		all += energy
	}
	return sum / (all + 1e-12)
}

// envelopes correlates the envelopes of a and b in the octave where a is loudest.
func envelopes(a, b []float64) float64 {
	loudest, which := 0.0, 0.0
	for low := 150.0; low < 4000; low *= 2 {
		sum := 0.0
		for _, v := range band(a, low, 2*low) {
			sum += v * v
		}
		if sum > loudest {
			loudest, which = sum, low
		}
	}
	return pearson(envelope(band(a, which, 2*which)), envelope(band(b, which, 2*which)))
}

// envelope is the RMS of every 20 ms.
func envelope(x []float64) []float64 {
	const n = Rate / 50
	var env []float64
	for ; len(x) >= n; x = x[n:] {
		sum := 0.0
		for _, v := range x[:n] {
			sum += v * v
		}
		env = append(env, math.Sqrt(sum/n))
	}
	return env
}

func pearson(a, b []float64) float64 {
	var ma, mb float64
	for i := range a {
		ma += a[i] / float64(len(a))
		mb += b[i] / float64(len(a))
	}
	var ab, aa, bb float64
	for i := range a {
		ab += (a[i] - ma) * (b[i] - mb)
		aa += (a[i] - ma) * (a[i] - ma)
		bb += (b[i] - mb) * (b[i] - mb)
	}
	return ab / math.Sqrt(aa*bb+1e-12)
}

func band(x []float64, low, high float64) []float64 {
	return newBiquad(Rate, high, 0.7, false).run(newBiquad(Rate, low, 0.7, true).run(x))
}

// biquad is a second-order low-pass or high-pass (Bristow-Johnson's cookbook).
type biquad struct{ b0, b1, b2, a1, a2 float64 }

func newBiquad(rate, cut, q float64, high bool) biquad {
	w := 2 * math.Pi * cut / rate
	alpha, c := math.Sin(w)/(2*q), math.Cos(w)
	a0 := 1 + alpha
	edge, middle := (1-c)/2, 1-c
	if high {
		edge, middle = (1+c)/2, -(1 + c)
	}
	return biquad{edge / a0, middle / a0, edge / a0, -2 * c / a0, (1 - alpha) / a0}
}

func (f biquad) run(x []float64) []float64 {
	y := make([]float64, len(x))
	var x1, x2, y1, y2 float64
	for i, v := range x {
		w := f.b0*v + f.b1*x1 + f.b2*x2 - f.a1*y1 - f.a2*y2
		x1, x2, y1, y2 = v, x1, w, y1
		y[i] = w
	}
	return y
}

// correlate returns for each lag l the sum of a[l+i]·b[i], through the Fourier transform.
func correlate(a, b []float64) []float64 {
	n := 1
	for n < len(a)+len(b) {
		n *= 2
	}
	fa, fb := make([]complex128, n), make([]complex128, n)
	for i, v := range a {
		fa[i] = complex(v, 0)
	}
	for i, v := range b {
		fb[i] = complex(v, 0)
	}
	fft(fa)
	fft(fb)
	for i := range fa {
		fa[i] = cmplx.Conj(fa[i]) * fb[i] // its forward transform is the inverse, conjugated
	}
	fft(fa)
	out := make([]float64, len(a))
	for i := range out {
		out[i] = real(fa[i]) / float64(n)
	}
	return out
}

// fft transforms x, whose length is a power of two, in place.
func fft(x []complex128) {
	n := len(x)
	for i, j := 1, 0; i < n; i++ {
		bit := n / 2
		for ; j&bit != 0; bit /= 2 {
			j ^= bit
		}
		j |= bit
		if i < j {
			x[i], x[j] = x[j], x[i]
		}
	}
	for size := 2; size <= n; size *= 2 {
		turn := cmplx.Rect(1, -2*math.Pi/float64(size))
		for at := 0; at < n; at += size {
			w := complex(1, 0)
			for k := at; k < at+size/2; k++ {
				u, v := x[k], x[k+size/2]*w
				x[k], x[k+size/2] = u+v, u-v
				w *= turn
			}
		}
	}
}
