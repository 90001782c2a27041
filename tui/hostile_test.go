package tui

import (
	"testing"

	"github.com/charmbracelet/x/ansi"

	"parley.lan/internal/termtest"
	"parley.lan/node"
	"parley.lan/room"
)

// TestHostileTextInAScreen: whatever others are called and say, each row of the screen stays where it is, and nothing but text
// comes to the terminal.
func TestHostileTextInAScreen(t *testing.T) {
	for _, c := range []struct {
		name     string
		counting termtest.Counting
		method   ansi.Method
	}{{"clusters", termtest.Clusters, ansi.GraphemeWidth}, {"code points", termtest.CodePoints, ansi.WcWidth}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			const cols, rows = 90, 14
			termtest.Hostility{Cols: cols, Links: true, Counting: c.counting, Render: func(name, text string) []byte {
				s := newStage(cols, rows)
				s.cells.method = c.method
				eve := room.Member{ID: id(2), Name: name}
				s.node.members = []room.Member{ada, eve}
				s.happens(
					node.Joined{Room: "lobby", Host: node.HostInfo{Person: node.Person{ID: eve.ID, Name: name}}, Members: s.node.members},
					node.Speaking{Member: eve, On: true},
					node.Error{Error: "refused", Hint: name},
					s.said(eve, text),
				)
				return []byte(s.View().Content)
			}}.Check(t)
		})
	}
}
