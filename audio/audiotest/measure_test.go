package audiotest

import (
	"math/rand/v2"
	"testing"
	"time"
)

// A recording that holds the original later and quieter, and one that holds something else.
func TestFind(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	original, other := make([]float64, 2*Rate), make([]float64, 2*Rate)
	for i := range original {
		loud := float64(1 + i/1600%3)
		original[i], other[i] = loud*r.NormFloat64(), loud*r.NormFloat64()
	}
	recording := make([]float64, 4*Rate)
	for i, v := range original {
		recording[i+1600] = v / 4
	}
	if m := Find(original, recording); m.Delay != 100*time.Millisecond || m.Waveform < 0.99 || m.Envelope < 0.99 {
		t.Errorf("the original was found at %v", m)
	}
	if m := Find(other, recording); m.Waveform > 0.1 {
		t.Errorf("something else was found at %v", m)
	}
}
