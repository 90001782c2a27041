package relay

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"parley.lan/room"
	"parley.lan/wire"
)

// How two logs are brought together, the same at both ends: each sends its vector, then what the other
// lacks, then synced.

// maxRuns bounds the vector that a peer may send, in all its parts.
const maxRuns = 100_000

func appendVector(dst []byte, v room.Vector) []byte {
	var part wire.VectorPart
	for k, r := range v {
		if len(part.Runs) == vectorLines {
			part.More = true
			dst = append(dst, mustAppend(wire.TVector, part)...)
			part = wire.VectorPart{}
		}
		part.Runs = append(part.Runs, wire.Run{Author: k.Author[:], Run: k.Run, Low: r.Low, High: r.High})
	}
	return append(dst, mustAppend(wire.TVector, part)...)
}

// mergeVector adds one part of a peer's vector; more tells whether further ones follow.
func mergeVector(v room.Vector, body []byte) (more bool, err error) {
	var part wire.VectorPart
	if err := wire.Decode(body, &part); err != nil {
		return false, err
	}
	for _, r := range part.Runs {
		author, ok := wire.NodeID(r.Author)
		if !ok || r.Low > r.High || len(v) >= maxRuns {
			return false, errors.New("vector: malformed, or too long")
		}
		v[room.RunKey{Author: author, Run: r.Run}] = room.Range{Low: r.Low, High: r.High}
	}
	return part.More, nil
}

// appendEntries packs messages into as few frames as the limits allow.
func appendEntries(dst []byte, entries []*room.Entry) []byte {
	var pack wire.Entries
	size := 0
	flush := func() {
		if len(pack.List) > 0 {
			dst = append(dst, mustAppend(wire.TEntries, pack)...)
			pack.List, size = pack.List[:0], 0
		}
	}
	for _, e := range entries {
		more := len(e.Body) + entryExtra
		if size += more; size > batchBytes || len(pack.List) == 1000 {
			flush()
			size = more
		}
		pack.List = append(pack.List, wire.FromEntry(e))
	}
	flush()
	return dst
}

func appendArrivals(dst []byte, got []room.Arrival) []byte {
	entries := make([]*room.Entry, len(got))
	for i, a := range got {
		entries[i] = a.Entry
	}
	return appendEntries(dst, entries)
}

// giver is who hands stamped messages in.
type giver struct {
	id     room.NodeID
	isHost bool        // of the room: what it leaves out, nobody has
	vector room.Vector // what it said that it holds; nil when the logs were the same
}

// readEntries files stamped messages from a peer in the log, and returns the last one's id. What the log holds
// already is not verified again.
func readEntries(roomName string, log *room.Log, body []byte, from giver) (last room.ID, err error) {
	var pack wire.Entries
	if err := wire.Decode(body, &pack); err != nil {
		return last, err
	}
	for _, w := range pack.List {
		stamp, ok := w.Stamp()
		if !ok {
			return last, errors.New("entry without a stamp")
		}
		last = sha256.Sum256(w.Body)
		e := log.Get(last)
		if e == nil {
			if e, err = room.OpenEntry(roomName, w.Body, w.Sig); err != nil {
				return last, err
			}
		} else if e.Stamp == stamp {
			continue
		}
		if e = e.Stamped(stamp); log.Add(e) == room.Gap {
			if err := from.skip(log, e); err != nil {
				return last, err
			}
		}
	}
	return last, nil
}

// skip files an entry whose predecessors its giver has not got either. A member's word for that is taken for its own
// runs alone: another member may still hand in what is missing, so the entry is left out until then.
func (g giver) skip(log *room.Log, e *room.Entry) error {
	run := room.RunKey{Author: e.Author, Run: e.Msg.Run}
	switch {
	case g.vector[run].Low <= log.High(run): // it holds what follows, or said so
		return fmt.Errorf("message %d of run %x does not follow", e.Msg.Seq, e.Msg.Run)
	case g.isHost || g.id == e.Author:
		log.AddPast(e)
	}
	return nil
}
