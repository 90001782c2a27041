package wire

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// What is lost, in runs, whatever comes in another order, against a count of the plainest kind.
func TestTallyCountsWhatIsLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		n := uint64(rapid.IntRange(1, 3000).Draw(t, "datagrams"))
		loss := rapid.Float64Range(0, 0.9).Draw(t, "loss")
		swaps := rapid.IntRange(0, 10).Draw(t, "behind")
		seal, open := NewSealer([16]byte{}, 1), NewOpener([16]byte{})
		lost := make([]bool, n+1)
		var last uint64
		var come [][]byte
		for i := uint64(1); i <= n; i++ {
			d := seal.Seal(nil, []byte{1})
			if lost[i] = r.Float64() < loss; !lost[i] {
				come, last = append(come, d), i
			}
		}
		for i := range come { // each moves by at most that much, so none is overtaken by tallyWait
			j := min(i+r.IntN(swaps+1), len(come)-1)
			if i%(2*(swaps+1)) == 0 {
				come[i], come[j] = come[j], come[i]
			}
		}
		for _, d := range come {
			if _, err := open.Open(d); err != nil {
				t.Fatal(err)
			}
		}
		var want Tally
		for i := uint64(1); i+tallyWait <= last; i++ {
			want.Expected++
			if lost[i] {
				want.Lost++
				if !lost[i-1] {
					want.Runs++
				}
			}
		}
		if loss > 0.5 || swaps > 5 { // where few come, a swap is far: then only the sum is sure
			if got := open.Tally(); got.Expected != want.Expected {
				t.Fatalf("%+v, want %+v", got, want)
			}
			return
		}
		if got := open.Tally(); got != want {
			t.Fatalf("%+v, want %+v", got, want)
		}
	})
}

// A member's counter may leap as it likes: that costs little and says nothing.
func TestTallyIgnoresLeaps(t *testing.T) {
	seal, open := NewSealer([16]byte{}, 1), NewOpener([16]byte{})
	pass := func() {
		if _, err := open.Open(seal.Seal(nil, []byte{1})); err != nil {
			t.Fatal(err)
		}
	}
	for range 100 {
		pass()
	}
	for _, to := range []uint64{5000, 1 << 40, 1 << 62} {
		seal.counter.Store(to)
		pass()
	}
	for range 100 {
		pass()
	}
	if got := open.Tally(); got.Lost > 3*tallyWait || got.Expected > 400 {
		t.Errorf("%+v", got)
	}
}

func TestLossIsBounded(t *testing.T) {
	for _, c := range [][4]float64{
		{0, 0, 0, 1}, {-1, 5, 0, 1}, {math.NaN(), math.NaN(), 0, 1}, {math.Inf(1), math.Inf(1), 1, 63.75}, {1e-9, 0, 1.0 / 65535, 1},
		{0.5, math.NaN(), 0.5, 1}, {1, 3, 1, 3},
	} {
		l := LossOf(c[0], c[1])
		if math.Abs(l.Rate()-c[2]) > 1e-4 || l.Burst() != c[3] {
			t.Errorf("%v: %v, %v", c, l.Rate(), l.Burst())
		}
	}
}
