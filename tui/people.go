package tui

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"parley.lan/node"
	"parley.lan/room"
	"parley.lan/tell"
)

// people is how those are heard who are here; the teller knows who is.
type people struct {
	*tell.Teller
	self    room.NodeID
	talking map[room.NodeID]bool
	levels  map[room.NodeID]uint8 // -dBov, of those who talk
	quality map[room.NodeID]node.VoiceQuality
	volumes map[room.NodeID]int // percent, where it isn't 100
}

func newPeople(t *tell.Teller) *people {
	return &people{
		Teller: t, self: t.Self(), talking: map[room.NodeID]bool{}, levels: map[room.NodeID]uint8{},
		quality: map[room.NodeID]node.VoiceQuality{}, volumes: map[room.NodeID]int{},
	}
}

// settle forgets who talked and is here no more.
func (p *people) settle() {
	for id := range p.talking {
		if _, here := p.Members[id]; !here {
			delete(p.talking, id)
		}
	}
}

func (p *people) gone(id room.NodeID) {
	delete(p.talking, id)
	delete(p.levels, id)
	delete(p.quality, id)
}

// label is a member's name on the screen.
func (p *people) label(m room.Member) string {
	if m.ID.IsZero() { // a plain guest of the past
		return room.CleanText(room.Label(m, func(func(room.Member) bool) {}))
	}
	return room.CleanText(p.Label(m))
}

// sorted is everybody, by name.
func (p *people) sorted() []room.Member {
	return slices.SortedFunc(maps.Values(p.Members), func(a, b room.Member) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(string(a.ID[:]), string(b.ID[:])))
	})
}

func (p *people) list() []room.Member { return slices.Collect(maps.Values(p.Members)) }

const peopleColumn = 24 // columns that the list of members takes

// rows draws the list: one line each, the talking ones marked. When not all fit, the last line tells how many more there are.
func (p *people) rows(width, height int, c cells, t *theme) []string {
	if height <= 0 {
		return nil
	}
	all := p.sorted()
	out := make([]string, 0, height)
	out = append(out, paint(t.dim, c.pad(" "+tell.Plural(len(all), "person is here", "people are here"), width)))
	for i, m := range all {
		if len(out) == height-1 && i < len(all)-1 {
			out = append(out, paint(t.dim, c.pad("   and "+tell.Plural(len(all)-i, "other", "others"), width)))
			break
		}
		if len(out) == height {
			break
		}
		out = append(out, p.row(m, width, c, t))
	}
	for len(out) < height {
		out = append(out, c.pad("", width))
	}
	return out
}

// row draws one member: "● Ada          host ▂▄▆".
func (p *people) row(m room.Member, width int, c cells, t *theme) string {
	right, rightSGR := p.does(m, true), t.dim
	lead, sgr := "  ", t.person(m.ID)
	if m.ID == p.self {
		sgr = t.bold
	}
	switch {
	case p.talking[m.ID]:
		lead, rightSGR = "● ", t.talking
		if level, known := p.levels[m.ID]; known {
			right = join(" ", p.does(m, false), bars(level, 5))
		}
	case m.Muted:
		lead = "× "
	}
	if right != "" {
		right = " " + right
	}
	space := max(0, width-1-c.width(lead)-c.width(right))
	name := c.pad(p.label(m), space)
	return c.pad(" "+paint(rightIf(p.talking[m.ID], t.talking, t.dim), lead)+paint(sgr, name)+paint(rightSGR, right), width)
}

func rightIf(on bool, yes, no string) string {
	if on {
		return yes
	}
	return no
}

// does tells in a word or two what is to be known of a member; link: how well its voice arrives, too.
func (p *people) does(m room.Member, link bool) string {
	var words []string
	if m.Recording {
		words = append(words, "rec")
	}
	if m.ID == p.Host.ID {
		words = append(words, "host")
	}
	if v, changed := p.volumes[m.ID]; changed && v == 0 {
		words = append(words, "unheard")
	}
	if q := p.link(m.ID); q != "" && link {
		words = append(words, q)
	}
	return strings.Join(words, " ")
}

// link tells how well somebody's voice arrives, when that isn't good: of the frames of the last seconds so many were lost or late.
func (p *people) link(id room.NodeID) string {
	q, known := p.quality[id]
	all := q.Received + q.Lost
	if !known || all == 0 {
		return ""
	}
	bad := float64(q.Lost+q.Late) / float64(all)
	switch {
	case bad > 0.1:
		return "▂"
	case bad > 0.02:
		return "▂▄"
	}
	return "▂▄▆"
}
