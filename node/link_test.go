package node

import (
	"fmt"
	"testing"
	"time"

	"parley.lan/identity"
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
	id, err := n.say(words{text: "hello"})
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

// What the other half of a split room has said comes late, after one warning; what a change of host has held up is late
// without one.
func TestTheOtherHalfIsAnnouncedOnce(t *testing.T) {
	n, err := New(Config{Name: "ada", Room: "lobby", StateDir: t.TempDir(), Ifaces: []string{"lo"}})
	if err != nil {
		t.Fatal(err)
	}
	n.settled = true
	bob, err := identity.New()
	if err != nil {
		t.Fatal(err)
	}
	seq := uint64(0)
	past := false
	hear := func(ago time.Duration) {
		seq++
		e, err := room.Sign(bob.Key, room.Message{Room: "lobby", Run: 1, Seq: seq, Kind: room.Text, Name: "bob", Text: "hello"})
		if err != nil {
			t.Fatal(err)
		}
		e = e.Stamped(room.Stamp{HLC: room.Reading(time.Now().Add(-ago)), Host: room.NodeID{1}, N: seq})
		if past {
			n.log.AddPast(e)
		} else {
			n.log.Add(e)
		}
		n.told(told{&link{}, relay.Arrived{Last: e.ID}})
		n.show()
	}
	for _, ago := range []time.Duration{0, time.Second, 10 * time.Second, 9 * time.Second} {
		hear(ago)
	}
	past = true // what completes the history is not shown at all
	hear(time.Hour)
	var got []string
	for _, e := range n.queue {
		got = append(got, e.Type())
		if m, ok := e.(Message); ok && m.Late {
			got[len(got)-1] = "late"
		}
	}
	if fmt.Sprint(got) != "[message late reunited late late]" {
		t.Errorf("told %v", got)
	}
}

// A message is safe only after it is delivered, whichever word comes first, and then once.
func TestSafeComesAfterDelivered(t *testing.T) {
	n, err := New(Config{Name: "ada", Room: "lobby", StateDir: t.TempDir(), Ifaces: []string{"lo"}})
	if err != nil {
		t.Fatal(err)
	}
	n.settled = true
	for range 2 {
		if _, err := n.say(words{text: "hello"}); err != nil {
			t.Fatal(err)
		}
	}
	waiting, _, _ := n.outbox.After(0)
	deliver := func(e *room.Entry) {
		n.log.Append(e, room.NodeID{1})
		n.told(told{&link{}, relay.Arrived{Last: e.ID}})
		n.show()
	}
	first, second := waiting[0], waiting[1]
	deliver(first)
	safe := relay.Safe{IDs: []room.ID{first.ID, second.ID, {9}}}
	n.told(told{&link{}, safe})
	n.told(told{&link{}, safe})
	deliver(second)
	n.told(told{&link{}, safe})
	var got []string
	for _, e := range n.queue {
		if e.Type() != "message" && e.Type() != "pending" {
			got = append(got, e.Type())
		}
	}
	if fmt.Sprint(got) != "[delivered safe delivered safe]" {
		t.Errorf("told %v", got)
	}
}
