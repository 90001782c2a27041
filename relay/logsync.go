package relay

import (
	"crypto/sha256"
	"errors"
	"net"
	"time"

	"parley.lan/room"
	"parley.lan/wire"
)

// How two logs come to hold the same (room.Log.Compare says why they do):
//
//	member → host   its vector, in answer to a welcome with another digest
//	host → member   a vector of what it asks for, the newest of what the member lacks, synced
//	member → host   the newest of what was asked for, synced; where neither's run was a part of the other's,
//	                a vector before it that asks for all of those
//
// What is older than the newest catchUp messages goes afterwards, a little at a time beside all else, as past.

// maxRuns bounds the vector that a peer may send, in all its parts.
const maxRuns = 100_000

func appendVector(dst []byte, v room.Vector, floor uint64) []byte {
	part := wire.VectorPart{Floor: floor}
	for k, r := range v {
		if len(part.Runs) == vectorLines {
			part.More = true
			dst = append(dst, mustAppend(wire.TVector, part)...)
			part = wire.VectorPart{Floor: floor}
		}
		part.Runs = append(part.Runs, wire.Run{Author: k.Author[:], Run: k.Run, Low: r.Low, High: r.High, Sum: r.Sum})
	}
	return append(dst, mustAppend(wire.TVector, part)...)
}

// vector is what has come of a peer's.
type vector struct {
	runs  room.Vector
	floor uint64
	whole bool
}

// merge adds one part.
func (v *vector) merge(body []byte) error {
	var part wire.VectorPart
	if err := wire.Decode(body, &part); err != nil {
		return err
	}
	if v.whole {
		return errors.New("one vector too many")
	}
	if v.runs == nil {
		v.runs = room.Vector{}
	}
	for _, r := range part.Runs {
		author, ok := wire.NodeID(r.Author)
		if !ok || r.Low > r.High || len(v.runs) >= maxRuns {
			return errors.New("vector: malformed, or too long")
		}
		v.runs[room.RunKey{Author: author, Run: r.Run}] = room.Range{Low: r.Low, High: r.High, Sum: r.Sum}
	}
	v.floor, v.whole = part.Floor, !part.More
	return nil
}

// appendEntries packs messages into as few frames as the limits allow.
func appendEntries(dst []byte, entries []*room.Entry, past bool) []byte {
	pack := wire.Entries{Past: past}
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

// appendArrivals packs what has arrived, in its order.
func appendArrivals(dst []byte, got []room.Arrival) []byte {
	var entries []*room.Entry
	for i, a := range got {
		entries = append(entries, a.Entry)
		if i == len(got)-1 || got[i+1].Past != a.Past {
			dst = appendEntries(dst, entries, a.Past)
			entries = entries[:0]
		}
	}
	return dst
}

// readEntries files stamped messages from a peer in the log, and returns the last one's id and how many there were.
// What the log holds in memory already is not verified again.
func readEntries(roomName string, log *room.Log, body []byte) (last room.ID, n int, err error) {
	var pack wire.Entries
	if err := wire.Decode(body, &pack); err != nil {
		return last, 0, err
	}
	for n, w := range pack.List {
		stamp, ok := w.Stamp()
		if !ok {
			return last, n, errors.New("entry without a stamp")
		}
		last = sha256.Sum256(w.Body)
		e := log.Recent(last)
		if e == nil {
			if e, err = room.OpenEntry(roomName, w.Body, w.Sig); err != nil {
				return last, n, err
			}
		} else if e.Stamp == stamp {
			continue
		}
		if e = e.Stamped(stamp); pack.Past {
			log.AddPast(e)
		} else {
			log.Add(e)
		}
	}
	return last, len(pack.List), nil
}

// catchingUp is what a connection still has to give, in the order in which it was asked for.
type catchingUp struct {
	gifts []*room.Gift
	pause <-chan time.Time // until the next of the past; nil: nothing is left
	sent  uint64           // entries
}

// begin gives the newest of what the peer lacks, and keeps the rest. The returned buffer holds what is left to send.
func (c *catchingUp) begin(conn net.Conn, buf []byte, g *room.Gift) ([]byte, error) {
	newest, more := g.Next(catchUp)
	if more {
		c.gifts = append(c.gifts, g)
		c.pause = time.After(pastPause)
	}
	c.sent += uint64(len(newest))
	return sendEntries(conn, buf, newest)
}

// more appends a little of the past.
func (c *catchingUp) more(buf []byte) []byte {
	c.pause = nil
	if len(c.gifts) == 0 {
		return buf
	}
	got, more := c.gifts[0].Next(batch)
	if !more {
		c.gifts = c.gifts[1:]
	}
	if len(c.gifts) > 0 {
		c.pause = time.After(pastPause)
	}
	c.sent += uint64(len(got))
	return appendEntries(buf, got, true)
}
