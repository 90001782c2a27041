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

// batch is one transaction, and the sums as they are once it is committed.
type batch struct {
	s      *Store
	ctx    context.Context
	tx     *sql.Tx
	totals room.Totals
	floor  uint64
	runs   map[room.RunKey]run // those changed
}

// transact runs change in one transaction.
func (s *Store) transact(ctx context.Context, change func(*batch) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	b := &batch{s: s, ctx: ctx, tx: tx, totals: s.totals, floor: s.floor, runs: map[room.RunKey]run{}}
	if err := change(b); err != nil {
		return err
	}
	if err := b.sums(); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	s.totals, s.floor = b.totals, b.floor
	for key, r := range b.runs {
		if r.Count == 0 {
			delete(s.runs, key)
		} else {
			s.runs[key] = r
		}
	}
	return nil
}

// save writes entries: new ones, and new stamps of old ones.
func (s *Store) save(ctx context.Context, entries []*room.Entry) error {
	return s.transact(ctx, func(b *batch) error {
		for _, e := range entries {
			if err := b.put(e); err != nil {
				return err
			}
		}
		return nil
	})
}

func (b *batch) run(key room.RunKey) (run, bool) {
	if r, ok := b.runs[key]; ok {
		return r, true
	}
	r, ok := b.s.runs[key]
	return r, ok
}

func (b *batch) exec(query string, args ...any) (sql.Result, error) {
	return b.tx.ExecContext(b.ctx, query, args...)
}

func (b *batch) put(e *room.Entry) error {
	key, seq := e.RunKey(), e.Msg.Seq
	r, known := b.run(key)
	switch {
	case !known:
		res, err := b.exec("INSERT INTO runs (room, author, number, count, low, high, sum, mark) VALUES (?, ?, ?, 0, 0, 0, 0, x'')", b.s.room, key.Author[:], int64(key.Run))
		if err != nil {
			return err
		}
		r.row, _ = res.LastInsertId()
	case seq <= r.High:
		if done, err := b.again(e, &r); done || err != nil {
			return err
		}
	}
	stamp := packStamp(e.Stamp)
	res, err := b.exec("INSERT INTO messages (id, room, stamp, run, seq, body, sig, mark) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		e.ID[:], b.s.room, stamp, r.row, int64(seq), e.Body, e.Sig, mark(e.ID[:], stamp, e.Sig))
	if err != nil {
		return err
	}
	if e.Msg.Kind != room.Private {
		row, _ := res.LastInsertId()
		if _, err := b.exec("INSERT INTO words (rowid, text) VALUES (?, ?)", row, e.Msg.Text); err != nil {
			return err
		}
	}
	r.Take(e)
	b.runs[key] = r
	b.totals.Add(e)
	return nil
}

// again gives an entry that is there its smaller stamp; done is false when it is not there.
func (b *batch) again(e *room.Entry, r *run) (done bool, err error) {
	var row int64
	var packed []byte
	err = b.tx.QueryRowContext(b.ctx, "SELECT message, stamp FROM messages WHERE id = ?", e.ID[:]).Scan(&row, &packed)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return true, err
	}
	old, err := unpackStamp(packed)
	if err != nil || e.Stamp.Compare(old) >= 0 {
		return true, err
	}
	stamp, before := packStamp(e.Stamp), e.Stamped(old)
	if _, err := b.exec("UPDATE messages SET stamp = ?, mark = ? WHERE message = ?", stamp, mark(e.ID[:], stamp, e.Sig), row); err != nil {
		return true, err
	}
	b.totals.Remove(before)
	b.totals.Add(e)
	r.Drop(before)
	r.Take(e)
	b.runs[e.RunKey()] = *r
	return true, nil
}

// sums writes the changed lines of rooms and runs.
func (b *batch) sums() error {
	for key, r := range b.runs {
		var err error
		if r.Count == 0 {
			_, err = b.exec("DELETE FROM runs WHERE run = ?", r.row)
		} else {
			_, err = b.exec("UPDATE runs SET count = ?, low = ?, high = ?, sum = ?, mark = ? WHERE run = ?", r.Count, int64(r.Low), int64(r.High), int64(r.Sum), r.mark(key), r.row)
		}
		if err != nil {
			return err
		}
	}
	_, err := b.exec("UPDATE rooms SET count = ?, bytes = ?, digest = ?, floor = ?, mark = ? WHERE room = ?", b.totals.Count, b.totals.Bytes, b.totals.Digest[:],
		int64(b.floor), markNumbers(b.totals.Digest[:], int64(b.totals.Count), int64(b.totals.Bytes), int64(b.floor)), b.s.room)
	return err
}

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

// saveOutbox makes the table of waiting messages the same as the outbox.
func (s *Store) saveOutbox(ctx context.Context, waiting []*room.Entry) error {
	still := make(map[room.ID]bool, len(waiting))
	var fresh []*room.Entry
	for _, e := range waiting {
		still[e.ID] = true
		if !s.outbox[e.ID] {
			fresh = append(fresh, e)
		}
	}
	var gone []room.ID
	for id := range s.outbox {
		if !still[id] {
			gone = append(gone, id)
		}
	}
	if len(fresh)+len(gone) == 0 {
		return nil
	}
	err := s.transact(ctx, func(b *batch) error {
		for _, e := range fresh {
			if _, err := b.exec("INSERT OR IGNORE INTO outbox (id, room, body, sig) VALUES (?, ?, ?, ?)", e.ID[:], s.room, e.Body, e.Sig); err != nil {
				return err
			}
		}
		for _, id := range gone {
			if _, err := b.exec("DELETE FROM outbox WHERE id = ?", id[:]); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		s.outbox = still
	}
	return err
}
