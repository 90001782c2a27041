package room

import (
	"cmp"
	"slices"
)

// End is the cursor behind everything that has arrived so far, for After.
func (l *Log) End() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.first + uint64(len(l.arrivals))
}

// After returns what has arrived since the cursor, at most limit entries, and the cursor behind them. The
// channel is closed at the next arrival. ok is false when the cursor is so old that arrivals in between
// are forgotten: then compare vectors anew.
func (l *Log) After(cursor uint64, limit int) (got []Arrival, next uint64, changed <-chan struct{}, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if cursor < l.first {
		return nil, cursor, l.changed, false
	}
	from := min(int(cursor-l.first), len(l.arrivals))
	to := min(from+limit, len(l.arrivals))
	return slices.Clone(l.arrivals[from:to]), l.first + uint64(to), l.changed, true
}

// Digest is equal for two logs that hold the same entries with the same stamps. The cursor belongs to the
// same moment.
func (l *Log) Digest() (digest []byte, end uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.digest[:]), l.first + uint64(len(l.arrivals))
}

// Vector tells what the log holds of every run.
func (l *Log) Vector() Vector {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := make(Vector, len(l.runs))
	for k, r := range l.runs {
		v[k] = *r
	}
	return v
}

// High is the number of the last message held of a run; 0 when there is none.
func (l *Log) High(run RunKey) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.runs[run]; r != nil {
		return r.High
	}
	return 0
}

// Missing returns the entries that a log with the given vector lacks, in the room's order except that each
// run's stand in their own. Of runs unknown to it come only those among the newest limit entries, whole
// tails, so that no gap arises. The cursor belongs to the same moment.
//
// The last recent entries come in any case: two hosts may both have stamped what was said while one followed the
// other, and the smaller stamp must reach everybody.
func (l *Log) Missing(theirs Vector, limit int) (out []*Entry, end uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	begin := len(l.entries) - limit
	cut := map[RunKey]uint64{} // of unknown runs: the highest number left out
	for i, e := range l.entries {
		key := RunKey{e.Author, e.Msg.Run}
		r, known := theirs[key]
		switch {
		case known && e.Msg.Seq > r.High:
			out = append(out, e)
		case known && e.Msg.Seq > r.Low && i >= len(l.entries)-min(recent, limit):
			out = append(out, e) // held there too, maybe with another stamp
		case !known && i < begin:
			cut[key] = max(cut[key], e.Msg.Seq)
		case !known && e.Msg.Seq > cut[key]:
			out = append(out, e)
		}
	}
	inRuns(out)
	return out, l.first + uint64(len(l.arrivals))
}

// inRuns puts each run's entries in the order of their numbers, on the places that the run has. Stamps follow the
// numbers, unless a clock went wrong or somebody made them up; another log takes a run without a gap only.
func inRuns(entries []*Entry) {
	places := map[RunKey][]int{}
	for i, e := range entries {
		key := RunKey{e.Author, e.Msg.Run}
		places[key] = append(places[key], i)
	}
	for _, at := range places {
		run := make([]*Entry, len(at))
		for k, i := range at {
			run[k] = entries[i]
		}
		slices.SortFunc(run, func(a, b *Entry) int { return cmp.Compare(a.Msg.Seq, b.Msg.Seq) })
		for k, i := range at {
			entries[i] = run[k]
		}
	}
}

// Entries returns all that is held, in the room's order.
func (l *Log) Entries() []*Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.entries)
}

// Get returns the entry with the given id, or nil.
func (l *Log) Get(id ID) *Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.byID[id]
}
