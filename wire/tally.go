package wire

import "sync/atomic"

// Tally is what has become of a session's datagrams in one direction, as their counters tell.
type Tally struct {
	Expected uint64 // were sent
	Lost     uint64 // did not come
	Runs     uint64 // of lost ones, whatever their length
}

// Sub is what was counted since before.
func (t Tally) Sub(before Tally) Tally {
	return Tally{t.Expected - before.Expected, t.Lost - before.Lost, t.Runs - before.Runs}
}

// Rate is the share that was lost, 0 to 1.
func (t Tally) Rate() float64 { return float64(t.Lost) / float64(max(t.Expected, 1)) }

// Burst is the mean length of a run of lost ones; 0 without any.
func (t Tally) Burst() float64 { return float64(t.Lost) / float64(max(t.Runs, 1)) }

// tallyWait is after how many later datagrams a missing one counts as lost: until then it may have been overtaken.
const tallyWait = 32

// tally counts what the replay window knows of. It is read from any goroutine.
type tally struct {
	expected, lost, runs atomic.Uint64
	losing               bool // the last one settled was lost
}

// settle counts the datagrams that are tallyWait behind the newest since it was before. A leap further than the window is
// none of the network's, and not counted.
func (t *tally) settle(w *window, before uint64) {
	if w.last-before > windowBits-tallyWait || w.last <= tallyWait {
		return
	}
	for n := max(before, tallyWait) - tallyWait + 1; n <= w.last-tallyWait; n++ {
		lost := w.fresh(n)
		t.expected.Add(1)
		if lost {
			t.lost.Add(1)
			if !t.losing {
				t.runs.Add(1)
			}
		}
		t.losing = lost
	}
}

// Tally tells what has become of the datagrams so far, but for the latest. It may be called from any goroutine.
func (o *Opener) Tally() Tally {
	return Tally{o.tally.expected.Load(), o.tally.lost.Load(), o.tally.runs.Load()}
}
