package audio

import (
	"time"

	"parley.lan/room"
)

// redundancy decides which packets are said once more in later ones, by the loss on the path. It is a value without a
// clock: time is in samples. More copies come at once, fewer after lossCalm.
type redundancy struct {
	rung int
	calm int // samples for which fewer would have been enough
}

// rungs are the copies, from none to the most: how many packets later they come. The furthest outlives a run of as many
// lost packets. Long frames (20 ms) last longer than most runs, and their copies come late enough as it is.
var rungs = [...]struct{ short, long []int }{
	{nil, nil},
	{[]int{1}, []int{1}},
	{[]int{1, 3}, []int{1, 2}},
	{[]int{1, 3, 5}, []int{1, 2}},
	{[]int{1, 3, 6}, []int{1, 3}},
}

const (
	// From which loss on each rung is wanted, where packets are lost one by one, and where in runs.
	lossSome, lossMore, lossMuch = 0.001, 0.02, 0.08
	lossRuns, lossManyRuns       = 0.001, 0.04

	runLong  = 1.4                 // times the run's length that chance alone would give: packets are lost in runs
	lossCalm = 5 * room.SampleRate // and what is measured looks back 5 s: copies end 10 s after the loss
	farthest = 6                   // packets, in any rung
)

// next is the choice for the next n samples: how many packets later copies come, in growing order.
func (r *redundancy) next(p room.VoicePath, n int) []int {
	switch want := rungFor(p.Loss, p.Burst); {
	case want >= r.rung:
		r.rung, r.calm = want, 0
	case r.calm+n < lossCalm:
		r.calm += n
	default:
		r.rung, r.calm = want, 0
	}
	if p.Frame >= 20*time.Millisecond {
		return rungs[r.rung].long
	}
	return rungs[r.rung].short
}

// rungFor is the rung for a loss. No number, or one below 0, is none.
func rungFor(loss, burst float64) int {
	runs := burst*(1-loss) > runLong
	switch {
	case runs && loss >= lossManyRuns:
		return 4
	case loss >= lossMuch:
		return 3
	case loss >= lossMore || runs && loss >= lossRuns:
		return 2
	case loss >= lossSome:
		return 1
	}
	return 0
}
