package history

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
)

// applicationID marks the file as ours in its header ("PRLY"); version counts changes of the schema.
const (
	applicationID = 0x50524c59
	version       = 1
)

// What must be counted over all of a room's messages stands in rooms and runs, changed in the same transaction
// as the messages, so that opening reads none of them but the newest. A stamp is its HLC, host and n in
// big-endian: blobs then compare as stamps do. mark guards each row against bits that flip.
const schema = `
CREATE TABLE rooms (
	room   INTEGER PRIMARY KEY,
	name   TEXT NOT NULL UNIQUE,
	count  INTEGER NOT NULL,
	bytes  INTEGER NOT NULL,
	digest BLOB NOT NULL,
	floor  INTEGER NOT NULL,
	mark   BLOB NOT NULL
) STRICT;
CREATE TABLE runs (
	run    INTEGER PRIMARY KEY,
	room   INTEGER NOT NULL,
	author BLOB NOT NULL,
	number INTEGER NOT NULL,
	count  INTEGER NOT NULL,
	low    INTEGER NOT NULL,
	high   INTEGER NOT NULL,
	sum    INTEGER NOT NULL,
	mark   BLOB NOT NULL,
	UNIQUE (room, author, number)
) STRICT;
CREATE TABLE messages (
	message INTEGER PRIMARY KEY,
	id      BLOB NOT NULL,
	room    INTEGER NOT NULL,
	stamp   BLOB NOT NULL,
	run     INTEGER NOT NULL,
	seq     INTEGER NOT NULL,
	body    BLOB NOT NULL,
	sig     BLOB NOT NULL,
	mark    BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX message_by_id ON messages (id);
CREATE INDEX message_by_stamp ON messages (room, stamp, id);
CREATE INDEX message_by_run ON messages (run, seq);
CREATE TABLE outbox (
	put  INTEGER PRIMARY KEY,
	id   BLOB NOT NULL UNIQUE,
	room INTEGER NOT NULL,
	body BLOB NOT NULL,
	sig  BLOB NOT NULL
) STRICT;
CREATE VIRTUAL TABLE words USING fts5(text, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2');
`

// path is where the database of a folder is.
func path(dir string) string { return filepath.Join(dir, fileName) }

// dsn is a file as the driver wants it named.
func dsn(path string, query string) string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: query}).String()
}

// openFile opens the database for one connection that writes, making the file and its tables where they are
// missing.
func openFile(ctx context.Context, path string) (*sql.DB, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) // SQLite gives the log beside it the same mode
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err == nil && info.Mode().Perm()&0o077 != 0 {
		f.Chmod(0o600)
	}
	f.Close()
	db, err := sql.Open("sqlite", dsn(path, fmt.Sprintf(
		"mode=rw&_pragma=busy_timeout(%d)&_pragma=cell_size_check(1)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=journal_size_limit(4194304)&_txlock=immediate", busyTime)))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if err := prepare(ctx, db); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// prepare checks that the file is ours, and makes the tables of a new one.
func prepare(ctx context.Context, db *sql.DB) error {
	var app, have, tables int
	for query, to := range map[string]*int{
		"PRAGMA application_id": &app, "PRAGMA user_version": &have, "SELECT count(*) FROM sqlite_schema": &tables,
	} {
		if err := db.QueryRowContext(ctx, query).Scan(to); err != nil {
			return err
		}
	}
	switch {
	case tables == 0 && app == 0 && have == 0:
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if _, err := tx.ExecContext(ctx, fmt.Sprintf("%s PRAGMA application_id = %d; PRAGMA user_version = %d;", schema, applicationID, version)); err != nil {
			return err
		}
		return tx.Commit()
	case app != applicationID:
		return fmt.Errorf("%w: it is of another program", errDamaged)
	case have > version:
		return errNewer
	}
	return nil
}

// openReaders opens the database for those who read.
func openReaders(path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn(path, fmt.Sprintf("mode=rw&_pragma=busy_timeout(%d)&_pragma=cell_size_check(1)&_pragma=query_only(1)", busyTime)))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(readers)
	return db, nil
}
