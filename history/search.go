package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
	"unicode"

	"parley.lan/room"
)

// Query says what somebody wants to read.
type Query struct {
	Words string    // all of them must begin a word of the text; private messages are not searched
	Since time.Time // zero: from the beginning
	Limit int       // the newest so many, of a search those that came last; 0: all
}

// Read reads the history of a room from a state folder, oldest first, whether a node uses the folder or not. The
// error is fs.ErrNotExist when there is none, and nobody need be told.
func Read(ctx context.Context, dir, roomName string, q Query) ([]*room.Entry, error) {
	if info, err := os.Stat(path(dir)); err != nil || info.Size() == 0 {
		return nil, fs.ErrNotExist
	}
	got, err := readFrom(ctx, path(dir), "mode=rw", roomName, q)
	if err != nil && !damaged(err) && !errors.Is(err, fs.ErrNotExist) { // a folder that can't be written: nobody else writes either
		got, err = readFrom(ctx, path(dir), "mode=ro&immutable=1", roomName, q)
	}
	switch {
	case err == nil || errors.Is(err, fs.ErrNotExist) || ctx.Err() != nil:
		return got, err
	case damaged(err):
		return nil, errors.New("the history on this machine is damaged: a node that starts here keeps it aside and begins a new one")
	}
	return nil, fmt.Errorf("can't read the history on this machine: %s", plainly(err))
}

func readFrom(ctx context.Context, path, mode, roomName string, q Query) ([]*room.Entry, error) {
	db, err := sql.Open("sqlite", dsn(path, fmt.Sprintf("%s&_pragma=busy_timeout(%d)&_pragma=query_only(1)", mode, busyTime)))
	if err != nil {
		return nil, err
	}
	defer db.Close()
	var app int
	if err := db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&app); err != nil {
		return nil, err
	}
	if app != applicationID {
		return nil, errDamaged
	}
	var id, count int64
	err = db.QueryRowContext(ctx, "SELECT room, count FROM rooms WHERE name = ?", roomName).Scan(&id, &count)
	if errors.Is(err, sql.ErrNoRows) || err == nil && count == 0 {
		return nil, fs.ErrNotExist
	}
	if err != nil {
		return nil, err
	}
	since, limit := packStamp(room.Stamp{HLC: room.Reading(q.Since)}), q.Limit
	if limit <= 0 {
		limit = -1
	}
	var rows *sql.Rows
	if strings.TrimSpace(q.Words) == "" {
		rows, err = db.QueryContext(ctx, "SELECT "+columns+" FROM messages m WHERE m.room = ? AND m.stamp >= ? ORDER BY m.stamp DESC, m.id DESC LIMIT ?", id, since, limit)
	} else {
		match := matchAll(q.Words)
		if match == "" {
			return nil, nil // nothing that could stand in a text as a word
		}
		// The index can go backwards by arrival alone, which lets it end early; CROSS keeps SQLite from walking
		// the messages instead and asking the index about each.
		rows, err = db.QueryContext(ctx, "SELECT "+columns+` FROM words CROSS JOIN messages m ON m.message = words.rowid
			WHERE words MATCH ? AND m.room = ? AND m.stamp >= ? ORDER BY words.rowid DESC LIMIT ?`, match, id, since, limit)
	}
	got, err := scan(rows, err, roomName)
	slices.SortFunc(got, (*room.Entry).Compare)
	return got, err
}

// words divides a text as the index does: letters, marks and digits make words, all else parts them.
func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool {
		return r == unicode.ReplacementChar || !(unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsNumber(r) || unicode.Is(unicode.Co, r))
	})
}

// maxWords bounds a search, whose time grows with it.
const maxWords = 32

// matchAll writes words as an expression of FTS5 (sqlite.org/fts5.html section 3): each a quoted string, so that
// nothing in it means anything, each the beginning of a word, all of them. Empty: there is no word.
func matchAll(s string) string {
	found := words(strings.ToValidUTF8(s, " "))
	for i, w := range found {
		found[i] = `"` + w + `"*`
	}
	return strings.Join(found[:min(len(found), maxWords)], " ")
}

// Matches tells whether a text holds all the words, as a search in the file would, but for accents.
func Matches(text, search string) bool {
	have := words(strings.ToLower(text))
	wanted := words(strings.ToLower(search))
	for _, w := range wanted {
		if !slices.ContainsFunc(have, func(h string) bool { return strings.HasPrefix(h, w) }) {
			return false
		}
	}
	return len(wanted) > 0 || strings.TrimSpace(search) == ""
}
