package audio

import "time"

// asked is what a device is asked to hold, from what a good one holds without under-run up to what any does.
var asked = [...]time.Duration{5000 * us, 7500 * us, 10000 * us, 15000 * us, 20000 * us, 30000 * us, 40000 * us}

const us = time.Microsecond

const (
	fitSettle  = 3 * time.Second // after opening, under-runs tell nothing
	fitFaults  = 5               // so many under-runs are too many
	fitWithin  = 10 * time.Second
	fitCalm    = 3 * time.Minute // without any until less is tried
	fitCalmMax = time.Hour
)

// fitting finds the least latency that a device holds. It grows after fitFaults under-runs within fitWithin, and shrinks after
// a calm time, which doubles whenever less turned out to be too little. It outlives its device's sessions.
type fitting struct {
	step   int
	opened time.Time
	faults int       // since first
	first  time.Time // of the faults counted
	seen   uint64    // the device's own count
	calm   time.Time // since when there was none
	wait   time.Duration
	shrunk bool // the last change was to less
}

// open begins a session, and returns the latency to ask for.
func (f *fitting) open(now time.Time) time.Duration {
	if f.wait == 0 {
		f.wait = fitCalm
	}
	f.opened, f.calm, f.faults, f.seen = now, now, 0, 0
	return asked[f.step]
}

// next takes the count of under-runs of this session, and tells whether the device should be opened again with another latency.
func (f *fitting) next(now time.Time, count uint64) bool {
	if now.Sub(f.opened) < fitSettle {
		f.seen = count
		return false
	}
	if count != f.seen {
		if now.Sub(f.first) > fitWithin {
			f.first, f.faults = now, 0
		}
		f.faults += int(min(count-f.seen, fitFaults))
		f.seen, f.calm = count, now
		if f.faults < fitFaults || f.step == len(asked)-1 {
			return false
		}
		if f.shrunk {
			f.wait = min(2*f.wait, fitCalmMax)
		}
		f.step, f.shrunk = f.step+1, false
		return true
	}
	if f.step > 0 && now.Sub(f.calm) > f.wait {
		f.step, f.shrunk = f.step-1, true
		return true
	}
	return false
}
