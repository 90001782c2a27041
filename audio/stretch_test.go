package audio

import (
	"math/rand/v2"
	"testing"
)

// Stretching a vowel-like sound leaves its pitch and makes no click, at either end.
func TestStretch(t *testing.T) {
	for _, by := range []int{-240, -170, 170, 300} {
		whole := tone(historyKept+480, 48000, 300, 0.5) // a period of 160 samples
		buf := append(make([]float32, 0, 4*historyKept), whole...)
		got := stretch(buf, historyKept, by, false)
		if n := len(got) - 480; n != -160 && n != 160 && n != 320 || n*by < 0 {
			t.Errorf("by %d: %d samples", by, len(got))
		}
		all := buf[historyKept-1 : historyKept+len(got)]
		steepest := float32(0)
		for i := 1; i < len(all); i++ {
			steepest = max(steepest, all[i]-all[i-1], all[i-1]-all[i])
		}
		if steepest > 0.021 { // the tone's own is 0.0196
			t.Errorf("by %d: a step of %.3f", by, steepest)
		}
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range 3000 { // any lengths
		at, n := r.IntN(2000), r.IntN(3000)
		by := r.IntN(2000) - 1000
		buf := make([]float32, at+n, 6000)
		got := len(stretch(buf, at, by, r.IntN(2) == 0)) - n
		if by < 0 && (got < by || got > 0) || by > 0 && (got > by || got < 0) {
			t.Fatalf("%d samples by %d: %d", n, by, got)
		}
	}
}

// Noise has no pitch: without must it is left alone.
func TestStretchLeavesNoiseAlone(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	buf := make([]float32, historyKept+960, 4*historyKept)
	for i := range buf {
		buf[i] = float32(r.NormFloat64())
	}
	for _, by := range []int{-400, 400} {
		if got := len(stretch(buf, historyKept, by, false)); got != 960 {
			t.Errorf("by %d: 960 samples of noise became %d", by, got)
		}
	}
}
