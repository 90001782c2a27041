package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"time"

	"parley.lan/room"
)

// The reading half of Store, which a room.Log asks (room.Store).

// Get returns the entry with an id, nil when there is none.
func (s *Store) Get(id room.ID) *room.Entry {
	got := s.some(s.read.Query("SELECT "+columns+" FROM messages m WHERE m.id = ? AND m.room = ?", id[:], s.room))
	if len(got) == 0 {
		return nil
	}
	return got[0]
}

// Before returns the newest entries below one in the room's order, of all when it is nil, newest first. Whoever
// reads page after page comes to an end, also in an index that is damaged.
func (s *Store) Before(e *room.Entry, limit int) []*room.Entry {
	var got []*room.Entry
	if e == nil {
		got = s.some(s.read.Query("SELECT "+columns+" FROM messages m WHERE m.room = ? ORDER BY m.stamp DESC, m.id DESC LIMIT ?", s.room, limit))
	} else {
		got = s.some(s.read.Query("SELECT "+columns+" FROM messages m WHERE m.room = ? AND (m.stamp, m.id) < (?, ?) ORDER BY m.stamp DESC, m.id DESC LIMIT ?",
			s.room, packStamp(e.Stamp), e.ID[:], limit))
	}
	for i, next := range got {
		if e != nil && next.Compare(e) >= 0 {
			s.note(fmt.Errorf("%w: messages out of order", errDamaged))
			return got[:i]
		}
		e = next
	}
	return got
}

// Run goes through the entries of a run with sequence numbers above low up to high.
func (s *Store) Run(key room.RunKey, low, high uint64) iter.Seq[*room.Entry] {
	return func(yield func(*room.Entry) bool) {
		rows, err := s.read.Query(`SELECT `+columns+` FROM runs r JOIN messages m ON m.run = r.run
			WHERE r.room = ? AND r.author = ? AND r.number = ? AND m.seq > ? AND m.seq <= ? ORDER BY m.seq`,
			s.room, key.Author[:], int64(key.Run), int64(low), int64(high))
		if err = each(rows, err, s.roomName, yield); err != nil {
			s.note(err)
		}
	}
}

// some takes what can be read, and passes on what went wrong.
func (s *Store) some(rows *sql.Rows, err error) []*room.Entry {
	got, err := scan(rows, err, s.roomName)
	if err != nil {
		s.note(err)
	}
	return got
}

// note passes on what went wrong, unless something did before.
func (s *Store) note(err error) {
	select {
	case s.trouble <- err:
	default:
	}
}

// newest reads the newest entries, in the room's order, as many as both limits allow.
func (s *Store) newest(ctx context.Context, messages, bytes int) ([]*room.Entry, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT "+columns+" FROM messages m WHERE m.room = ? ORDER BY m.stamp DESC, m.id DESC LIMIT ?", s.room, messages)
	got, err := scan(rows, err, s.roomName)
	if err != nil {
		return nil, err
	}
	size := 0
	for i, e := range got {
		if size += e.Size(); size > bytes && i > 0 {
			got = got[:i]
			break
		}
	}
	for i, j := 0, len(got)-1; i < j; i, j = i+1, j-1 {
		got[i], got[j] = got[j], got[i]
	}
	return got, nil
}

// pending reads the own messages of earlier runs that still wait. Their signatures are checked: they are few.
func (s *Store) pending(ctx context.Context) ([]*room.Entry, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT body, sig FROM outbox WHERE room = ? ORDER BY put", s.room)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*room.Entry
	for rows.Next() {
		var body, sig []byte
		if err := rows.Scan(&body, &sig); err != nil {
			return nil, readable(err)
		}
		e, err := room.OpenEntry(s.roomName, body, sig)
		if err != nil {
			return nil, errors.Join(errDamaged, err)
		}
		s.outbox[e.ID] = true
		out = append(out, e)
	}
	return out, rows.Err()
}

// check looks the whole file over, some time after the start, and passes on what it finds.
func (s *Store) check(ctx context.Context) {
	select {
	case <-ctx.Done():
		return
	case <-time.After(checkAfter):
	}
	var found string
	err := s.read.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&found)
	if err == nil && found != "ok" {
		err = fmt.Errorf("%w: %s", errDamaged, found)
	}
	if err != nil && ctx.Err() == nil && damaged(err) {
		s.note(err)
	}
}
