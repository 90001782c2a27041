package audiotest

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Speech is like itself and like a louder copy, less so the more noise covers it, and noise alone is like nothing.
func TestESTOI(t *testing.T) {
	pcm, err := Load("../testdata/ada.wav")
	if err != nil {
		t.Fatal(err)
	}
	power := 0.0
	for _, v := range pcm {
		power += v * v / float64(len(pcm))
	}
	noisy := func(snr float64) []float64 {
		r := rand.New(rand.NewPCG(1, 2))
		out := make([]float64, len(pcm))
		for i, v := range pcm {
			out[i] = 0.5*v + 0.5*math.Sqrt(power)*math.Pow(10, -snr/20)*r.NormFloat64()
		}
		return out
	}
	if v := ESTOI(pcm, noisy(200), Rate); math.Abs(v-1) > 1e-6 {
		t.Errorf("the same at half the level: %v", v)
	}
	last := 1.0
	for _, snr := range []float64{30, 20, 10, 0, -20} {
		v := ESTOI(pcm, noisy(snr), Rate)
		if v >= last {
			t.Errorf("at %v dB %v, not below %v", snr, v, last)
		}
		last = v
	}
	if last > 0.2 {
		t.Errorf("noise 20 dB above speech: %v", last)
	}
}
