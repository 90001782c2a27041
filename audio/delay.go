package audio

import (
	"math"

	"parley.lan/room"
)

// Times here are in samples at 48 kHz of the listener's output clock.
const (
	ms = room.SampleRate / 1000

	delayKept    = 8192                  // arrivals kept, of the last delayWindow: 30 s of 5 ms frames and some copies
	delayWindow  = 30 * room.SampleRate  // arrivals older than this no longer count
	delayEvery   = 100 * ms              // how often the target is worked out anew
	delayBin     = ms / 4                // what delays are sorted by
	delayMax     = 200                   // ms; the target's upper bound, and later frames are a stall's
	delayStart   = 5 * ms                // before anything is known
	delayFall    = 4                     // ms a second that the target falls at most
	delayPerLate = 14                    // ms that one percent of late frames is worth
	delayLate    = 0.003                 // and more than this part is never late, whatever that costs
	delayCopies  = 0.0005                // or this, of a speaker who sends copies: they are sent to be waited for
	delayPrior   = 400                   // arrivals taken to have been on time at the start, so that the first few don't decide
	baseEvery    = room.SampleRate / 2   // the fastest frame of each half second is remembered,
	baseKept     = 8                     // of the last four
	baseFrames   = 10                    // a half second with fewer frames says nothing of the path
	groundTime   = 8 * room.SampleRate   // in which ground follows base
	pathMoved    = 10 * ms               // by so much slower for a second: another path
	stepMemory   = 300 * room.SampleRate // how long it is known that the clocks slide past one another
	noRaw        = int64(math.MaxInt64) / 2
)

// arrivals is what a jitter buffer knows of its speaker's delays: for each frame how much later it came than the
// fastest of the last seconds (both clocks start anywhere, so only differences mean something), and from these the
// playout delay that is worth having.
//
// A frame is seen when the loudspeaker next asks for sound, so that these delays hold what waiting for that costs;
// where speaker and loudspeaker run in step it costs every frame the same, and the target is 0.
type arrivals struct {
	at     [delayKept]int64 // when a frame came,
	delay  [delayKept]int32 // and by how much later than the fastest
	n      int              // frames noted so far
	base   int64            // the fastest frame's arrival less its timestamp: delay zero
	ground float64          // base, smoothed: between clocks that differ it moves by a callback at a time
	target int64            // playout delay wanted over ground
	copies bool             // a frame lost may yet come as a copy

	fastest   [baseKept]int64 // of each half second, the newest first
	frames    int             // in the newest
	binned    int64           // when it began
	followed  int64           // when ground last moved
	settled   int64           // until then ground is base
	slower    int             // half seconds on end that were all slower than base by pathMoved
	grain     int64           // samples that the loudspeaker asks for at once
	stepped   int64           // when the fastest last moved by half of it or more: the clocks slide
	slides    bool
	stalled   int64 // until then arrivals are a stall's
	evaluated int64
}

// note takes a frame that came at now with the extended timestamp ts.
func (a *arrivals) note(now, ts int64) {
	raw := now - ts
	if a.n == 0 || now-a.at[(a.n-1)&(delayKept-1)] > delayWindow {
		// A first frame, or one after a silence in which the clocks drifted apart: it is the measure.
		if a.n == 0 && a.target == 0 {
			a.target = delayStart
		}
		a.n, a.slides, a.stalled = 0, false, now
		a.evaluated = now
		a.rebase(now, raw)
	}
	if now-a.binned >= baseEvery {
		a.turn(now)
	}
	a.frames++
	a.fastest[0] = min(a.fastest[0], raw)
	a.base = min(a.base, raw)
	a.follow(now)
	late := max(0, raw-int64(a.ground))
	if late > delayMax*ms {
		a.stalled = now + delayEvery
	}
	if now < a.stalled {
		return // one such stall in a while is not worth so much delay for all the time
	}
	i := a.n & (delayKept - 1)
	a.at[i], a.delay[i] = now, int32(late)
	a.n++
	if now-a.evaluated >= delayEvery {
		a.evaluate(now)
	}
}

// turn begins another half second.
func (a *arrivals) turn(now int64) {
	if a.frames >= baseFrames {
		if d := a.fastest[0] - a.fastest[1]; a.fastest[1] != noRaw && a.grain > 0 && max(d, -d) >= a.grain/2 {
			a.stepped, a.slides = now, true
		}
		if a.fastest[0] > a.base+pathMoved {
			a.slower++
		} else {
			a.slower = 0
		}
		if a.slower >= 2 {
			a.moved(now, min(a.fastest[0], a.fastest[1]))
		}
		copy(a.fastest[1:], a.fastest[:])
	}
	a.fastest[0], a.frames, a.binned = noRaw, 0, now
	base := noRaw
	for _, v := range a.fastest {
		base = min(base, v)
	}
	if base != noRaw {
		a.base = max(a.base, base)
	}
}

// follow moves ground to where base is.
func (a *arrivals) follow(now int64) {
	apart := float64(a.base) - a.ground
	if apart < -float64(pathMoved) || now < a.settled {
		a.ground = float64(a.base)
	} else {
		a.ground += apart * min(1, float64(now-a.followed)/groundTime)
	}
	a.followed = now
}

// moved takes it that all frames now take a longer way, whose fastest is raw: what its first second was late by was
// none of its jitter.
func (a *arrivals) moved(now, raw int64) {
	by := int32(raw - int64(a.ground))
	for k := 1; k <= min(a.n, delayKept); k++ {
		i := (a.n - k) & (delayKept - 1)
		if now-a.at[i] > 3*baseEvery || a.delay[i] < by {
			break
		}
		a.delay[i] -= by
	}
	a.target = max(0, a.target-int64(by))
	a.rebase(now, raw)
}

func (a *arrivals) rebase(now, raw int64) {
	for i := range a.fastest {
		a.fastest[i] = noRaw
	}
	a.fastest[1] = raw
	a.base, a.frames, a.binned, a.slower = raw, 0, now, 0
	a.ground, a.followed, a.settled = float64(raw), now, now+2*baseEvery
}

// evaluate chooses the delay d that costs least by d + delayPerLate × the percentage that comes later than d
// (NetEQ's and speex's idea), but one that lets no more than delayLate come too late: a rare stall costs little by that sum and
// yet is heard. Frames that never came count nowhere. The target rises at once and falls slowly.
func (a *arrivals) evaluate(now int64) {
	elapsed := now - a.evaluated
	a.evaluated = now
	const bins = delayMax*ms/delayBin + 1
	var late [bins + 1]int32 // frames whose delay rounds up to this many bins
	inWindow := 0
	for k := 1; k <= min(a.n, delayKept); k++ {
		i := (a.n - k) & (delayKept - 1)
		if now-a.at[i] > delayWindow {
			break
		}
		late[min((a.delay[i]+delayBin-1)/delayBin, bins)]++
		inWindow++
	}
	perFrame := delayPerLate * 100 * ms / delayBin / float64(max(inWindow, delayPrior))
	allowed := int32(delayLate * float64(max(inWindow, delayPrior)))
	if a.copies {
		allowed = int32(delayCopies * float64(inWindow))
	}
	best, bestCost, last := 0, math.Inf(1), bins
	later := int32(inWindow)
	for d := range bins {
		later -= late[d]
		if cost := float64(d) + perFrame*float64(later); cost < bestCost || later > allowed {
			best, bestCost = d, cost
		}
		if later == 0 {
			last = d
			break
		}
	}
	want := int64(best * delayBin)
	if a.slides && now-a.stepped < stepMemory {
		// What one more callback's worth of delay lets come in time shall, and at least that much is needed.
		if all := int64(last * delayBin); all <= want+a.grain {
			want = all
		}
		want = max(want, a.grain+min(a.grain/4, ms))
	}
	a.target = max(want, a.target-elapsed*delayFall/1000)
}

// point is how long after its timestamp a sample is to be played.
func (a *arrivals) point() int64 { return int64(a.ground) + a.target }

// asks tells that the loudspeaker asks for n samples at once.
func (a *arrivals) asks(n int64) { a.grain = max(n, a.grain-a.grain/64) }

// forget starts anew after a jump of the speaker's clock; the target stays.
func (a *arrivals) forget() { a.n = 0 }
