package audio

import (
	"testing"
	"time"
)

// A device that under-runs is asked for more until it holds; after a calm time for less again, and ever more seldom when that
// was too little. Under-runs at its start, and few, tell nothing.
func TestFitting(t *testing.T) {
	now := time.Unix(1e9, 0)
	var f fitting
	count := uint64(0)
	run := func(d time.Duration, faults int) (reopen bool) { // evenly
		for range 100 {
			now = now.Add(d / 100)
			count += uint64(faults / 100)
			if f.next(now, count) {
				count = 0
				return true
			}
		}
		return false
	}
	if got := f.open(now); got != asked[0] {
		t.Fatalf("begins at %v", got)
	}
	if run(fitSettle-time.Millisecond, 1000) {
		t.Error("judged at its start")
	}
	now = now.Add(time.Millisecond)
	f.next(now, count)
	count += fitFaults - 1
	if run(2*time.Minute, 0) {
		t.Error("few under-runs were too many")
	}
	for step := 1; step < len(asked); step++ {
		count = 0
		f.open(now)
		now = now.Add(fitSettle)
		f.next(now, count)
		if !run(fitWithin/2, 1000) || f.step != step {
			t.Fatalf("at step %d, want %d", f.step, step)
		}
	}
	f.open(now)
	now = now.Add(fitSettle)
	if run(fitWithin/2, 1000) {
		t.Error("asks for more than the most")
	}
	began := now
	if !run(2*fitCalm, 0) || f.step != len(asked)-2 {
		t.Fatal("doesn't shrink when calm")
	}
	if d := now.Sub(began); d < fitCalm*9/10 {
		t.Errorf("shrinks after %v", d)
	}
	f.open(now)
	now = now.Add(fitSettle)
	f.next(now, count)
	if !run(fitWithin/2, 1000) {
		t.Fatal("doesn't grow again")
	}
	f.open(now)
	if run(fitCalm*3/2, 0) {
		t.Error("tries less as soon as before, though that was too little")
	}
}
