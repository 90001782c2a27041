package room

import (
	"iter"
	"slices"
)

// How two logs come to hold the same. Each side's vector says of runs what it holds; the other compares:
//
//	same sum                            they hold the same: nothing to do
//	ours between their numbers has it   theirs is a part of ours: give what lies below and above
//	anything else                       they hold something that we lack: ask, by telling of ours
//
// Who is asked and finds that the asker's is no such part of its own either, gives all of the run and asks for all.
// So a run's beginning or end goes once and to who lacks it, and when it is over, both hold what either did, whatever
// else it was: a message between, another one at the same number, a smaller stamp. What the other has pruned counts
// for neither side.

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
	a := Answer{Gift: &Gift{log: l, floor: floor, wants: map[RunKey]span{}}, Ask: Vector{}, End: s.end}
	give := func(key RunKey, but span, count int) {
		if count > 0 {
			a.Gift.wants[key] = but
			a.Gift.left += count
		}
	}
	for key, ours := range s.runs {
		t, listed := theirs[key]
		switch {
		case !listed && !opening, listed && t.Sum == ours.Sum && t.High != 0:
			continue
		case !listed, t.High == 0:
			give(key, span{}, ours.Count)
			continue
		}
		ours = s.trimmed(key, ours)
		but := span{t.Low, t.High}
		rest := s.sum(key, but)
		switch {
		case ours.Sum^rest.Sum == t.Sum:
			give(key, but, rest.Count)
		case opening:
			a.Ask[key] = ours
		default:
			give(key, span{}, ours.Count)
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

// span is the sequence numbers above low up to high; the zero span is empty.
type span struct{ low, high uint64 }

// spares tells whether an entry lies outside.
func (but span) spares(e *Entry) bool { return e.Msg.Seq <= but.low || e.Msg.Seq > but.high }

// run goes through our entries of a run outside a span, except those that the peer has pruned. Their order means nothing.
func (s *snapshot) run(key RunKey, but span) iter.Seq[*Entry] {
	if s.byRun == nil {
		s.byRun = map[RunKey][]*Entry{}
		for _, e := range s.mem {
			s.byRun[e.RunKey()] = append(s.byRun[e.RunKey()], e)
		}
	}
	return func(yield func(*Entry) bool) {
		mem, ours := s.byRun[key], s.runs[key]
		for _, e := range mem {
			if but.spares(e) && !e.prunedBy(s.floor) && !yield(e) {
				return
			}
		}
		if s.store == nil || len(mem) >= ours.Count {
			return
		}
		known := make(map[ID]bool, len(mem))
		for _, e := range mem {
			known[e.ID] = true
		}
		for _, part := range []span{{ours.Low, min(but.low, ours.High)}, {max(but.high, ours.Low), ours.High}} {
			if part.low >= part.high {
				continue
			}
			for e := range s.store.Run(key, part.low, part.high) {
				if !known[e.ID] && !e.prunedBy(s.floor) && !yield(e) {
					return
				}
			}
		}
	}
}

// prunedBy tells whether a log with this floor no longer takes e.
func (e *Entry) prunedBy(floor uint64) bool { return floor != 0 && e.Stamp.HLC <= floor }

// sum sums up what we hold of a run outside a span.
func (s *snapshot) sum(key RunKey, but span) (out Range) {
	if ours := s.runs[key]; ours.High <= but.high && ours.Low >= but.low {
		return out
	}
	for e := range s.run(key, but) {
		out.Take(e)
	}
	return out
}

// trimmed is ours without what the peer has pruned.
func (s *snapshot) trimmed(key RunKey, ours Range) Range {
	if !s.deep {
		return ours
	}
	all := s.sum(key, span{})
	return Range{Count: all.Count, Low: ours.Low, High: ours.High, Sum: all.Sum}
}

// Gift hands out what a peer lacks, the newest first. It is its holder's alone. A small one is collected at once; for a
// large one the log is walked through, from the newest down.
type Gift struct {
	log   *Log
	floor uint64
	wants map[RunKey]span // of these runs, what lies outside a span
	left  int             // entries not found yet, at most
	list  []*Entry        // those found and not handed out, newest first
	at    *Entry          // the walk has come down to here; nil: it has not begun
	page  []*Entry        // and these come next
}

// collect finds everything at once.
func (g *Gift) collect(s *snapshot) {
	for key, but := range g.wants {
		for e := range s.run(key, but) {
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
		if but, wanted := g.wants[g.at.RunKey()]; wanted && but.spares(g.at) && !g.at.prunedBy(g.floor) {
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
