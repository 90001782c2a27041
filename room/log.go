package room

import (
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"
	"sync"
	"time"
)

// Retention of the log, whichever comes first.
const (
	KeepMessages = 200_000
	KeepBytes    = 256 << 20
	KeepFor      = 30 * 24 * time.Hour

	recent = 100 // entries whose stamps two logs compare whenever they differ

	// KeepRuns bounds what is remembered of runs: a peer takes a vector of 100,000. Keys cost nothing, so somebody
	// may well make a run for each message, and then nobody could join any more.
	KeepRuns = 90_000
)

// RunKey names one run of one author.
type RunKey struct {
	Author NodeID
	Run    uint64
}

// Range is what a log holds of a run: the sequence numbers above Low up to High. What lies at or below
// Low was pruned, or never fetched, and must not come back.
type Range struct{ Low, High uint64 }

// Vector is a version vector: what a log holds of every run.
type Vector map[RunKey]Range

// Result tells what Log.Add made of an entry.
type Result int

const (
	Added     Result = iota
	Known            // held already with this or a smaller stamp
	Restamped        // held with a larger stamp, which the smaller one has replaced
	Gap              // the messages of its run just before it are missing
	Forked           // another message holds its place in its run: a key used twice
)

// Arrival is an entry in the order in which the log learned of it.
type Arrival struct {
	*Entry
	Late  bool // belongs before an entry that had arrived earlier
	Again bool // a Restamped entry: shown before
}

// Log is the conversation in memory: entries in the room's order, findable by id and by run, and followed
// in the order of arrival through After. It is passive data behind a mutex; entries are never changed.
type Log struct {
	mu      sync.Mutex
	clock   Clock
	n       uint64            // stamps given here
	entries []*Entry          // by stamp
	byID    map[ID]*Entry     // the same
	runs    map[RunKey]*Range // each run's entries are held without a gap
	digest  [sha256.Size]byte // exclusive or over the entries' id and stamp
	bytes   int

	arrivals []Arrival
	first    uint64        // arrivals[0] is the arrival number first
	changed  chan struct{} // closed at the next arrival
}

// NewLog makes an empty log.
func NewLog() *Log {
	return &Log{byID: map[ID]*Entry{}, runs: map[RunKey]*Range{}, changed: make(chan struct{})}
}

// Add files a stamped entry in its place.
func (l *Log) Add(e *Entry) Result {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clock.Observe(e.Stamp.HLC, time.Now())
	return l.add(e)
}

// AddPast files an entry although the messages of its run just before it are missing: its giver has pruned or
// never fetched them, and so they don't come any more.
func (l *Log) AddPast(e *Entry) Result {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clock.Observe(e.Stamp.HLC, time.Now())
	if run := l.runs[RunKey{e.Author, e.Msg.Run}]; run != nil && e.Msg.Seq > run.High+1 {
		run.Low, run.High = e.Msg.Seq-1, e.Msg.Seq-1
	}
	return l.add(e)
}

// Append stamps a fresh message as the given host and files it at the end. It returns the entry as held:
// one that was known keeps the stamp it had.
func (l *Log) Append(e *Entry, host NodeID) (*Entry, Result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if held := l.byID[e.ID]; held != nil {
		return held, Known
	}
	e = e.Stamped(Stamp{HLC: l.clock.Next(time.Now()), Host: host, N: l.n + 1})
	res := l.add(e)
	if res == Added {
		l.n++
	}
	return e, res
}

func (l *Log) add(e *Entry) Result {
	if held := l.byID[e.ID]; held != nil {
		if e.Stamp.Compare(held.Stamp) >= 0 {
			return Known
		}
		l.unplace(held)
		l.place(e, true)
		return Restamped
	}
	key := RunKey{e.Author, e.Msg.Run}
	run := l.runs[key]
	if run == nil {
		run = &Range{Low: e.Msg.Seq - 1, High: e.Msg.Seq - 1}
		l.runs[key] = run
	}
	switch {
	case e.Msg.Seq > run.High+1:
		return Gap
	case e.Msg.Seq <= run.Low:
		return Known // pruned: it does not come back
	case e.Msg.Seq <= run.High:
		return Forked
	}
	run.High = e.Msg.Seq
	l.place(e, false)
	l.prune()
	return Added
}

// place files e by its stamp and lets the followers know.
func (l *Log) place(e *Entry, again bool) {
	i, _ := slices.BinarySearchFunc(l.entries, e, func(a, b *Entry) int { return a.Stamp.Compare(b.Stamp) })
	late := i < len(l.entries) && l.entries[i].Stamp.HLC <= physical(time.Now().Add(maxAhead))
	l.entries = slices.Insert(l.entries, i, e)
	l.byID[e.ID] = e
	l.bytes += e.size()
	l.mix(e)
	l.arrivals = append(l.arrivals, Arrival{e, late, again})
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *Log) unplace(e *Entry) {
	i, ok := slices.BinarySearchFunc(l.entries, e, func(a, b *Entry) int { return a.Stamp.Compare(b.Stamp) })
	if ok {
		l.entries = slices.Delete(l.entries, i, i+1)
	}
	delete(l.byID, e.ID)
	l.bytes -= e.size()
	l.mix(e)
}

// prune drops the oldest entries past the limits. Their runs remember how far, so that they don't return.
func (l *Log) prune() {
	oldest := l.expired()
	for len(l.entries) > 1 && (len(l.entries) > KeepMessages || l.bytes > KeepBytes || l.entries[0].Stamp.HLC < oldest) {
		l.dropOldest()
	}
	if len(l.runs) > KeepRuns {
		maps.DeleteFunc(l.runs, func(_ RunKey, r *Range) bool { return r.Low == r.High }) // nothing is held of it
		for len(l.entries) > 1 && len(l.runs) > KeepRuns*7/8 {
			if key, r := l.dropOldest(); r != nil && r.Low == r.High {
				delete(l.runs, key)
			}
		}
	}
	if drop := len(l.arrivals) - KeepMessages; drop > KeepMessages/8 {
		l.arrivals = slices.Delete(l.arrivals, 0, drop)
		l.first += uint64(drop)
	}
}

// expired is the clock reading below which entries are too old: KeepFor before the newest stamp that can be
// true. It is not measured from this machine's clock, which may be years off from the host's.
func (l *Log) expired() uint64 {
	beyond := Stamp{HLC: physical(time.Now().Add(maxAhead)) + 1}
	i, _ := slices.BinarySearchFunc(l.entries, beyond, func(e *Entry, s Stamp) int { return e.Stamp.Compare(s) })
	if i == 0 {
		return 0
	}
	newest := l.entries[i-1].Stamp.HLC
	return newest - min(newest, uint64(KeepFor.Milliseconds())<<16)
}

// dropOldest takes the first entry out and tells its run, nil when that is forgotten.
func (l *Log) dropOldest() (RunKey, *Range) {
	e := l.entries[0]
	key := RunKey{e.Author, e.Msg.Run}
	run := l.runs[key]
	if run != nil {
		run.Low = max(run.Low, e.Msg.Seq)
	}
	l.unplace(e)
	return key, run
}

// mix adds e to the digest, or takes it out again.
func (l *Log) mix(e *Entry) {
	b := binary.BigEndian.AppendUint64(append(e.ID[:len(e.ID):len(e.ID)], e.Stamp.Host[:]...), e.Stamp.HLC)
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(b, e.Stamp.N))
	for i := range sum {
		l.digest[i] ^= sum[i]
	}
}

// size estimates the memory that an entry takes.
func (e *Entry) size() int { return 2*len(e.Body) + 400 }
