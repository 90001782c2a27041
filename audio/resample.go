package audio

import (
	"math"
	"sync"
)

// resampler changes a signal's sample rate by a windowed sinc (Smith, "Digital Audio Resampling": a bank of
// filter phases, interpolated linearly between neighbours). The pass band reaches to 90 % of the lower rate's
// half, the stop band lies 80 dB down, and its delay is half its taps: 0.5 ms between 44.1 and 48 kHz.
//
// It works on blocks of any length and keeps its place between them; blocks of a whole number of periods
// (441 ↔ 480 samples for 44.1 ↔ 48 kHz) give exactly the matching number of samples each time.
//
// Its ratio can be bent a little while it runs (see drift), for two clocks that differ by some parts in a million.
type resampler struct {
	in, out int // Hz
	taps    int
	bank    []float32 // phases+1 filters of taps coefficients each
	history []float32 // the last taps-1 inputs, then the block at work
	pos     int       // next output's whole position in history, counted from its first sample
	frac    int64     // and the fraction, in 1/whole of an input sample
	step    int64     // from one output to the next, in the same
	whole   int64
}

const (
	sincTaps   = 48 // at the same or a higher output rate; more in proportion when the rate falls
	sincPhases = 512
	sincBeta   = 8.0 // Kaiser window: 80 dB
	sincPass   = 0.9 // of half the lower rate

	driftBits = 20   // the ratio is kept to 1/(output rate × 2^driftBits)
	driftMax  = 1000 // parts in a million
)

// newResampler makes a resampler between two rates in Hz, or nil when they are the same.
func newResampler(in, out int) *resampler {
	if in == out {
		return nil
	}
	return newDriftResampler(in, out, sincTaps)
}

// newDriftResampler makes one that works between equal rates too, since they may differ a little in truth. taps is the
// filter's length where the rate doesn't fall: its delay is half of it, and its cost proportional. sincTaps keep 90 % of
// the band; 16 keep what is below 15 kHz as it is and cost a third.
func newDriftResampler(in, out, taps int) *resampler {
	cut := sincPass
	if out < in {
		cut *= float64(out) / float64(in)
		taps = 2 * int(math.Ceil(float64(taps)/2*float64(in)/float64(out)))
	}
	r := &resampler{in: in, out: out, taps: taps, bank: bank(taps, cut), whole: int64(out) << driftBits}
	r.drift(0)
	r.history = make([]float32, taps-1, taps-1+in/20)
	return r
}

// banks keeps what was computed: a plain member's two take 5 ms otherwise, and 100 kB each.
var banks struct {
	sync.Mutex
	made map[bankKey][]float32
}

type bankKey struct {
	taps int
	cut  float64
}

const maxBanks = 16 // pairs of rates in use on one machine; further ones are computed anew

// bank returns sincPhases+1 filters of the given length, which pass what lies below cut. It is read only.
func bank(taps int, cut float64) []float32 {
	banks.Lock()
	defer banks.Unlock()
	if b, ok := banks.made[bankKey{taps, cut}]; ok {
		return b
	}
	b := make([]float32, (sincPhases+1)*taps)
	at := make([]float64, taps)
	for p := range sincPhases + 1 {
		filter := b[p*taps : (p+1)*taps]
		// The output lies between taps taps/2-1 and taps/2, p/sincPhases of the way.
		sum := 0.0
		for i := range at {
			x := float64(i) - float64(taps/2-1) - float64(p)/sincPhases
			at[i] = cut * sinc(cut*x) * kaiser(x/float64(taps/2))
			sum += at[i]
		}
		for i, c := range at { // each phase passes a constant unchanged, so none hums
			filter[i] = float32(c / sum)
		}
	}
	if banks.made == nil {
		banks.made = map[bankKey][]float32{}
	}
	if len(banks.made) < maxBanks {
		banks.made[bankKey{taps, cut}] = b
	}
	return b
}

func sinc(x float64) float64 {
	if math.Abs(x) < 1e-9 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// kaiser is the Kaiser window at x in ±1.
func kaiser(x float64) float64 {
	if x < -1 || x > 1 {
		return 0
	}
	return bessel0(sincBeta*math.Sqrt(1-x*x)) / bessel0(sincBeta)
}

// bessel0 is the modified Bessel function of the first kind, order zero, by its power series.
func bessel0(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > sum*1e-12; k++ {
		term *= (x / 2 / k) * (x / 2 / k)
		sum += term
	}
	return sum
}

// drift takes ppm parts in a million more input for the same output (fewer if negative; at most driftMax): as much as the
// input's clock runs faster than its rate says. It holds from the next sample on, without a click.
func (r *resampler) drift(ppm float64) {
	ppm = min(max(ppm, -driftMax), driftMax)
	r.step = int64(math.Round(float64(int64(r.in)<<driftBits) * (1 + ppm*1e-6)))
}

// process appends to dst what src becomes at the output rate.
func (r *resampler) process(dst, src []float32) []float32 {
	if r == nil {
		return append(dst, src...)
	}
	r.history = append(r.history, src...)
	for r.pos+r.taps <= len(r.history) {
		x := r.history[r.pos : r.pos+r.taps]
		phase := r.frac * sincPhases
		p, between := int(phase/r.whole), float32(phase%r.whole)/float32(r.whole)
		a := r.bank[p*r.taps:][:len(x)]
		b := r.bank[(p+1)*r.taps:][:len(x)]
		var ya, yb, za, zb float32 // two sums each, for a processor adds several at a time
		for i := 0; i+1 < len(x); i += 2 {
			v, w := x[i], x[i+1]
			ya += v * a[i]
			yb += v * b[i]
			za += w * a[i+1]
			zb += w * b[i+1]
		}
		ya, yb = ya+za, yb+zb
		dst = append(dst, ya+between*(yb-ya))
		r.frac += r.step
		r.pos += int(r.frac / r.whole)
		r.frac %= r.whole
	}
	keep := copy(r.history, r.history[min(r.pos, len(r.history)):])
	r.pos -= len(r.history) - keep
	r.history = r.history[:keep]
	return dst
}
