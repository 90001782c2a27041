package tui

import (
	"strings"
	"time"

	"parley.lan/command"
	"parley.lan/node"
	"parley.lan/room"
)

// place is where an item stands. Messages stand where the room's order puts them; what is only told here, and what waits for a
// place, comes behind what was there already.
type place struct {
	order uint64 // of messages
	seq   uint64 // in the order of coming
}

func (p place) before(q place) bool {
	return p.order < q.order || p.order == q.order && p.seq < q.seq
}

// kind of an item.
type kind uint8

const (
	said    kind = iota
	note         // about the room, not of it
	trouble      // what went wrong
)

// item is one thing in the conversation.
type item struct {
	place
	kind
	at      time.Time
	id      room.ID // of a message
	from    room.Member
	to      string // of a private one: whom it is for, when it is one's own
	text    string
	mine    bool
	history bool // said before this node came
	private bool
	mention bool // of one's own name
	found   bool // a search has led here
	late    bool // came after younger ones
	loose   bool // others may be missing before it
	pending bool // has no place in the room's order yet
	slow    bool // and that takes long

	drawn []string // for look; nil: not yet
	look  look
}

// look is all that the drawing of an item depends on, but for itself.
type look struct {
	width int
	theme *theme
	cells cells
	label string
}

const (
	timeColumn = len("15:04 ")
	nameColumn = 12
	textColumn = timeColumn + nameColumn + 2
	namesFrom  = 78 // columns of the conversation from which names have one of their own
	timesFrom  = 46 // and times
)

// lines draws the item, each line filled to the width.
func (it *item) lines(l look) []string {
	if it.drawn != nil && it.look == l {
		return it.drawn
	}
	it.look = l
	it.drawn = it.draw(l)
	return it.drawn
}

func (it *item) draw(l look) []string {
	who, sgr, text := it.words(l)
	var r rich
	who = l.name(who, max(1, min(nameColumn, l.width/3)))
	prefix, indent := "", min(2, l.width-1)
	if l.width >= timesFrom {
		prefix, indent = paint(l.theme.dim, it.at.Format("15:04"))+" ", timeColumn
	}
	if l.width >= namesFrom {
		prefix, indent = prefix+paint(sgr, l.cells.padLeft(who, nameColumn))+"  ", textColumn
	} else {
		r.add(who, sgr)
		if it.kind == said {
			r.add(":", "")
		}
		r.add(" ", "")
	}
	it.mark(&r, l.theme)
	r.addLinked(text, it.dress(l.theme), l.theme.link)
	switch {
	case it.slow:
		r.add(" (not delivered yet)", l.theme.dim)
	case it.pending:
		r.add(" …", l.theme.dim)
	}
	lines := r.wrap(l.cells, l.width, indent, prefix == "")
	for i, line := range lines {
		switch {
		case i == 0 && prefix != "":
			line = prefix + line
		case i > 0:
			line = strings.Repeat(" ", indent) + line
		}
		lines[i] = l.cells.pad(line, l.width)
	}
	return lines
}

// name cuts a name to n columns. The beginning of an id behind it stays, for it tells two of one name apart.
func (l look) name(who string, n int) string {
	if i := strings.LastIndexByte(who, '#'); i > 0 && l.cells.width(who) > n && l.cells.width(who[i:]) < n {
		return l.cells.clip(who[:i], n-l.cells.width(who[i:])) + who[i:]
	}
	return l.cells.clip(who, n)
}

// words gives who speaks, in which dress, and what is said.
func (it *item) words(l look) (who, sgr, text string) {
	switch it.kind {
	case note:
		return "*", l.theme.dim, it.text
	case trouble:
		return "!", l.theme.trouble, it.text
	}
	sgr = l.theme.person(it.from.ID)
	if it.mine {
		sgr = l.theme.bold
	}
	return l.label, sgr, command.Shown(it.text)
}

// dress is that of the text.
func (it *item) dress(t *theme) string {
	switch {
	case it.kind == note, it.pending:
		return t.dim
	case it.kind == trouble:
		return t.trouble
	case it.found:
		return t.chosen
	case it.mention:
		return t.mention
	}
	return ""
}

// mark puts what stands before a message's text.
func (it *item) mark(r *rich, t *theme) {
	if it.late {
		r.add("[late] ", t.dim)
	}
	switch {
	case it.private && it.mine:
		r.add("[to "+it.to+"] ", t.private)
	case it.private:
		r.add("[private] ", t.private)
	}
}

// itemOf makes an item of a message.
func itemOf(e node.Message, at time.Time) *item {
	it := &item{
		kind: said, at: at, id: e.ID, text: room.CleanText(e.Text), mine: e.Mine, private: e.Private, late: e.Late && !e.Mine && !e.History, history: e.History, loose: e.Late,
		from: room.Member{ID: e.From.ID, Name: room.CleanText(e.From.Name), Plain: e.Plain},
	}
	it.order = e.Order
	if e.To != nil {
		it.to = room.CleanText(e.To.Name)
	}
	return it
}
