package room

import "encoding/binary"

// RunKey names one run of one author.
type RunKey struct {
	Author NodeID
	Run    uint64
}

// RunKey names the run that the entry belongs to.
func (e *Entry) RunKey() RunKey { return RunKey{e.Author, e.Msg.Run} }

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
