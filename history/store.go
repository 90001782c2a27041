package history

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"parley.lan/room"
)

// Store is the open database of one room. What it reads may be asked for from many goroutines; one alone
// writes.
type Store struct {
	roomName string
	keep     room.Keep
	log      *slog.Logger
	lock     *lock
	write    *sql.DB
	read     *sql.DB
	trouble  chan error // of one: what a reader met first

	// What the tables hold besides messages; the writer's alone.
	room   int64
	totals room.Totals
	runs   map[room.RunKey]run
	doomed []*room.Entry // forgotten by the log, and still to be deleted
	outbox map[room.ID]bool
}

// run is a line of the table of runs.
type run struct {
	row int64 // 0: not in the table yet
	room.Range
	last uint64 // greatest HLC
}

// open opens the database in a folder for one room, which the caller's process then has to itself.
func open(ctx context.Context, dir, roomName string, keep room.Keep, log *slog.Logger) (*Store, error) {
	l, err := takeLock(ctx, filepath.Join(dir, lockName))
	if err != nil {
		return nil, err
	}
	s := &Store{
		roomName: roomName, keep: keep, log: log, lock: l, trouble: make(chan error, 1),
		runs: map[room.RunKey]run{}, outbox: map[room.ID]bool{},
	}
	path := filepath.Join(dir, fileName)
	if s.write, err = openFile(ctx, path); err == nil {
		if s.read, err = openReaders(path); err == nil {
			err = s.load(ctx)
		}
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// load reads the sums, making the room's line when it is new.
func (s *Store) load(ctx context.Context) error {
	_, err := s.write.ExecContext(ctx, "INSERT OR IGNORE INTO rooms (name, count, bytes, digest, mark) VALUES (?, 0, 0, zeroblob(32), ?)",
		s.roomName, markNumbers(s.totals.Digest[:], 0, 0))
	if err != nil {
		return err
	}
	var digest, want []byte
	row := s.write.QueryRowContext(ctx, "SELECT room, count, bytes, digest, mark FROM rooms WHERE name = ?", s.roomName)
	if err := row.Scan(&s.room, &s.totals.Count, &s.totals.Bytes, &digest, &want); err != nil {
		return readable(err)
	}
	if copy(s.totals.Digest[:], digest) != len(s.totals.Digest) ||
		!bytes.Equal(want, markNumbers(digest, int64(s.totals.Count), int64(s.totals.Bytes))) {
		return fmt.Errorf("%w: the room's sums make no sense", errDamaged)
	}
	rows, err := s.write.QueryContext(ctx, "SELECT run, author, number, low, high, sum, last, mark FROM runs WHERE room = ?", s.room)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var r run
		var author, want []byte
		var number, low, high, sum, last int64
		if err := rows.Scan(&r.row, &author, &number, &low, &high, &sum, &last, &want); err != nil {
			return readable(err)
		}
		if len(author) != len(room.NodeID{}) {
			return fmt.Errorf("%w: a run makes no sense", errDamaged)
		}
		r.Range, r.last = room.Range{Low: uint64(low), High: uint64(high), Sum: uint64(sum)}, uint64(last)
		key := room.RunKey{Author: room.NodeID(author), Run: uint64(number)}
		if !bytes.Equal(want, r.mark(key)) {
			return fmt.Errorf("%w: a run is not what was written", errDamaged)
		}
		s.runs[key] = r
	}
	return rows.Err()
}

// readable makes a value of the wrong kind the damage that it is.
func readable(err error) error {
	if err == nil || damaged(err) || errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("%w: %w", errDamaged, err)
}

// Summary tells what the database holds, with as many of the newest entries as a log keeps in memory.
func (s *Store) summary(ctx context.Context, messages, bytes int) (room.Summary, error) {
	sum := room.Summary{Totals: s.totals, Runs: room.Vector{}, Forks: map[room.RunKey][]uint64{}}
	byRow := map[int64]room.RunKey{}
	for key, r := range s.runs {
		sum.Runs[key] = r.Range
		byRow[r.row] = key
	}
	rows, err := s.read.QueryContext(ctx, "SELECT run, seq FROM forks")
	if err != nil {
		return sum, err
	}
	defer rows.Close()
	for rows.Next() {
		var row, seq int64
		if err := rows.Scan(&row, &seq); err != nil {
			return sum, readable(err)
		}
		if key, ours := byRow[row]; ours {
			sum.Forks[key] = append(sum.Forks[key], uint64(seq))
		}
	}
	if err := rows.Err(); err != nil {
		return sum, err
	}
	sum.Newest, err = s.newest(ctx, messages, bytes)
	if err == nil && (len(sum.Newest) == 0) != (s.totals.Count == 0) {
		err = fmt.Errorf("%w: the count of messages is wrong", errDamaged)
	}
	return sum, err
}

// Close ends it. What was committed is on disk.
func (s *Store) Close() error {
	var errs []error
	for _, db := range []*sql.DB{s.read, s.write} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	s.lock.release()
	return errors.Join(errs...)
}
