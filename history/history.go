// Package history is the log on disk: one SQLite file in the state folder, with the conversations of the rooms
// that a node has been in, an index of their words, and one's own messages that still wait for a host.
//
// Store is the open database, which a room.Log reads. Keeper opens it, follows the log and writes what arrives,
// a group at a time, and sees to a file that is damaged, a disk that is full and another process that has the
// file. Read is for those who only look.
package history

import (
	"errors"
	"io/fs"
	"time"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// Every size and timer, on one screen.
const (
	group      = 512                   // entries in one transaction, at most
	groupTime  = 20 * time.Millisecond // for a group to gather after its first entry: what a crash may cost
	retryTime  = 30 * time.Second      // after the disk did not take it
	pruneGroup = 500                   // entries deleted in one transaction
	keptAside  = 9                     // damaged files kept; the ninth gives way
	busyTime   = 5000                  // ms that a writer waits for a reader's checkpoint, or the other way round
	readers    = 4                     // connections that read beside the one that writes
	checkAfter = 10 * time.Second      // the whole file is looked over so long after the start
)

const (
	fileName = "history.db"
	lockName = "history.lock"
)

var (
	errDamaged = errors.New("the file is damaged")
	errNewer   = errors.New("it was written by a newer version of this program")
	errInUse   = errors.New("another node uses this state folder")
)

// damaged tells whether err means that the file itself is no good, as opposed to a disk that is full or a folder
// that can't be written.
func damaged(err error) bool {
	if errors.Is(err, errDamaged) {
		return true
	}
	var fault *sqlite.Error
	if !errors.As(err, &fault) {
		return false
	}
	switch code := fault.Code(); code & 0xff {
	case lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB, lib.SQLITE_ERROR, lib.SQLITE_CONSTRAINT, lib.SQLITE_MISMATCH, lib.SQLITE_FORMAT:
		return true
	case lib.SQLITE_IOERR:
		return code == lib.SQLITE_IOERR_SHORT_READ
	}
	return false
}

// plainly says for a person why the file can't be used.
func plainly(err error) string {
	var fault *sqlite.Error
	var path *fs.PathError
	switch {
	case errors.As(err, &fault):
		switch fault.Code() & 0xff {
		case lib.SQLITE_FULL:
			return "the disk is full"
		case lib.SQLITE_READONLY:
			return "the state folder is read-only"
		case lib.SQLITE_CANTOPEN:
			return "the file can't be opened"
		case lib.SQLITE_IOERR:
			return "the disk reports an error"
		case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
			return "another program holds the file"
		}
	case errors.As(err, &path):
		return path.Err.Error()
	}
	return err.Error()
}
