package room

import (
	"encoding/binary"
	"slices"
	"sync"
	"time"
)

// What a log with a store holds in memory: the newest entries, whichever limit is reached first.
const (
	windowMessages = 20_000
	windowBytes    = 32 << 20
)

// RunKey names one run of one author.
type RunKey struct {
	Author NodeID
	Run    uint64
}

// Range sums up what a log holds of a run. It may be anything: what was never fetched or has been pruned leaves
// holes, and a key that was used twice puts two messages at one number. Equal sums mean equal messages with equal
// stamps.
type Range struct {
	Count int    // entries held
	Low   uint64 // their sequence numbers lie above Low,
	High  uint64 // and not above High; both 0: none is held
	Sum   uint64 // exclusive or, over the entries held, of the first eight bytes of what the log's digest is made of
}

// Take counts e in.
func (r *Range) Take(e *Entry) {
	if r.Count++; r.Count == 1 && r.High == 0 {
		r.Low = e.Msg.Seq
	}
	r.Low, r.High = min(r.Low, e.Msg.Seq-1), max(r.High, e.Msg.Seq)
	r.Sum ^= e.sum()
}

// Drop counts e, which was taken with the same stamp, out again. The numbers stay as they were.
func (r *Range) Drop(e *Entry) {
	r.Count--
	r.Sum ^= e.sum()
}

func (e *Entry) sum() uint64 {
	mark := e.mark()
	return binary.BigEndian.Uint64(mark[:8])
}

// Vector is a version vector: what a log holds of every run, or asks for.
type Vector map[RunKey]Range

// Result tells what Log.Add or Log.Append made of an entry.
type Result int

const (
	Added     Result = iota
	Known            // held already with this or a smaller stamp, or pruned
	Restamped        // held with a larger stamp, which the smaller one has replaced
	Gap              // of Append alone: the message of its run just before it is missing
)

// Arrival is an entry in the order in which the log learned of it.
type Arrival struct {
	*Entry
	Late  bool // belongs before an entry that had arrived earlier
	Again bool // a Restamped entry: shown before
	Past  bool // from AddPast: completes the history, and is no news
}

// Log is the conversation: entries in the room's order, findable by id and by run, and followed in the order
// of arrival through After. It is passive data behind a mutex; entries are never changed. Without a Store all
// of it is in memory. With one, memory holds the newest entries, those that the store has not saved yet, and
// sums over everything.
type Log struct {
	mu      sync.Mutex
	keep    Keep
	window  Keep // of what is in memory beside a store: Messages and Bytes
	clock   Clock
	n       uint64            // stamps given here
	entries []*Entry          // in memory, in the room's order
	byID    map[ID]*Entry     // the same
	bytes   int               // of them
	runs    map[RunKey]*Range // of all that is held, in memory or in the store; none is empty
	totals  Totals            // of the same
	floor   uint64            // the greatest HLC that was pruned: what is not above it must not come back; 0: none

	arrivals []Arrival
	first    uint64        // arrivals[0] is the arrival number first
	changed  chan struct{} // closed at the next arrival

	store   Store
	unsaved map[ID]uint64 // what the store lacks: the number of its last arrival
	edge    *Entry        // everything held above it is in memory; nil: everything is
}

// NewLog makes an empty log.
func NewLog() *Log { return NewLogKeeping(DefaultKeep) }

// NewLogKeeping makes an empty log with limits of its own.
func NewLogKeeping(k Keep) *Log {
	return &Log{
		keep: k, window: Keep{Messages: windowMessages, Bytes: windowBytes},
		byID: map[ID]*Entry{}, runs: map[RunKey]*Range{},
		changed: make(chan struct{}), unsaved: map[ID]uint64{},
	}
}

// Add files a stamped entry in its place.
func (l *Log) Add(e *Entry) Result { return l.file(e, false) }

// AddPast is Add for what completes the history behind what has been told of: whoever follows the log learns
// that it is no news.
func (l *Log) AddPast(e *Entry) Result { return l.file(e, true) }

func (l *Log) file(e *Entry, past bool) Result {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clock.Observe(e.Stamp.HLC, time.Now())
	return l.add(e, past)
}

// Append stamps a fresh message as the given host and files it at the end. It returns the entry as held:
// one that was known keeps the stamp it had. Of a run that the log knows it takes no number beyond the next, so
// that an author's messages stand in the order in which they were said.
func (l *Log) Append(e *Entry, host NodeID) (*Entry, Result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if held := l.held(e); held != nil {
		return held, Known
	}
	if run := l.runs[e.RunKey()]; run != nil && e.Msg.Seq > run.High+1 {
		return e, Gap
	}
	e = e.Stamped(Stamp{HLC: l.clock.Next(time.Now()), Host: host, N: l.n + 1})
	res := l.add(e, false)
	if res == Added {
		l.n++
	}
	return e, res
}

// held finds the entry with e's id; nil when the log does not hold it. The store is asked only about numbers
// up to the greatest of a run.
func (l *Log) held(e *Entry) *Entry {
	if h := l.byID[e.ID]; h != nil || l.store == nil {
		return h
	}
	if r := l.runs[e.RunKey()]; r == nil || e.Msg.Seq > r.High {
		return nil
	}
	return l.store.Get(e.ID)
}

func (l *Log) add(e *Entry, past bool) Result {
	key := e.RunKey()
	if held := l.held(e); held != nil {
		if e.Stamp.Compare(held.Stamp) >= 0 {
			return Known
		}
		l.totals.Remove(held)
		l.unplace(held)
		if run := l.runs[key]; run != nil {
			run.Drop(held)
			run.Take(e)
		}
		l.place(e, Arrival{Entry: e, Again: true, Past: past})
		return Restamped
	}
	if e.prunedBy(l.floor) {
		return Known
	}
	if l.runs[key] == nil {
		l.runs[key] = &Range{}
	}
	l.runs[key].Take(e)
	l.place(e, Arrival{Entry: e, Past: past})
	l.prune()
	return Added
}

// place files an entry by its stamp and lets the followers know.
func (l *Log) place(e *Entry, a Arrival) {
	next := l.insert(e) + 1
	// A stamp that can't be true sorts last for good, and makes nothing late.
	a.Late = next < len(l.entries) && l.entries[next].Stamp.HLC <= physical(time.Now().Add(maxAhead))
	l.totals.Add(e)
	if l.store != nil {
		l.unsaved[e.ID] = l.first + uint64(len(l.arrivals))
	}
	l.arrivals = append(l.arrivals, a)
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *Log) insert(e *Entry) (at int) {
	at, _ = slices.BinarySearchFunc(l.entries, e, (*Entry).Compare)
	l.entries = slices.Insert(l.entries, at, e)
	l.byID[e.ID] = e
	l.bytes += e.Size()
	return at
}

// unplace takes an entry out of memory, if it is there.
func (l *Log) unplace(e *Entry) {
	at, ok := slices.BinarySearchFunc(l.entries, e, (*Entry).Compare)
	if !ok {
		return
	}
	if at == 0 {
		l.entries[0] = nil
		l.entries = l.entries[1:]
	} else {
		l.entries = slices.Delete(l.entries, at, at+1)
	}
	delete(l.byID, e.ID)
	l.bytes -= e.Size()
}

// prune drops the oldest entries past the limits; with a store they are out of memory only, and the store
// prunes the whole.
func (l *Log) prune() {
	most := l.keep.Messages
	if l.store != nil {
		l.evict()
		most = l.window.Messages
	}
	for l.store == nil && len(l.entries) > 1 && l.tooMuch() {
		l.forget(l.entries[0])
	}
	if drop := len(l.arrivals) - most; drop > most/8 {
		l.arrivals = slices.Delete(l.arrivals, 0, drop)
		l.first += uint64(drop)
	}
}

// tooMuch tells whether a log without a store is over the limits.
func (l *Log) tooMuch() bool {
	if l.keep.Over(l.totals, len(l.runs)) {
		return true
	}
	newest := l.entries[len(l.entries)-1].Stamp
	return l.entries[0].Stamp.HLC < l.keep.Horizon(newest, time.Now())
}

// forget drops an entry for good.
func (l *Log) forget(e *Entry) {
	if held := l.byID[e.ID]; held != nil {
		e = held
	}
	l.unplace(e)
	delete(l.unsaved, e.ID)
	l.totals.Remove(e)
	key := e.RunKey()
	if run := l.runs[key]; run != nil {
		if run.Drop(e); run.Count == 0 {
			delete(l.runs, key)
		}
	}
	l.floor = max(l.floor, e.Stamp.HLC)
}
