package room

import (
	"iter"
	"slices"
)

// How two logs come to hold the same. Each side's vector says of runs what it holds; the other compares:
//
//	same sum                                    they hold the same: nothing to do
//	ours without what lies above their number   theirs is a part of ours: give what lies above
//	anything else                               they hold something that we lack: ask, by telling of ours
//
// Who is asked and finds that the asker's is no part of its own either, gives all of the run and asks for all. So
// nothing is given twice but of runs in which both lack something, and when it is over, both hold what either did,
// whatever it was: a run's tail, its beginning, a message between, another one at the same number, a smaller stamp.
// What the other has pruned counts for neither side.

// Answer is what to do about a peer's vector.
type Answer struct {
	Gift *Gift  // what the peer lacks
	Ask  Vector // to send to the peer; empty: nothing
	End  uint64 // the cursor that belongs to the moment
}

// Compare answers a peer's vector. floor is the clock reading up to which the peer has pruned. The opening vector is of
// all that it holds; a later one is of what it asks for, and is answered with all where it is no part of ours.
func (l *Log) Compare(theirs Vector, floor uint64, opening bool) Answer {
	s := l.snapshot(floor)
	a := Answer{Gift: &Gift{log: l, floor: floor, wants: map[RunKey]uint64{}}, Ask: Vector{}, End: s.end}
	give := func(key RunKey, above uint64, count int) {
		a.Gift.wants[key] = above
		a.Gift.left += count
	}
	for key, ours := range s.runs {
		t, listed := theirs[key]
		switch {
		case !listed && !opening, listed && t.Sum == ours.Sum && t.High != 0:
			continue
		case !listed, t.High == 0:
			give(key, 0, ours.Count)
			continue
		}
		ours = s.trimmed(key, ours)
		tail := s.above(key, t.High)
		switch {
		case ours.Sum^tail.Sum == t.Sum:
			give(key, t.High, tail.Count)
		case opening:
			a.Ask[key] = ours
		default:
			give(key, 0, ours.Count)
			a.Ask[key] = Range{}
		}
	}
	if opening {
		for key := range theirs {
			if _, held := s.runs[key]; !held {
				a.Ask[key] = Range{}
			}
		}
	}
	if a.Gift.left <= s.few {
		a.Gift.collect(s)
	}
	return a
}

// snapshot is what Compare works on, so that a store is read without holding up the log.
type snapshot struct {
	runs  Vector
	mem   []*Entry
	byRun map[RunKey][]*Entry // of mem, once it was asked for
	store Store
	floor uint64 // of the peer
	deep  bool   // the peer has pruned more than we
	few   int    // entries that a gift may collect at once
	end   uint64
}

func (l *Log) snapshot(floor uint64) *snapshot {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &snapshot{
		runs: l.vector(), mem: slices.Clone(l.entries), store: l.store,
		floor: floor, deep: floor > l.floor, few: l.window.Messages / 2, end: l.first + uint64(len(l.arrivals)),
	}
}

// run goes through our entries of a run above a number, but for those that the peer has pruned. Their order means
// nothing.
func (s *snapshot) run(key RunKey, above uint64) iter.Seq[*Entry] {
	if s.byRun == nil {
		s.byRun = map[RunKey][]*Entry{}
		for _, e := range s.mem {
			s.byRun[e.RunKey()] = append(s.byRun[e.RunKey()], e)
		}
	}
	return func(yield func(*Entry) bool) {
		mem := s.byRun[key]
		for _, e := range mem {
			if e.Msg.Seq > above && !e.prunedBy(s.floor) && !yield(e) {
				return
			}
		}
		if s.store == nil || len(mem) >= s.runs[key].Count {
			return
		}
		known := make(map[ID]bool, len(mem))
		for _, e := range mem {
			known[e.ID] = true
		}
		for e := range s.store.Run(key, above) {
			if !known[e.ID] && !e.prunedBy(s.floor) && !yield(e) {
				return
			}
		}
	}
}

// prunedBy tells whether a log with this floor no longer takes e.
func (e *Entry) prunedBy(floor uint64) bool { return floor != 0 && e.Stamp.HLC <= floor }

// above sums up what we hold of a run above a number.
func (s *snapshot) above(key RunKey, number uint64) (tail Range) {
	if s.runs[key].High <= number {
		return tail
	}
	for e := range s.run(key, number) {
		tail.Take(e)
	}
	return tail
}

// trimmed is ours without what the peer has pruned.
func (s *snapshot) trimmed(key RunKey, ours Range) Range {
	if !s.deep {
		return ours
	}
	all := s.above(key, 0)
	return Range{Count: all.Count, High: ours.High, Sum: all.Sum}
}

// Gift hands out what a peer lacks, the newest first. It is its holder's alone. A small one is collected at once; for a
// large one the log is walked through, from the newest down.
type Gift struct {
	log   *Log
	floor uint64
	wants map[RunKey]uint64 // of these runs, what lies above a number
	left  int               // entries not found yet, at most
	list  []*Entry          // those found and not handed out, newest first
	at    *Entry            // the walk has come down to here; nil: it has not begun
	page  []*Entry          // and these come next
}

// collect finds everything at once.
func (g *Gift) collect(s *snapshot) {
	for key, above := range g.wants {
		for e := range s.run(key, above) {
			g.list = append(g.list, e)
		}
	}
	slices.SortFunc(g.list, func(a, b *Entry) int { return b.Compare(a) })
	g.left = 0
}

// Next hands out the newest entries that have not been handed out, in the room's order. It looks at a few times limit
// only, and may return none although there are more.
func (g *Gift) Next(limit int) (got []*Entry, more bool) {
	for looked := 0; g.left > 0 && len(g.list) < limit && looked < 4*limit; looked++ {
		if len(g.page) == 0 {
			if g.page = g.log.Before(g.at, max(limit, 256)); len(g.page) == 0 {
				g.left = 0
				break
			}
		}
		g.at, g.page = g.page[0], g.page[1:]
		if above, wanted := g.wants[g.at.RunKey()]; wanted && g.at.Msg.Seq > above && !g.at.prunedBy(g.floor) {
			g.list = append(g.list, g.at)
			g.left--
		}
	}
	n := min(limit, len(g.list))
	got, g.list = slices.Clone(g.list[:n]), g.list[n:]
	slices.Reverse(got)
	return got, g.left > 0 || len(g.list) > 0
}

// Vector tells what the log holds of every run.
func (l *Log) Vector() Vector {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.vector()
}

// Floor is the clock reading up to which the log has pruned; 0: nothing yet.
func (l *Log) Floor() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.floor
}

func (l *Log) vector() Vector {
	v := make(Vector, len(l.runs))
	for k, r := range l.runs {
		v[k] = *r
	}
	return v
}
