package tui

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"time"

	"parley.lan/room"
	"parley.lan/tell"
)

const (
	mostItems = 5000 // in memory; older messages are fetched again as one scrolls up to them
	pageItems = 200  // fetched at a time
	awaiting  = math.MaxUint64
)

// conversation is what has been said and told, in order. It is a value without a terminal: what of it is seen is asked by lines.
type conversation struct {
	items  []*item
	byID   map[room.ID]*item
	seq    uint64
	newest uint64 // the greatest order of a message
	unread *item  // the first that came while nobody looked last; nil: none
	begun  bool   // there is nothing older to be fetched

	top    *item // the first on the screen; nil: the end of the conversation is shown, and follows what comes
	hidden int   // lines of it that are above the screen
}

func newConversation() *conversation {
	return &conversation{byID: map[room.ID]*item{}}
}

// add puts an item in its place. A message that waited for one leaves where it stood.
func (c *conversation) add(it *item) {
	if it.history && it.order > c.newest { // what has been told here since the start came after it
		from := len(c.items)
		for from > 0 && c.items[from-1].kind != said && c.items[from-1].at.After(it.at) {
			from--
		}
		notes := slices.Clone(c.items[from:])
		c.items = c.items[:from]
		defer func() {
			for _, n := range notes {
				c.add(n)
			}
		}()
	}
	first := c.newest == 0
	c.seq++
	it.seq = c.seq
	switch {
	case it.kind != said && c.newest == 0: // by our clock, until there is a message to stand behind
		it.order = uint64(it.at.UnixMilli()) << 16
	case it.kind != said:
		it.order = c.newest
	case it.pending:
		it.order = awaiting
	case it.order == 0: // its place isn't known
		it.order = c.newest
	}
	if it.kind == said {
		if old := c.byID[it.id]; old != nil {
			if !old.pending {
				return // known already
			}
			c.remove(old)
		}
		c.byID[it.id] = it
		if !it.pending {
			c.newest = max(c.newest, it.order)
		}
	}
	if it.kind == said && !it.pending && !it.history && first { // our clock may be ahead of the host's
		for _, n := range c.items {
			if n.kind != said {
				n.order = min(n.order, it.order)
			}
		}
	}
	at := len(c.items)
	if at > 0 && it.before(c.items[at-1].place) {
		at = sort.Search(at, func(i int) bool { return it.before(c.items[i].place) })
	}
	c.items = slices.Insert(c.items, at, it)
	if len(c.items) > mostItems && c.top == nil && !it.history || len(c.items) > 5*mostItems {
		c.forget(mostItems / 10)
	}
}

func (c *conversation) remove(it *item) {
	at := c.index(it)
	if c.top == it {
		if at+1 < len(c.items) {
			c.top, c.hidden = c.items[at+1], 0
		} else {
			c.top = nil
		}
	}
	if c.unread == it {
		c.unread = nil
	}
	c.items = slices.Delete(c.items, at, at+1)
	delete(c.byID, it.id)
}

// forget drops the n oldest.
func (c *conversation) forget(n int) {
	for _, it := range c.items[:n] {
		if it.kind == said {
			delete(c.byID, it.id)
		}
		if c.unread == it {
			c.unread = nil
		}
	}
	c.items = slices.Delete(c.items, 0, n)
	c.begun = false
}

func (c *conversation) index(it *item) int {
	return sort.Search(len(c.items), func(i int) bool { return !c.items[i].before(it.place) })
}

// oldest is the first message before which the older ones are missing here: what came before it is asked for by its id.
func (c *conversation) oldest() room.ID {
	for _, it := range c.items {
		if it.kind == said && !it.pending && !it.loose {
			return it.id
		}
	}
	return room.ID{}
}

// drawing turns items into lines.
type drawing struct {
	look
	label func(room.Member) string
	now   time.Time
}

// lines draws the item at index i, with what stands above it: a new day, where one had read up to, where late ones begin.
func (c *conversation) lines(i int, d *drawing) []string {
	it := c.items[i]
	var above []string
	if i == 0 && c.begun {
		above = append(above, d.rule("here the conversation begins", d.theme.dim))
	}
	if i == 0 && it.at.Before(tell.Midnight(d.now)) || i > 0 && tell.Midnight(it.at).After(tell.Midnight(c.items[i-1].at)) {
		above = append(above, d.rule(it.at.Format("Monday, 2 January 2006"), d.theme.dim))
	}
	if it == c.unread && i > 0 {
		above = append(above, d.rule("new", d.theme.bold))
	}
	if it.late && (i == 0 || !c.items[i-1].late) {
		if words := c.lateOnes(i, d.now); words != "" {
			above = append(above, d.rule(words, d.theme.dim))
		}
	}
	l := d.look
	if it.kind == said {
		l.label = d.label(it.from)
	}
	own := it.lines(l)
	if len(above) == 0 {
		return own
	}
	return append(above, own...)
}

// lateOnes tells how many late messages stand together from i on; nothing of a single one.
func (c *conversation) lateOnes(i int, now time.Time) string {
	n := 0
	for n < len(c.items)-i && c.items[i+n].late {
		n++
	}
	if n < 2 {
		return ""
	}
	return fmt.Sprintf("%d messages from the other half, %s", n, tell.Between(c.items[i].at, c.items[i+n-1].at, now))
}

// rule is a line across, with words in it.
func (d *drawing) rule(words, sgr string) string {
	words = " " + words + " "
	left := max(0, (d.width-d.cells.width(words))/2)
	row := ""
	for range left {
		row += "─"
	}
	row += words
	for range d.width - left - d.cells.width(words) {
		row += "─"
	}
	return paint(sgr, d.cells.pad(row, d.width))
}
