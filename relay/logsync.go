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
		part.Sums = append(part.Sums, r.Sum)
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
	if len(part.Sums) != len(part.Runs) { // of another version
		part.Sums = make([]uint64, len(part.Runs))
	}
	for i, r := range part.Runs {
		author, ok := wire.NodeID(r.Author)
		if !ok || r.Low > r.High || len(v) >= maxRuns {
			return false, errors.New("vector: malformed, or too long")
		}
		v[room.RunKey{Author: author, Run: r.Run}] = room.Range{Low: r.Low, High: r.High, Sum: part.Sums[i]}
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
		if size += len(e.Body); size > batchBytes || len(pack.List) == 1000 {
			flush()
			size = len(e.Body)
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

// readEntries files stamped messages from a peer in the log, and returns the last one's id. What the log holds
// in memory already is not verified again.
func readEntries(roomName string, log *room.Log, body []byte) (last room.ID, err error) {
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
		e := log.Recent(last)
		if e == nil {
			if e, err = room.OpenEntry(roomName, w.Body, w.Sig); err != nil {
				return last, err
			}
		} else if e.Stamp == stamp {
			continue
		}
		if log.Add(e.Stamped(stamp)) == room.Gap {
			return last, fmt.Errorf("message %d of run %x does not follow", e.Msg.Seq, e.Msg.Run)
		}
	}
	return last, nil
}
