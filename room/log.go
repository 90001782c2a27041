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

// Range is what a log holds of a run: the sequence numbers above Low up to High. What lies at or below
// Low was pruned, or never fetched, and must not come back. Sum is the exclusive or, over the entries
// in the range, of the first eight bytes of what the log's digest is made of: two logs with the same range and
// different sums hold different messages, or one message with different stamps. 0 is unknown.
type Range struct{ Low, High, Sum uint64 }

// Take counts e, which lies in the range, into its sum, or out of it again.
func (r *Range) Take(e *Entry) {
	if e.Msg.Seq > r.Low {
		mark := e.mark()
		r.Sum ^= binary.BigEndian.Uint64(mark[:8])
	}
}

// Prune takes e out of the range for good, and with it what lies below.
func (r *Range) Prune(e *Entry) {
	r.Take(e)
	r.Low = max(r.Low, e.Msg.Seq)
}

// Vector is a version vector: what a log holds of every run.
type Vector map[RunKey]Range

// Result tells what Log.Add made of an entry.
type Result int

const (
	Added     Result = iota
	Known            // held already with this or a smaller stamp, or pruned
	Restamped        // held with a larger stamp, which the smaller one has replaced
	Gap              // the messages of its run just before it are missing
	Forked           // added, though another message holds its place in its run too: a key used twice
)

// Arrival is an entry in the order in which the log learned of it.
type Arrival struct {
	*Entry
	Late  bool // belongs before an entry that had arrived earlier
	Again bool // a Restamped entry: shown before
	Fork  bool // a Forked entry
}

// Log is the conversation: entries in the room's order, findable by id and by run, and followed in the order
// of arrival through After. It is passive data behind a mutex; entries are never changed. Without a Store all
// of it is in memory. With one, memory holds the newest entries, those that the store has not saved yet, and
// sums over everything.
type Log struct {
	mu      sync.Mutex
	keep    Keep
	window  Keep // of what is in memory beside a store; For is not used
	clock   Clock
	n       uint64                     // stamps given here
	entries []*Entry                   // in memory, in the room's order
	byID    map[ID]*Entry              // the same
	bytes   int                        // of them
	runs    map[RunKey]*Range          // each run's entries are held without a gap
	forks   map[RunKey]map[uint64]bool // places in runs that several messages hold
	totals  Totals                     // of all that is held, in memory or in the store

	arrivals []Arrival
	first    uint64        // arrivals[0] is the arrival number first
	changed  chan struct{} // closed at the next arrival

	store   Store
	unsaved map[ID]uint64 // what the store lacks: the number of its last arrival
}

// NewLog makes an empty log.
func NewLog() *Log { return NewLogKeeping(DefaultKeep) }

// NewLogKeeping makes an empty log with limits of its own.
func NewLogKeeping(k Keep) *Log {
	return &Log{
		keep: k, window: Keep{Messages: windowMessages, Bytes: windowBytes},
		byID: map[ID]*Entry{}, runs: map[RunKey]*Range{}, forks: map[RunKey]map[uint64]bool{},
		changed: make(chan struct{}), unsaved: map[ID]uint64{},
	}
}

// Add files a stamped entry in its place.
func (l *Log) Add(e *Entry) Result {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clock.Observe(e.Stamp.HLC, time.Now())
	return l.add(e)
}

// Append stamps a fresh message as the given host and files it at the end. It returns the entry as held:
// one that was known keeps the stamp it had.
func (l *Log) Append(e *Entry, host NodeID) (*Entry, Result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if held := l.held(e); held != nil {
		return held, Known
	}
	e = e.Stamped(Stamp{HLC: l.clock.Next(time.Now()), Host: host, N: l.n + 1})
	res := l.add(e)
	if res == Added || res == Forked {
		l.n++
	}
	return e, res
}

// held finds the entry with e's id; nil when the log does not hold it. The store is asked only about places
// in runs that the log knows of.
func (l *Log) held(e *Entry) *Entry {
	if h := l.byID[e.ID]; h != nil || l.store == nil {
		return h
	}
	if r := l.runs[e.RunKey()]; r == nil || e.Msg.Seq <= r.Low || e.Msg.Seq > r.High {
		return nil
	}
	return l.store.Get(e.ID)
}

func (l *Log) add(e *Entry) Result {
	key, seq := e.RunKey(), e.Msg.Seq
	if held := l.held(e); held != nil {
		if e.Stamp.Compare(held.Stamp) >= 0 {
			return Known
		}
		l.totals.Remove(held)
		l.unplace(held)
		if run := l.runs[key]; run != nil {
			run.Take(held)
			run.Take(e)
		}
		l.place(e, Arrival{Entry: e, Again: true})
		return Restamped
	}
	run := l.runs[key]
	if run == nil {
		run = &Range{Low: seq - 1, High: seq - 1}
		l.runs[key] = run
	}
	switch {
	case seq > run.High+1:
		return Gap
	case seq <= run.Low:
		return Known // pruned: it does not come back
	}
	fork := seq <= run.High
	if fork {
		l.fork(key, seq)
	}
	run.High = max(run.High, seq)
	run.Take(e)
	l.place(e, Arrival{Entry: e, Fork: fork})
	l.prune()
	if fork {
		return Forked
	}
	return Added
}

// fork notes that several messages hold one place.
func (l *Log) fork(key RunKey, seq uint64) {
	if l.forks[key] == nil {
		l.forks[key] = map[uint64]bool{}
	}
	l.forks[key][seq] = true
}

// place files an entry by its stamp and lets the followers know.
func (l *Log) place(e *Entry, a Arrival) {
	a.Late = l.insert(e) < len(l.entries)-1
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
// prunes the whole. Runs remember how far they were pruned, so that nothing returns.
func (l *Log) prune() {
	if l.store != nil {
		l.evict()
	}
	for l.store == nil && len(l.entries) > 1 && l.tooMuch() {
		l.forget(l.entries[0])
	}
	most := l.keep.Messages
	if l.store != nil {
		most = l.window.Messages
	}
	if drop := len(l.arrivals) - most; drop > most/8 {
		l.arrivals = slices.Delete(l.arrivals, 0, drop)
		l.first += uint64(drop)
	}
}

// tooMuch tells whether a log without a store is over the limits.
func (l *Log) tooMuch() bool {
	if l.keep.Over(Totals{Count: len(l.entries), Bytes: l.bytes}) {
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
		run.Prune(e)
	}
	if places := l.forks[key]; places != nil {
		delete(places, e.Msg.Seq)
		if len(places) == 0 {
			delete(l.forks, key)
		}
	}
}
