package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// lock keeps a second process away from the file, not those who only read it. It is a transaction held open on
// an empty database of its own, and so works wherever SQLite does and ends with the process.
type lock struct {
	db   *sql.DB
	conn *sql.Conn
}

func takeLock(ctx context.Context, path string) (*lock, error) {
	db, err := sql.Open("sqlite", dsn(path, "_pragma=busy_timeout(0)"))
	if err != nil {
		return nil, err
	}
	l := &lock{db: db}
	if l.conn, err = db.Conn(ctx); err == nil {
		_, err = l.conn.ExecContext(ctx, "BEGIN EXCLUSIVE")
	}
	if err == nil {
		return l, nil
	}
	l.release()
	var fault *sqlite.Error
	if errors.As(err, &fault) && fault.Code()&0xff == lib.SQLITE_BUSY {
		return nil, errInUse
	}
	if damaged(err) { // somebody wrote into it; it never holds anything
		return nil, fmt.Errorf("%s is no lock: delete it", path)
	}
	return nil, err
}

func (l *lock) release() {
	if l.conn != nil {
		l.conn.Close()
	}
	l.db.Close()
}
