package node

import (
	"testing"

	"parley.lan/relay"
	"parley.lan/room"
)

// The node may move to another host while the loop has not yet taken what the old one told. The new host's log holds
// the same then, so it sends nothing.
func TestWhatALinkBroughtIsShownAfterTheLinkIsGone(t *testing.T) {
	n, err := New(Config{Name: "ada", Room: "lobby", StateDir: t.TempDir(), Ifaces: []string{"lo"}})
	if err != nil {
		t.Fatal(err)
	}
	n.settled = true
	id, err := n.say(request{text: "hello"})
	if err != nil {
		t.Fatal(err)
	}
	waiting, _, _ := n.outbox.After(0)
	n.log.Append(waiting[0], room.NodeID{1})
	n.told(told{&link{}, relay.Arrived{Last: id}})
	if !n.toShow {
		t.Fatal("nothing is to be shown")
	}
	n.show()
	if waiting, _, _ := n.outbox.After(0); len(waiting) != 0 {
		t.Error("the message is still pending")
	}
}
