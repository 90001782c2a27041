package room

import (
	"iter"
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
	// Run goes through the entries of a run with sequence numbers above low up to high.
	Run(key RunKey, low, high uint64) iter.Seq[*Entry]
}

// Summary is what a store tells of its entries without reading them all.
type Summary struct {
	Totals Totals
	Runs   Vector
	Floor  uint64   // the greatest HLC that was pruned
	Newest []*Entry // in the room's order, as many as Window allows
}

// Window tells how many entries, and how many bytes of them, a log with a store holds in memory.
func (l *Log) Window() (messages, bytes int) { return l.window.Messages, l.window.Bytes }

// SetWindow changes it, before a store is adopted.
func (l *Log) SetWindow(messages, bytes int) { l.window = Keep{Messages: messages, Bytes: bytes} }

// Adopt joins a store to the log, which may hold messages already. What the store lacks of them will be saved
// by whoever follows the log from the returned cursor, after it has taken the returned entries.
func (l *Log) Adopt(s Store, sum Summary) (lacks []*Entry, cursor uint64) {
	saved := map[ID]*Entry{}
	for _, e := range l.Entries() { // the disk is read before the log is held up
		saved[e.ID] = s.Get(e.ID)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.store, l.unsaved = s, map[ID]uint64{}
	cursor = l.first + uint64(len(l.arrivals))
	l.totals = sum.Totals
	clear(l.runs)
	for key, r := range sum.Runs {
		l.runs[key] = &r
	}
	l.floor = max(l.floor, sum.Floor)
	for _, e := range slices.Clone(l.entries) {
		held, looked := saved[e.ID]
		if !looked {
			held = s.Get(e.ID)
		}
		if held != nil && held.Stamp.Compare(e.Stamp) <= 0 {
			l.unplace(e)
			l.insert(held)
			continue
		}
		run := l.runs[e.RunKey()]
		if run == nil {
			run = &Range{}
			l.runs[e.RunKey()] = run
		}
		if held != nil {
			l.totals.Remove(held)
			run.Drop(held)
		}
		l.totals.Add(e)
		run.Take(e)
		lacks = append(lacks, e)
		l.unsaved[e.ID] = cursor
	}
	for _, e := range sum.Newest {
		l.clock.Observe(e.Stamp.HLC, time.Now())
		if l.byID[e.ID] == nil {
			l.insert(e)
		}
	}
	if len(sum.Newest) > 0 && len(sum.Newest) < sum.Totals.Count {
		l.edge = sum.Newest[0]
	}
	l.evict()
	return lacks, cursor
}

// Disown parts the log from a store that has failed: what was only there is held no longer, and may come back
// from others.
func (l *Log) Disown() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.store, l.unsaved, l.edge, l.totals = nil, map[ID]uint64{}, nil, Totals{}
	clear(l.runs)
	for _, e := range l.entries {
		l.totals.Add(e)
		if l.runs[e.RunKey()] == nil {
			l.runs[e.RunKey()] = &Range{}
		}
		l.runs[e.RunKey()].Take(e)
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

// Forget drops entries that the store is about to delete, the oldest: neither they nor older ones come back.
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
		e := l.entries[0]
		if _, wanted := l.unsaved[e.ID]; wanted {
			return
		}
		l.unplace(e)
		if l.edge == nil || e.Compare(l.edge) > 0 {
			l.edge = e
		}
	}
}
