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
	floor  uint64 // the greatest HLC that was pruned
	runs   map[room.RunKey]run
	doomed []*room.Entry // forgotten by the log, and still to be deleted
	outbox map[room.ID]bool
}

// run is a line of the table of runs.
type run struct {
	row int64
	room.Range
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
	_, err := s.write.ExecContext(ctx, "INSERT OR IGNORE INTO rooms (name, count, bytes, digest, floor, mark) VALUES (?, 0, 0, zeroblob(32), 0, ?)",
		s.roomName, markNumbers(s.totals.Digest[:], 0, 0, 0))
	if err != nil {
		return err
	}
	var digest, want []byte
	var floor int64
	row := s.write.QueryRowContext(ctx, "SELECT room, count, bytes, digest, floor, mark FROM rooms WHERE name = ?", s.roomName)
	if err := row.Scan(&s.room, &s.totals.Count, &s.totals.Bytes, &digest, &floor, &want); err != nil {
		return readable(err)
	}
	s.floor = uint64(floor)
	if copy(s.totals.Digest[:], digest) != len(s.totals.Digest) ||
		!bytes.Equal(want, markNumbers(digest, int64(s.totals.Count), int64(s.totals.Bytes), floor)) {
		return fmt.Errorf("%w: the room's sums make no sense", errDamaged)
	}
	rows, err := s.write.QueryContext(ctx, "SELECT run, author, number, count, low, high, sum, mark FROM runs WHERE room = ?", s.room)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var r run
		var author, want []byte
		var number, low, high, sum int64
		if err := rows.Scan(&r.row, &author, &number, &r.Count, &low, &high, &sum, &want); err != nil {
			return readable(err)
		}
		if len(author) != len(room.NodeID{}) {
			return fmt.Errorf("%w: a run makes no sense", errDamaged)
		}
		r.Low, r.High, r.Sum = uint64(low), uint64(high), uint64(sum)
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
	sum := room.Summary{Totals: s.totals, Runs: room.Vector{}, Floor: s.floor}
	for key, r := range s.runs {
		sum.Runs[key] = r.Range
	}
	var err error
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
