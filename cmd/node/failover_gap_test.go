//go:build linux

package main_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// The ruler is a voice that tells its own time: a tone that climbs by rulerSlope from rulerLow, and falls back each
// rulerPeriod. What a listener plays is the real thing where its tone climbs so. A frame that was made up to conceal a
// missing one keeps its pitch, and so counts as missing however well it sounds; a steady tone would hide it.
const (
	rulerLow    = 600.0  // Hz
	rulerSlope  = 2000.0 // Hz a second
	rulerPeriod = 1.0    // seconds

	rulerWindow = 20 * time.Millisecond // in which the pitch is measured
	rulerHop    = 5 * time.Millisecond
	rulerSpan   = 2 * rulerWindow // two windows after each other tell whether it climbs
)

// ruler gives so many seconds of it.
func ruler(rate, seconds int) []int16 {
	pcm := make([]int16, rate*seconds)
	phase := 0.0
	for i := range pcm {
		at := math.Mod(float64(i)/float64(rate), rulerPeriod)
		phase += 2 * math.Pi * (rulerLow + rulerSlope*at) / float64(rate)
		pcm[i] = int16(math.MaxInt16 * toneAmplitude * math.Sin(phase))
	}
	return pcm
}

// pitch measures the tone in pcm by the times between its upward zero crossings; 0 where for 5 ms there is none.
func pitch(pcm []int16, rate float64) float64 {
	part := int(rate / 200)
	for at := 0; at+part <= len(pcm); at += part {
		if meanSquare(pcm[at:at+part]) < toneAmplitude*toneAmplitude/2/36 { // 16 dB below
			return 0
		}
	}
	first, last, n, low := 0.0, 0.0, 0, false
	for i := 1; i < len(pcm); i++ {
		a, b := float64(pcm[i-1]), float64(pcm[i])
		low = low || b < -math.MaxInt16*toneAmplitude/4 // since the last crossing: noise about zero is none
		if low && a < 0 && b >= 0 {
			low = false
			last = float64(i) - b/(b-a)
			if n++; n == 1 {
				first = last
			}
		}
	}
	if n < 3 {
		return 0
	}
	return float64(n-1) * rate / (last - first)
}

// gaps finds where pcm is not the ruler, and gives the longest stretch of that and their sum. Single misjudged moments
// count for nothing: a gap is what is left of a stretch after the span in which one is measured, which errs by less than a frame.
func gaps(pcm []int16, rate float64) (longest, sum time.Duration) {
	n := func(d time.Duration) int { return int(d.Seconds() * rate) }
	bad, good := time.Duration(0), time.Duration(0) // good: since the last bad moment, too short to end the stretch
	end := func() {
		if gap := bad - rulerSpan + rulerHop; gap > 0 {
			longest = max(longest, gap)
			sum += gap
		}
		bad, good = 0, 0
	}
	for at := 0; at+n(rulerSpan) <= len(pcm); at += n(rulerHop) {
		low := pitch(pcm[at:at+n(rulerWindow)], rate)
		high := pitch(pcm[at+n(rulerWindow):at+n(rulerSpan)], rate)
		climb := rulerSlope * rulerWindow.Seconds()
		const margin = 120 // Hz around the fall from the highest to the lowest
		falls := low > rulerLow+rulerSlope*rulerPeriod-margin || high > 0 && high < rulerLow+margin
		switch {
		case low > 0 && high > 0 && math.Abs(high-low-climb) < climb/4:
			if good += rulerHop; good > rulerWindow { // a pitch that is passing by chance stays right for less
				end()
			}
		case falls && bad == 0: // the fall itself, and not part of a gap
		default:
			if bad > 0 {
				bad += good
			}
			bad += rulerHop
			good = 0
		}
	}
	end()
	return longest, sum
}

// TestGapMeasure tries the measure on a ruler with noise: whole, with silence, with a frozen pitch, and cut shorter.
func TestGapMeasure(t *testing.T) {
	const rate = 48000
	noise := rand.New(rand.NewPCG(1, 2))
	whole := ruler(rate, 6)
	for i := range whole {
		whole[i] += int16(noise.NormFloat64() * math.MaxInt16 * toneAmplitude / 30)
	}
	at := func(ms int) int { return ms * rate / 1000 }
	frozen := func(from, to int) []int16 { // repeats the last 10 ms, as concealment does, without fading
		pcm := append([]int16(nil), whole...)
		period := int(rate / pitch(whole[at(from)-at(20):at(from)], rate))
		for i := at(from); i < at(to); i++ {
			pcm[i] = pcm[i-period]
		}
		return pcm
	}
	silent := func(from, to int) []int16 {
		pcm := append([]int16(nil), whole...)
		clear(pcm[at(from):at(to)])
		return pcm
	}
	for _, c := range []struct {
		name   string
		pcm    []int16
		ms, or int // the gap, and how far off it may be
	}{
		{"whole", whole, 0, 0},
		{"silence", silent(1300, 1600), 300, 10},
		{"a frame of silence", silent(1300, 1310), 10, 5},
		{"frozen", frozen(1300, 1600), 300, 25},
		{"three frozen frames", frozen(1300, 1330), 30, 25},
		{"across the fall", silent(1900, 2200), 300, 70},
		{"nothing at all", make([]int16, 2*rate), 1960, 40},
	} {
		longest, sum := gaps(c.pcm, rate)
		if off := int(longest.Milliseconds()) - c.ms; off < -c.or || off > c.or || sum < longest {
			t.Errorf("%s: longest gap %v, all %v; want %d ms", c.name, longest, sum, c.ms)
		}
	}
}
