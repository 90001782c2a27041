package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"parley.lan/room"
)

// prune deletes what is over the limits, oldest first, a group at a time; more tells that there may be more. The
// log forgets it before it is deleted, so that it never takes what is gone for new.
func (s *Store) prune(ctx context.Context, log *room.Log) (more bool, err error) {
	if s.doomed == nil {
		if s.doomed, err = s.excess(ctx); err != nil {
			return false, err
		}
		log.Forget(s.doomed)
	}
	if len(s.doomed) == 0 {
		s.doomed = nil
		return false, nil
	}
	err = s.transact(ctx, func(b *batch) error {
		for _, e := range s.doomed {
			if err := b.drop(e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return false, err
	}
	more = len(s.doomed) == pruneGroup
	s.doomed = nil
	return more, nil
}

// excess finds the oldest entries that are over the limits.
func (s *Store) excess(ctx context.Context) ([]*room.Entry, error) {
	rows, err := s.read.QueryContext(ctx, "SELECT "+columns+" FROM messages m WHERE m.room = ? ORDER BY m.stamp, m.id LIMIT ?", s.room, pruneGroup)
	oldest, err := scan(rows, err, s.roomName)
	if err != nil {
		return nil, err
	}
	newest, err := s.newest(ctx, 1, 1)
	if err != nil || len(newest) == 0 {
		return nil, err
	}
	horizon, t := s.keep.Horizon(newest[0].Stamp, time.Now()), s.totals
	runs, left := len(s.runs), map[room.RunKey]int{}
	n := slices.IndexFunc(oldest, func(e *room.Entry) bool {
		if !s.keep.Over(t, runs) && e.Stamp.HLC >= horizon || t.Count == 1 {
			return true
		}
		t.Remove(e)
		key := e.RunKey()
		if _, begun := left[key]; !begun {
			left[key] = s.runs[key].Count
		}
		if left[key]--; left[key] == 0 {
			runs--
		}
		return false
	})
	if n < 0 {
		n = len(oldest)
	}
	return oldest[:n:n], nil
}

func (b *batch) drop(e *room.Entry) error {
	var row int64
	var packed []byte
	err := b.tx.QueryRowContext(b.ctx, "SELECT message, stamp FROM messages WHERE id = ?", e.ID[:]).Scan(&row, &packed)
	if errors.Is(err, sql.ErrNoRows) { // it was read a moment ago: without an end here it would be found again and again
		return fmt.Errorf("%w: a message can't be found by its id", errDamaged)
	}
	if err != nil {
		return err
	}
	for _, query := range []string{"DELETE FROM messages WHERE message = ?", "DELETE FROM words WHERE rowid = ?"} {
		if _, err := b.exec(query, row); err != nil {
			return err
		}
	}
	r, known := b.run(e.RunKey())
	if !known {
		return fmt.Errorf("%w: a message of no run", errDamaged)
	}
	r.Drop(e)
	b.runs[e.RunKey()] = r
	b.totals.Remove(e)
	b.floor = max(b.floor, e.Stamp.HLC)
	return nil
}
