package history

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"fmt"

	"parley.lan/room"
)

const stampSize = 8 + len(room.NodeID{}) + 8

// packStamp writes a stamp so that bytes compare as stamps do.
func packStamp(s room.Stamp) []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, stampSize), s.HLC)
	b = append(b, s.Host[:]...)
	return binary.BigEndian.AppendUint64(b, s.N)
}

func unpackStamp(b []byte) (room.Stamp, error) {
	if len(b) != stampSize {
		return room.Stamp{}, fmt.Errorf("%w: a stamp of %d bytes", errDamaged, len(b))
	}
	return room.Stamp{
		HLC: binary.BigEndian.Uint64(b), Host: room.NodeID(b[8 : stampSize-8]), N: binary.BigEndian.Uint64(b[stampSize-8:]),
	}, nil
}

// mark is what a message's row is checked by.
func mark(id, stamp, sig []byte) []byte {
	h := sha256.New()
	h.Write(id)
	h.Write(stamp)
	h.Write(sig)
	return h.Sum(nil)[:8]
}

// markNumbers is the same for a line of numbers, which belongs to something.
func markNumbers(of []byte, numbers ...int64) []byte {
	b := make([]byte, 0, 8*len(numbers))
	for _, n := range numbers {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return mark(of, b, nil)
}

// mark is what the line of a run is checked by.
func (r run) mark(key room.RunKey) []byte {
	return markNumbers(key.Author[:], int64(key.Run), int64(r.Count), int64(r.Low), int64(r.High), int64(r.Sum))
}

// columns of messages, as scan takes them.
const columns = "m.id, m.stamp, m.body, m.sig, m.mark"

// scan reads the entries of a query. It returns what it has when a row turns out damaged, with the error.
func scan(rows *sql.Rows, err error, roomName string) (out []*room.Entry, _ error) {
	err = each(rows, err, roomName, func(e *room.Entry) bool {
		out = append(out, e)
		return true
	})
	return out, err
}

// each is scan one at a time, until yield has enough.
func each(rows *sql.Rows, err error, roomName string, yield func(*room.Entry) bool) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id, stamp, body, sig, want []byte
		if err := rows.Scan(&id, &stamp, &body, &sig, &want); err != nil {
			return fmt.Errorf("%w: %w", errDamaged, err)
		}
		e, err := restore(roomName, id, stamp, body, sig, want)
		if err != nil {
			return err
		}
		if !yield(e) {
			return nil
		}
	}
	return rows.Err()
}

func restore(roomName string, id, stamp, body, sig, want []byte) (*room.Entry, error) {
	s, err := unpackStamp(stamp)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(mark(id, stamp, sig), want) {
		return nil, fmt.Errorf("%w: a message is not what was written", errDamaged)
	}
	e, err := room.RestoreEntry(roomName, body, sig, s)
	if err != nil || !bytes.Equal(e.ID[:], id) {
		return nil, fmt.Errorf("%w: a message is not what was written", errDamaged)
	}
	return e, nil
}
