package cli

import (
	"bytes"
	"testing"

	"parley.lan/internal/termtest"
	"parley.lan/node"
	"parley.lan/room"
)

// TestHostileTextInATerminal: whatever others are called and say, a terminal shows text and nothing else, each line in its rows.
func TestHostileTextInATerminal(t *testing.T) {
	const cols = 60
	termtest.Hostility{Cols: cols, LongWords: true, Render: func(name, text string) []byte {
		var b bytes.Buffer
		l := look{colour: true, terminal: true, columns: func() int { return cols }}
		f := newLineFace(l, func() room.NodeID { return id(1) }, func(line []byte) { b.Write(line) })
		f.show(storyStart, node.MemberJoined{Member: room.Member{ID: id(2), Name: name}})
		f.show(storyStart, node.Message{From: person(2, name), Text: text, Sent: storyStart})
		f.show(storyStart, node.Error{Error: "refused", Hint: name})
		return b.Bytes()
	}}.Check(t)
}
