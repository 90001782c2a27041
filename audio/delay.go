package audio

import "parley.lan/room"

// Times here are in samples at 48 kHz of the listener's output clock.
const (
	ms = room.SampleRate / 1000

	delayWindow  = 10 * room.SampleRate // arrivals older than this no longer count
	delayKept    = 2048                 // arrivals kept: 10 s of 5 ms frames
	delayEvery   = 100 * ms             // how often the target is worked out anew
	delayMax     = 200                  // ms; the target's upper bound
	delayStart   = 10 * ms              // before anything is known
	delayMargin  = mixBlock + ms/2      // above the quantile chosen: arrivals are seen a block at a time
	delayFall    = 4                    // ms a second that the target falls at most
	delayPerLate = 20                   // ms that one percent of late frames is worth
	delayPrior   = 100                  // arrivals taken to have been on time at the start, so that the first few don't decide
)

// arrivals is what a jitter buffer knows of its speaker's delays: for each frame how much later it came than
// its media time says (both clocks start anywhere, so only differences mean something), and from these the
// playout delay that is worth having.
type arrivals struct {
	at, raw   [delayKept]int64 // when a frame came, and that less its timestamp
	n         int              // frames noted so far
	base      int64            // the fastest frame's raw in the window: delay zero
	target    int64            // playout delay wanted over base
	evaluated int64
}

// note takes a frame that came at now with the extended timestamp ts.
func (a *arrivals) note(now, ts int64) {
	raw := now - ts
	last := (a.n - 1) & (delayKept - 1)
	if a.n == 0 || now-a.at[last] > delayWindow {
		// A first frame, or one after a silence in which the clocks drifted apart: it is the measure.
		a.base = raw
		a.evaluated = now
		if a.target == 0 {
			a.target = delayStart
		}
	}
	i := a.n & (delayKept - 1)
	a.at[i], a.raw[i] = now, raw
	a.n++
	a.base = min(a.base, raw)
	if now-a.evaluated >= delayEvery {
		a.evaluate(now)
	}
}

// evaluate chooses the delay d that costs least by d + delayPerLate × the percentage that comes later than d
// (NetEQ's and speex's idea).
// Frames that never came count nowhere. The target rises at once and falls slowly.
func (a *arrivals) evaluate(now int64) {
	elapsed := now - a.evaluated
	a.evaluated = now
	count := min(a.n, delayKept)
	base := int64(1) << 62
	inWindow := 0
	for ; inWindow < count; inWindow++ {
		i := (a.n - 1 - inWindow) & (delayKept - 1)
		if now-a.at[i] > delayWindow {
			break
		}
		base = min(base, a.raw[i])
	}
	a.base = base
	var late [delayMax + 1]int // frames whose delay over base rounds up to this many ms; the last holds all above
	for k := range inWindow {
		r := a.raw[(a.n-1-k)&(delayKept-1)] - base
		late[min((r+ms-1)/ms, delayMax)]++
	}
	best, bestCost := 0, 1e9
	later := inWindow
	for d := range delayMax {
		later -= late[d]
		cost := float64(d) + delayPerLate*100*float64(later)/float64(max(inWindow, delayPrior))
		if cost < bestCost {
			best, bestCost = d, cost
		}
	}
	want := int64(best*ms + delayMargin)
	a.target = max(want, a.target-elapsed*delayFall/1000)
}

// forget starts anew after a jump of the speaker's clock; the target stays.
func (a *arrivals) forget() { a.n = 0 }
