package audio

import (
	"fmt"
	"math"
	"testing"
)

// residue is what is left of y, in dB below the tone, once the best-fitting tone of that frequency is taken out:
// harmonics, images, noise and clicks (THD+N).
func residue(y []float32, rate int, hz float64) float64 {
	var c, s float64
	w := 2 * math.Pi * hz / float64(rate)
	// Least squares over a whole signal: sine and cosine are not quite orthogonal, so solve for both.
	var cc, ss, cs float64
	for i, v := range y {
		co, si := math.Cos(w*float64(i)), math.Sin(w*float64(i))
		c += float64(v) * co
		s += float64(v) * si
		cc, ss, cs = cc+co*co, ss+si*si, cs+co*si
	}
	det := cc*ss - cs*cs
	a, b := (c*ss-s*cs)/det, (s*cc-c*cs)/det
	var tone, rest float64
	for i, v := range y {
		fit := a*math.Cos(w*float64(i)) + b*math.Sin(w*float64(i))
		tone += fit * fit
		rest += (float64(v) - fit) * (float64(v) - fit)
	}
	return 10 * math.Log10(rest/tone)
}

func tone(n, rate int, hz, amplitude float64) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(amplitude * math.Sin(2*math.Pi*hz*float64(i)/float64(rate)))
	}
	return x
}

// Tones keep their purity whatever blocks they come in, and the sample count is exact.
func TestResampler(t *testing.T) {
	for _, c := range []struct{ in, out int }{
		{44100, 48000}, {48000, 44100}, {16000, 48000}, {8000, 48000}, {22050, 48000}, {32000, 48000}, {96000, 48000}, {192000, 48000}, {11025, 48000}, {48000, 32000},
	} {
		t.Run(fmt.Sprintf("%d to %d", c.in, c.out), func(t *testing.T) {
			worst := -200.0
			for _, hz := range []float64{100, 997, 3000, 0.8 * float64(min(c.in, c.out)) / 2} {
				r := newResampler(c.in, c.out)
				x := tone(c.in, c.in, hz, 0.9)
				var y []float32
				for size := 1; len(x) > 0; size = size*7%1000 + 1 {
					n := min(size, len(x))
					y = r.process(y, x[:n])
					x = x[n:]
				}
				if len(y) != c.out {
					t.Errorf("a second became %d samples, want %d", len(y), c.out)
				}
				db := residue(y[1000:], c.out, hz)
				worst = max(worst, db)
				if db > -75 {
					t.Errorf("%.0f Hz: THD+N %.1f dB", hz, db)
				}
			}
			t.Logf("THD+N at worst %.1f dB", worst)
		})
	}
}

// What lies above half the new rate must not come back below it.
func TestResamplerKeepsImagesOut(t *testing.T) {
	r := newResampler(48000, 44100)
	y := r.process(nil, tone(48000, 48000, 23500, 1))
	sum := 0.0
	for _, v := range y[1000:] {
		sum += float64(v) * float64(v)
	}
	if db := 10 * math.Log10(sum/float64(len(y)-1000)*2); db > -70 {
		t.Errorf("23.5 kHz comes through at %.1f dB", db)
	}
}

// The plain bridge relies on it: 441 samples give 480 and back, always.
func TestResamplerBlocksAreExact(t *testing.T) {
	up, down := newResampler(44100, 48000), newResampler(48000, 44100)
	x := make([]float32, 441)
	for i := range 1000 {
		y := up.process(nil, x)
		z := down.process(nil, y)
		if len(y) != 480 || len(z) != 441 {
			t.Fatalf("block %d: 441 became %d, and that %d", i, len(y), len(z))
		}
	}
}

func BenchmarkResample441To480(b *testing.B) {
	r := newResampler(44100, 48000)
	x := tone(441, 44100, 997, 0.5)
	y := r.process(nil, x)
	b.ReportAllocs()
	for b.Loop() {
		y = r.process(y[:0], x)
	}
}

// A ratio bent by some parts in a million takes that much more or less input, and stays pure while it changes.
func TestResamplerDrift(t *testing.T) {
	for _, taps := range []int{16, sincTaps} {
		for _, ppm := range []float64{-500, -20, 0, 100, 1e6} {
			r := newDriftResampler(48000, 48000, taps)
			r.drift(ppm)
			ppm = min(ppm, driftMax)
			x := tone(480000, 48000, 997, 0.5)
			y := r.process(nil, x)
			if want := 480000 / (1 + ppm*1e-6); math.Abs(float64(len(y))-want) > 2 {
				t.Errorf("%d taps, %v ppm: 10 s became %d samples, want %.0f", taps, ppm, len(y), want)
			}
			if db := residue(y[1000:49000], 48000, 997*(1+ppm*1e-6)); db > -75 {
				t.Errorf("%d taps, %v ppm: %.0f dB are not the tone", taps, ppm, db)
			}
		}
	}
}
