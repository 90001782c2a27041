package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"parley.lan/command"
	"parley.lan/node"
	"parley.lan/room"
	"parley.lan/tell"
)

const (
	textColumn = len("15:04 ") + nameColumn + len("  ") // where the text of a line begins
	minText    = 20                                     // a screen with less space for text breaks lines itself
)

// clockSkew is how far ahead of ours an author's clock may be before we show our own time instead.
const clockSkew = 2 * time.Minute

// message shows a message, unless it stands on the screen already as its author typed it.
func (f *lineFace) message(now time.Time, e node.Message) {
	if i := slices.IndexFunc(f.pending, func(w waiting) bool { return w.pending.ID == e.ID }); i >= 0 {
		marked := f.pending[i].marked
		f.pending = slices.Delete(f.pending, i, i+1)
		if f.look.echoed && !marked {
			return
		}
	}
	if e.Late && !e.Mine {
		f.late(now, e)
		return
	}
	at, mark := e.Sent.Local(), ""
	if e.Sent.IsZero() || e.Sent.After(now.Add(clockSkew)) {
		at = now
	}
	switch {
	case e.Late:
		mark = fmt.Sprintf("[late, from %s] ", tell.Moment(at, now))
		at = now
	case !f.day.IsZero() && at.Before(f.day): // days only go forward
		mark = fmt.Sprintf("[%s] ", tell.Moment(at, now))
		at = now
	}
	f.said(at, e, mark)
}

// said puts a message's line, at a time and with a mark before its text.
func (f *lineFace) said(at time.Time, e node.Message, mark string) {
	text := mark + command.Shown(e.Text)
	switch {
	case e.Private && e.Mine && e.To != nil:
		text = fmt.Sprintf("[private to %s] %s", e.To.Name, text)
	case e.Private:
		text = "[private] " + text
	}
	author := room.Member{ID: e.From.ID, Name: e.From.Name, Plain: e.Plain}
	sgr := colourOf(author.ID)
	if e.Mine {
		sgr = sgrBold
	}
	f.line(at, sgr, f.Label(author), text)
}

// note is a line about the room, not of it.
func (f *lineFace) note(now time.Time, format string, args ...any) {
	f.line(now, sgrDim, "*", fmt.Sprintf(format, args...))
}

// line puts one line: time, who, what. Everything that others wrote passes here on its way to the screen, and
// is cleaned here.
func (f *lineFace) line(at time.Time, sgr, who, text string) {
	at = at.Local()
	if day := tell.Midnight(at); f.day.Before(day) {
		f.day = day
		f.put([]byte(f.look.paint(sgrDim, "--- "+at.Format("Monday, 2 January 2006")+" ---") + "\n"))
	}
	who, text = room.CleanText(who), room.CleanText(text)
	column := fit(who, nameColumn)
	if f.look.columns != nil {
		before := textColumn + max(0, mostCells(column)-nameColumn)
		if room := f.look.columns() - before; room >= minText {
			text = wrap(text, room, strings.Repeat(" ", textColumn))
		}
	}
	if sgr == sgrDim || sgr == sgrRed {
		text = f.look.paint(sgr, text)
	}
	f.put([]byte(f.look.paint(sgrDim, at.Format("15:04")) + " " + f.look.paint(sgr, column) + "  " + text + "\n"))
}
