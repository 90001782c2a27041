package audio

import (
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"
)

// Against the definition, and back.
func TestFourier(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{8, 64, 512, 1024} {
		f, s := newFourier(n), newSpectrum(n/2+1)
		x, back := make([]float32, n), make([]float32, n)
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
		f.forward(s, x)
		for _, k := range []int{0, 1, 2, n/4 - 1, n / 4, n/4 + 1, n/2 - 1, n / 2} {
			var want complex128
			for i, v := range x {
				want += complex(float64(v), 0) * cmplx.Rect(1, -2*math.Pi*float64(i*k%n)/float64(n))
			}
			if got := complex(float64(s.re[k]), float64(s.im[k])); cmplx.Abs(got-want) > 1e-5*float64(n) {
				t.Errorf("line %d of %d is %v, want %v", k, n, got, want)
			}
		}
		f.inverse(back, s)
		for i := range x {
			if math.Abs(float64(back[i]-x[i])) > 1e-5 {
				t.Fatalf("sample %d of %d comes back as %v, was %v", i, n, back[i], x[i])
			}
		}
	}
}

func BenchmarkFourier(b *testing.B) {
	f, s, x := newFourier(512), newSpectrum(257), make([]float32, 512)
	b.ReportAllocs()
	for b.Loop() {
		f.forward(s, x)
	}
}
