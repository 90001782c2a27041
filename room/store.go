package room

import (
	"slices"
	"time"
)

// Store is where a log finds the entries that it has saved and no longer holds in memory. Its methods are
// called from many goroutines. What can't be read is left out: the store itself sees to it that its owner
// learns why.
type Store interface {
	// Get returns the entry with an id, nil when there is none.
	Get(ID) *Entry
	// Before returns the newest entries below one in the room's order, of all when it is nil, newest first.
	Before(e *Entry, limit int) []*Entry
	// Run returns the entries of a run with sequence numbers above low up to high, in their order.
	Run(key RunKey, low, high uint64) []*Entry
}

// Summary is what a store tells of its entries without reading them all.
type Summary struct {
	Totals Totals
	Runs   Vector
	Forks  map[RunKey][]uint64 // places that several messages hold
	Newest []*Entry            // in the room's order, as many as Window allows
}

// Window tells how many entries, and how many bytes of them, a log with a store holds in memory.
func (l *Log) Window() (messages, bytes int) { return l.window.Messages, l.window.Bytes }

// SetWindow changes it, before a store is adopted.
func (l *Log) SetWindow(messages, bytes int) { l.window = Keep{Messages: messages, Bytes: bytes} }

// Adopt joins a store to the log, which may hold messages already. What the store lacks of them will be saved
// by whoever follows the log from the returned cursor, after it has taken the returned entries.
func (l *Log) Adopt(s Store, sum Summary) (lacks []*Entry, cursor uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.store, l.unsaved = s, map[ID]uint64{}
	cursor = l.first + uint64(len(l.arrivals))
	mine := l.totals
	l.totals = sum.Totals
	for key, theirs := range sum.Runs {
		run := l.runs[key]
		if run == nil {
			l.runs[key] = &theirs
			continue
		}
		// The two halves of a run may not meet: then the later one counts, as after pruning.
		if theirs.High > run.High {
			*run, theirs = theirs, *run
		}
		if theirs.High >= run.Low && theirs.Low < run.Low {
			run.Low = theirs.Low
		}
		run.Sum = 0 // unknown from here on; the next opening tells
	}
	for key, seqs := range sum.Forks {
		for _, seq := range seqs {
			l.fork(key, seq)
		}
	}
	if mine.Count > 0 {
		for _, e := range slices.Clone(l.entries) {
			held := s.Get(e.ID)
			if held != nil && held.Stamp.Compare(e.Stamp) <= 0 {
				l.unplace(e)
				l.insert(held)
				continue
			}
			if held != nil {
				l.totals.Remove(held)
			}
			l.totals.Add(e)
			lacks = append(lacks, e)
			l.unsaved[e.ID] = cursor
		}
	}
	for _, e := range sum.Newest {
		l.clock.Observe(e.Stamp.HLC, time.Now())
		if l.byID[e.ID] == nil {
			l.insert(e)
		}
	}
	l.evict()
	return inRunOrder(lacks), cursor
}

// Disown parts the log from a store that has failed for good: what was only there is held no longer, and may
// come back from others.
func (l *Log) Disown() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.store, l.unsaved, l.totals = nil, map[ID]uint64{}, Totals{}
	clear(l.runs)
	clear(l.forks)
	for _, e := range inRunOrder(l.entries) {
		l.totals.Add(e)
		key, seq := e.RunKey(), e.Msg.Seq
		run := l.runs[key]
		switch {
		case run == nil, seq > run.High+1:
			run = &Range{Low: seq - 1, High: seq - 1}
			l.runs[key] = run
		case seq <= run.High:
			l.fork(key, seq)
		}
		run.High = max(run.High, seq)
		run.Take(e)
	}
}

// Saved tells the log that the store holds everything that arrived before the cursor.
func (l *Log) Saved(cursor uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, n := range l.unsaved {
		if n < cursor {
			delete(l.unsaved, id)
		}
	}
	l.evict()
}

// Forget drops entries that the store is about to delete. Their runs remember it.
func (l *Log) Forget(entries []*Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range entries {
		l.forget(e)
	}
}

// evict takes the oldest saved entries out of memory, some at a time.
func (l *Log) evict() {
	if len(l.entries) <= l.window.Messages+l.window.Messages/8 && l.bytes <= l.window.Bytes+l.window.Bytes/8 {
		return
	}
	for len(l.entries) > l.window.Messages || l.bytes > l.window.Bytes {
		if _, wanted := l.unsaved[l.entries[0].ID]; wanted {
			return
		}
		l.unplace(l.entries[0])
	}
}
