package node

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"parley.lan/identity"
	"parley.lan/room"
)

// TestRename: the others see it as one member with another name, also those who come later and after the host is gone.
func TestRename(t *testing.T) {
	ada := sit(t, "ada", nil)
	ada.joined()
	bob, cy := sit(t, "bob", nil), sit(t, "cy", nil)
	bob.joined()
	cy.joined()
	for _, s := range []*seat{ada, cy} {
		wait(s, "bob in the roster", func(Event) bool { return slices.Contains(names(s), "bob") })
	}
	if err := bob.Rename(" x"); err == nil {
		t.Error("a bad name is taken")
	}
	if err := bob.Rename("bea"); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*seat{ada, bob, cy} {
		e := wait(s, "renamed", func(e Renamed) bool { return e.Member.ID == bob.ID() })
		if e.Was != "bob" || e.Member.Name != "bea" || !slices.Contains(names(s), "bea") {
			t.Errorf("%+v; here are %v", e, names(s))
		}
	}
	bob.say("by any other name")
	if m := ada.hears("by any other name"); m.From.Name != "bea" {
		t.Errorf("%+v", m)
	}
	bob.Rename("bee")
	bob.Rename("bea2") // sooner than the host lets it
	wait(cy, "the last name", func(e Renamed) bool { return e.Member.Name == "bea2" })
	ada.stop()
	for _, s := range []*seat{bob, cy} {
		j := wait(s, "new host", func(j Joined) bool { return j.Epoch > 1 })
		if !slices.ContainsFunc(j.Members, func(m room.Member) bool { return m.Name == "bea2" && m.ID == bob.ID() }) {
			t.Errorf("with the next host: %+v", j.Members)
		}
	}
	dee := sit(t, "dee", nil)
	if j := dee.joined(); !slices.ContainsFunc(j.Members, func(m room.Member) bool { return m.Name == "bea2" }) {
		t.Errorf("a newcomer finds %+v", j.Members)
	}
	for _, s := range []*seat{ada, cy} {
		for _, e := range s.seen() {
			if strings.Contains(e, "new key") || strings.HasPrefix(e, "member-left") && strings.Contains(e, bob.ID().String()) {
				t.Errorf("%s: %s", s.cfg.Name, e)
			}
		}
	}
}

// TestRenameToAKnownName: who takes a name that another key had is pointed out, and not as somebody new.
func TestRenameToAKnownName(t *testing.T) {
	n, err := New(Config{Name: "ada", Room: "lobby", StateDir: t.TempDir(), Ifaces: []string{"lo"}})
	if err != nil {
		t.Fatal(err)
	}
	n.present = map[room.NodeID]bool{}
	bob, eve := room.Member{ID: room.NodeID{1}, Name: "bob"}, room.Member{ID: room.NodeID{2}, Name: "eve"}
	n.enter(bob)
	n.enter(eve)
	n.depart(bob.ID)
	eve.Name = "bob"
	n.enter(eve)
	var errors []string
	for _, e := range n.queue {
		if e, ok := e.(Error); ok {
			errors = append(errors, e.Error)
		}
	}
	if len(errors) != 1 || !strings.HasPrefix(errors[0], "eve calls itself bob now") {
		t.Errorf("%q", errors)
	}
}

// TestMutedIsKnown: everybody learns who is muted, newcomers and those of the next host too.
func TestMutedIsKnown(t *testing.T) {
	withSound := func(c *Config) { c.Sound = &fakeSound{} }
	ada := sit(t, "ada", nil)
	ada.joined()
	bob := sit(t, "bob", withSound)
	bob.joined()
	who := wait(ada, "bob", func(e MemberJoined) bool { return e.Member.ID == bob.ID() })
	if who.Member.Muted {
		t.Error("bob counts as muted, and has a microphone")
	}
	bob.SetMuted(true)
	wait(bob, "switched", func(e Switched) bool { return e.Muted })
	wait(ada, "bob muted", func(e MemberState) bool { return e.Member.ID == bob.ID() && e.Member.Muted })
	cy := sit(t, "cy", nil) // nobody else has sound
	for _, m := range cy.joined().Members {
		if !m.Muted {
			t.Errorf("%s is not muted", m.Name)
		}
	}
	ada.stop()
	wait(cy, "new host", func(j Joined) bool { return j.Epoch > 1 })
	bob.SetMuted(false)
	wait(cy, "bob not muted", func(e MemberState) bool { return e.Member.ID == bob.ID() && !e.Member.Muted })
	speech, err := cy.Speak() // another program, in place of the microphone that is not there
	if err != nil {
		t.Fatal(err)
	}
	wait(bob, "cy speaking", func(e MemberState) bool { return e.Member.ID == cy.ID() && !e.Member.Muted })
	speech.Close()
	wait(bob, "cy muted", func(e MemberState) bool { return e.Member.ID == cy.ID() && e.Member.Muted })
}

// TestRenamedHostIsFoundByItsName: who only looks around sees the name of now.
func TestRenamedHostIsFoundByItsName(t *testing.T) {
	ada := sit(t, "ada", nil)
	ada.joined()
	if err := ada.Rename("Countess"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	rooms, err := Rooms(ctx, Config{StateDir: t.TempDir(), Ifaces: []string{"lo"}})
	i := slices.IndexFunc(rooms, func(r RoomInfo) bool { return r.Room == roomOf(t) })
	if err != nil || i < 0 || rooms[i].Host.Name != "Countess" {
		t.Errorf("rooms %+v, %v", rooms, err)
	}
}

// said files messages in a node's log as a host would have stamped them: one a second, the newest now.
func said(t *testing.T, n *Node, from *identity.Identity, texts ...string) (ids []room.ID) {
	t.Helper()
	for i, text := range texts {
		m := room.Message{Room: n.cfg.Room, Run: 7, Seq: uint64(i + 1), Kind: room.Text, Name: "bob", Text: text}
		if text == "private" {
			m.Kind, m.Text, m.To, m.Sealed, m.Own = room.Private, "", make([]byte, 16), []byte{1}, []byte{1}
		}
		e, err := room.Sign(from.Key, m)
		if err != nil {
			t.Fatal(err)
		}
		ago := time.Duration(len(texts)-i) * time.Second
		n.log.Add(e.Stamped(room.Stamp{HLC: room.Reading(time.Now().Add(-ago)), Host: room.NodeID{1}, N: uint64(i)}))
		ids = append(ids, e.ID)
	}
	return ids
}

func texts(messages []Message) (out []string) {
	for _, m := range messages {
		out = append(out, m.Text)
	}
	return out
}

func TestEarlierPassesOverWhatIsNotForUs(t *testing.T) {
	n, err := New(Config{Name: "ada", Room: "lobby", StateDir: t.TempDir(), Ifaces: []string{"lo"}})
	if err != nil {
		t.Fatal(err)
	}
	bob, err := identity.New()
	if err != nil {
		t.Fatal(err)
	}
	all := []string{"one", "two"}
	for range 3 * readAhead {
		all = append(all, "private")
	}
	ids := said(t, n, bob, append(all, "three")...)
	for _, c := range []struct {
		before room.ID
		n      int
		want   string
	}{
		{room.ID{}, 2, "two three"}, {room.ID{}, 9, "one two three"}, {ids[len(ids)-1], 1, "two"},
		{ids[5], 9, "one two"}, {ids[0], 9, ""}, {room.ID{}, 0, ""}, {room.ID{}, -1, ""},
	} {
		got, err := n.Earlier(t.Context(), c.before, c.n)
		if err != nil || strings.Join(texts(got), " ") != c.want {
			t.Errorf("%d before %.8s: %q, %v; want %s", c.n, c.before, texts(got), err, c.want)
		}
		for _, m := range got {
			if !m.History || m.From.Name != "bob" || m.From.ID != bob.ID {
				t.Errorf("%+v", m)
			}
		}
	}
	if _, err := n.Earlier(t.Context(), room.ID{1}, 1); err == nil {
		t.Error("before a message that is not there: no error")
	}
	if got, err := n.Search(t.Context(), "t", 9); err != nil || strings.Join(texts(got), " ") != "two three" {
		t.Errorf("without a file: %q, %v", texts(got), err)
	}
}

// TestSearchFindsTheNewest: what is said is found at once, saved or not, and once.
func TestSearchFindsTheNewest(t *testing.T) {
	ada := sit(t, "ada", nil)
	ada.joined()
	for i := range 30 {
		text := fmt.Sprint("needle ", i)
		ada.say(text)
		ada.say("hay")
		ada.hears(text)
		got, err := ada.Search(t.Context(), "need", 3)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{fmt.Sprint("needle ", i-2), fmt.Sprint("needle ", i-1), text}[max(0, 2-i):]
		if !slices.Equal(texts(got), want) {
			t.Fatalf("found %q, want %q", texts(got), want)
		}
	}
	got, err := ada.Earlier(t.Context(), room.ID{}, 100)
	if err != nil || len(got) < 59 {
		t.Errorf("%d messages before now, %v", len(got), err)
	}
}
