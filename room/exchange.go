package room

import "slices"

// snapshot is what Missing works on, so that a store is read without holding up the log.
type snapshot struct {
	mem   []*Entry
	runs  Vector
	forks map[RunKey][]uint64
	store Store
	stale int // entries whose place in the store may be an old one
}

// Missing returns the entries that a log with the given vector lacks, in the room's order, except that none
// comes before an older one of its run. Of runs unknown to it come only those among the newest limit entries,
// whole tails, so that no gap arises. Where the sums of a run differ, it gets the newest limit entries of what
// both hold, and of places that are held twice always both. The cursor belongs to the same moment.
func (l *Log) Missing(theirs Vector, limit int) (out []*Entry, end uint64) {
	l.mu.Lock()
	s := snapshot{slices.Clone(l.entries), l.vector(), map[RunKey][]uint64{}, l.store, len(l.unsaved)}
	for key, places := range l.forks {
		for seq := range places {
			s.forks[key] = append(s.forks[key], seq)
		}
	}
	end = l.first + uint64(len(l.arrivals))
	l.mu.Unlock()

	inMemory := map[RunKey][]*Entry{}
	for _, e := range s.mem {
		inMemory[e.RunKey()] = append(inMemory[e.RunKey()], e)
	}
	strangers := false
	var doubtful []*Entry
	for key, ours := range s.runs {
		r, known := theirs[key]
		switch {
		case !known:
			strangers = strangers || ours.High > ours.Low
			continue
		case ours.High > r.High:
			out = append(out, s.run(inMemory[key], key, r.High, ours.High)...)
		}
		doubtful = append(doubtful, s.doubt(inMemory[key], key, r, uint64(limit))...)
	}
	slices.SortFunc(doubtful, (*Entry).Compare)
	out = append(out, doubtful[max(0, len(doubtful)-limit):]...)
	if strangers {
		out = append(out, s.tails(theirs, limit)...)
	}
	slices.SortFunc(out, (*Entry).Compare)
	out = slices.CompactFunc(out, func(a, b *Entry) bool { return a.ID == b.ID })
	return inRunOrder(out), end
}

// run returns our entries of a run above low up to high.
func (s *snapshot) run(mem []*Entry, key RunKey, low, high uint64) []*Entry {
	low = max(low, s.runs[key].Low)
	got := slices.DeleteFunc(slices.Clone(mem), func(e *Entry) bool { return e.Msg.Seq <= low || e.Msg.Seq > high })
	if s.store == nil || len(s.forks[key]) == 0 && uint64(len(got)) >= high-low {
		return got
	}
	return union(got, s.store.Run(key, low, high))
}

// doubt returns our entries of the part of a run that both hold, where theirs may differ: the newest limit when
// sums over one same range do, else those of places that we hold twice.
func (s *snapshot) doubt(mem []*Entry, key RunKey, theirs Range, limit uint64) []*Entry {
	ours := s.runs[key]
	low, high := max(ours.Low, theirs.Low), min(ours.High, theirs.High)
	if low >= high {
		return nil
	}
	if low == theirs.Low && high == theirs.High && theirs.Sum != 0 {
		switch {
		case ours.Low == low && ours.High == high && ours.Sum != 0:
			if ours.Sum == theirs.Sum {
				return nil
			}
			return s.run(mem, key, max(low, high-min(high, limit)), high)
		case high-low <= limit: // few enough to add up
			all, mine := s.run(mem, key, low, high), Range{Low: low, High: high}
			for _, e := range all {
				mine.Take(e)
			}
			if mine.Sum == theirs.Sum {
				return nil
			}
			return all
		}
	}
	var out []*Entry
	for _, seq := range s.forks[key] {
		if seq > low && seq <= high {
			out = append(out, s.run(mem, key, seq-1, seq)...)
		}
	}
	return out
}

// tails returns, of runs that they don't know, what ends each and is among our newest limit entries.
func (s *snapshot) tails(theirs Vector, limit int) (out []*Entry) {
	newest := s.mem[max(0, len(s.mem)-limit):]
	if s.store != nil && len(s.mem)-s.stale < limit { // else the newest are in memory
		newest = union(slices.Clone(s.mem), s.store.Before(nil, limit+s.stale))
		slices.SortFunc(newest, (*Entry).Compare)
		newest = newest[max(0, len(newest)-limit):]
	}
	seqs := map[RunKey]map[uint64]bool{}
	for _, e := range newest {
		key := e.RunKey()
		if _, known := theirs[key]; known {
			continue
		}
		if seqs[key] == nil {
			seqs[key] = map[uint64]bool{}
		}
		seqs[key][e.Msg.Seq] = true
	}
	from := map[RunKey]uint64{} // the lowest number of each tail
	for key, have := range seqs {
		at := s.runs[key].High + 1
		for at > 1 && have[at-1] {
			at--
		}
		from[key] = at
	}
	for _, e := range newest {
		if at, wanted := from[e.RunKey()]; wanted && e.Msg.Seq >= at {
			out = append(out, e)
		}
	}
	return out
}

// inRunOrder returns entries, which are in the room's order, so rearranged that each run's come by their
// numbers. That differs only where a host's clock was off by more than a day.
func inRunOrder(entries []*Entry) []*Entry {
	last, wrong := map[RunKey]uint64{}, map[RunKey]bool{}
	for _, e := range entries {
		key := e.RunKey()
		if e.Msg.Seq < last[key] {
			wrong[key] = true
		}
		last[key] = max(last[key], e.Msg.Seq)
	}
	if len(wrong) == 0 {
		return entries
	}
	entries = slices.Clone(entries)
	runs, at := map[RunKey][]*Entry{}, map[RunKey][]int{}
	for i, e := range entries {
		if key := e.RunKey(); wrong[key] {
			runs[key], at[key] = append(runs[key], e), append(at[key], i)
		}
	}
	for key, run := range runs {
		slices.SortStableFunc(run, func(a, b *Entry) int {
			if a.Msg.Seq < b.Msg.Seq {
				return -1
			}
			return int(min(a.Msg.Seq-b.Msg.Seq, 1))
		})
		for i, e := range run {
			entries[at[key][i]] = e
		}
	}
	return entries
}

// Vector tells what the log holds of every run.
func (l *Log) Vector() Vector {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.vector()
}

func (l *Log) vector() Vector {
	v := make(Vector, len(l.runs))
	for k, r := range l.runs {
		v[k] = *r
	}
	return v
}
