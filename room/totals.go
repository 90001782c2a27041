package room

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// Keep is how much of a conversation is kept, whichever limit is reached first.
type Keep struct {
	Messages int
	Bytes    int
	For      time.Duration
	Runs     int // of which messages are held
}

// DefaultKeep is what every node keeps. A peer takes a vector of 100,000 runs; keys cost nothing, so somebody may
// well make a run for each message, and then nobody could join any more.
var DefaultKeep = Keep{Messages: 200_000, Bytes: 256 << 20, For: 30 * 24 * time.Hour, Runs: 90_000}

// Over tells whether so much is more than k allows; age is not looked at.
func (k Keep) Over(t Totals, runs int) bool {
	return t.Count > k.Messages || t.Bytes > k.Bytes || runs > k.Runs
}

// Horizon is the reading of the clock below which stamps are too old to keep. newest is the greatest stamp
// held. Age counts from the earlier of that and now, so that neither one's own clock, when it runs ahead,
// nor a host's, when it stands in 1970, empties a log.
func (k Keep) Horizon(newest Stamp, now time.Time) uint64 {
	ref, age := min(newest.HLC, physical(now)), uint64(k.For.Milliseconds())<<16
	return ref - min(ref, age)
}

// Totals sum up a set of stamped entries.
type Totals struct {
	Count  int
	Bytes  int // as Entry.Size counts them
	Digest [sha256.Size]byte
}

// Add counts e in.
func (t *Totals) Add(e *Entry) {
	t.Count++
	t.Bytes += e.Size()
	t.mix(e)
}

// Remove takes e, which was added with the same stamp, out again.
func (t *Totals) Remove(e *Entry) {
	t.Count--
	t.Bytes -= e.Size()
	t.mix(e)
}

// mix adds e to the digest, or takes it out again.
func (t *Totals) mix(e *Entry) {
	for i, b := range e.mark() {
		t.Digest[i] ^= b
	}
}

// mark is SHA-256 over id and stamp: equal for equal messages in equal places.
func (e *Entry) mark() [sha256.Size]byte {
	b := binary.BigEndian.AppendUint64(append(e.ID[:len(e.ID):len(e.ID)], e.Stamp.Host[:]...), e.Stamp.HLC)
	return sha256.Sum256(binary.BigEndian.AppendUint64(b, e.Stamp.N))
}

// Size estimates what an entry takes, in memory or on disk with its indexes, in bytes.
func (e *Entry) Size() int { return 2*len(e.Body) + 400 }

// Compare orders entries as the room does; the id decides between equal stamps, which only a cloned host gives.
func (e *Entry) Compare(o *Entry) int {
	if c := e.Stamp.Compare(o.Stamp); c != 0 {
		return c
	}
	return bytes.Compare(e.ID[:], o.ID[:])
}
