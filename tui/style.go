package tui

import (
	"hash/fnv"

	"parley.lan/room"
)

// theme is how things are dressed, as parameters of Select Graphic Rendition (ECMA-48). Nothing is told by colour alone: where
// there is none, the words and marks say the same.
type theme struct {
	bar     string // of the room's line and of titles
	dim     string
	bold    string
	trouble string
	talking string
	private string
	mention string
	link    string
	chosen  string
	people  []string
}

var dark = theme{
	bar: "1;7", dim: "90", bold: "1", trouble: "91", talking: "92", private: "95", mention: "1;93", link: "4;96", chosen: "7",
	people: []string{"92", "93", "94", "95", "96", "32", "33", "36", "38;5;208", "38;5;177"},
}

var light = theme{
	bar: "1;7", dim: "38;5;242", bold: "1", trouble: "31", talking: "32", private: "35", mention: "1;35", link: "4;34", chosen: "7",
	people: []string{"32", "34", "35", "36", "38;5;94", "38;5;130", "38;5;28", "38;5;25", "38;5;90", "38;5;23"},
}

// paint dresses s. What is in s must not end the dress by itself.
func paint(sgr, s string) string {
	if sgr == "" || s == "" {
		return s
	}
	return "\x1b[" + sgr + "m" + s + "\x1b[m"
}

// person gives somebody one colour for good.
func (t *theme) person(id room.NodeID) string {
	h := fnv.New32a()
	h.Write(id[:])
	return t.people[h.Sum32()%uint32(len(t.people))]
}

// bars draws a level in -dBov (RFC 6464) over n columns: 60 dB below the loudest is nothing.
func bars(level uint8, n int) string {
	const floor = 60
	full := 0
	if level < floor {
		full = min(n, (floor-int(level))*n/(floor-8)+1)
	}
	b := make([]rune, n)
	for i := range b {
		b[i] = '·'
		if i < full {
			b[i] = '▮'
		}
	}
	return string(b)
}
