package room

import "slices"

// End is the cursor behind everything that has arrived so far, for After.
func (l *Log) End() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.first + uint64(len(l.arrivals))
}

// After returns what has arrived since the cursor, at most limit entries, and the cursor behind them. The
// channel is closed at the next arrival. ok is false when the cursor is so old that arrivals in between
// are forgotten: then compare logs anew, or go on at next and miss some.
func (l *Log) After(cursor uint64, limit int) (got []Arrival, next uint64, changed <-chan struct{}, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if cursor < l.first {
		return nil, l.first, l.changed, false
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
	return slices.Clone(l.totals.Digest[:]), l.first + uint64(len(l.arrivals))
}

// Entries returns what is in memory, in the room's order: everything, unless the log has a store.
func (l *Log) Entries() []*Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.entries)
}

// Unsaved returns what the store does not hold yet, in the room's order: everything, when there is no store.
func (l *Log) Unsaved() []*Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.store == nil {
		return slices.Clone(l.entries)
	}
	var out []*Entry
	for id := range l.unsaved {
		if e := l.byID[id]; e != nil {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, (*Entry).Compare)
	return out
}

// Totals sums up everything held.
func (l *Log) Totals() Totals {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.totals
}

// Get returns the entry with the given id, or nil.
func (l *Log) Get(id ID) *Entry {
	l.mu.Lock()
	e, store := l.byID[id], l.store
	l.mu.Unlock()
	if e == nil && store != nil {
		return store.Get(id)
	}
	return e
}

// Recent is Get without a look into the store.
func (l *Log) Recent(id ID) *Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.byID[id]
}

// Before returns the newest entries below one in the room's order, of all when it is nil, newest first.
func (l *Log) Before(e *Entry, limit int) []*Entry {
	l.mu.Lock()
	end := len(l.entries)
	if e != nil {
		end, _ = slices.BinarySearchFunc(l.entries, e, (*Entry).Compare)
	}
	whole := 0 // from here on memory holds everything
	if l.edge != nil {
		whole, _ = slices.BinarySearchFunc(l.entries, l.edge, (*Entry).Compare)
	}
	store, stale := l.store, len(l.unsaved)
	if store == nil || l.edge == nil || end-whole >= limit {
		out := slices.Clone(l.entries[max(0, end-limit):end])
		l.mu.Unlock()
		slices.Reverse(out)
		return out
	}
	out := slices.Clone(l.entries[:end])
	l.mu.Unlock()
	// Of what the store returns, as many as it lacks may stand in places that have changed meanwhile.
	out = union(out, store.Before(e, limit+stale))
	slices.SortFunc(out, func(a, b *Entry) int { return b.Compare(a) })
	return out[:min(limit, len(out))]
}

// union adds what mem lacks of saved: for what both hold, memory knows better.
func union(mem, saved []*Entry) []*Entry {
	have := make(map[ID]bool, len(mem))
	for _, e := range mem {
		have[e.ID] = true
	}
	for _, e := range saved {
		if !have[e.ID] {
			mem = append(mem, e)
		}
	}
	return mem
}
