// Package tell puts into words what happens in a room, for faces that show it to a person.
package tell

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"parley.lan/node"
	"parley.lan/room"
)

// HostPatience is how long a host may be lost before a line says so: the next one mostly hosts by then.
const HostPatience = 1500 * time.Millisecond

// Line is one thing to be told.
type Line struct {
	Trouble bool // something went wrong
	Text    string
}

// Teller follows what happens and puts it into lines. Messages, and who talks, are the face's own matter. It has no clock and is
// used from one goroutine.
type Teller struct {
	Self    func() room.NodeID // it may change, as by a copied key
	Host    node.HostInfo      // zero: none yet
	Hosting node.Hosting       // of this node's own relay
	Members map[room.NodeID]room.Member
	Audio   node.Audio

	lost   *node.HostLost
	lostAt time.Time
	room   string
}

// New makes a Teller for the node with an id.
func New(self func() room.NodeID) *Teller {
	return &Teller{Self: self, Members: map[room.NodeID]room.Member{}}
}

// Event follows e, and gives what is to be told of it.
func (t *Teller) Event(now time.Time, e node.Event) []Line {
	switch e := e.(type) {
	case node.Seeking:
		return t.seeking(e)
	case node.Hosting:
		t.Hosting = e
	case node.Joined:
		return t.joined(e)
	case node.HostLost:
		t.lost, t.lostAt = &e, now
	case node.MemberJoined:
		t.Members[e.Member.ID] = e.Member
		if e.Member.ID != t.Self() {
			return notes("%s came in", t.Label(e.Member))
		}
	case node.MemberLeft:
		label := t.Label(e.Member)
		delete(t.Members, e.Member.ID)
		if e.Member.ID != t.Self() {
			return notes("%s left", label)
		}
	case node.Renamed:
		was := t.Label(room.Member{ID: e.Member.ID, Name: e.Was, Plain: e.Member.Plain})
		t.Members[e.Member.ID] = e.Member
		if e.Member.ID == t.Self() {
			return notes("You are called %s now", t.Label(e.Member))
		}
		return notes("%s is called %s now", was, t.Label(e.Member))
	case node.MemberState:
		t.Members[e.Member.ID] = e.Member
	case node.Recording:
		return t.recording(e)
	case node.Audio:
		return t.sound(e)
	case node.Error:
		text := e.Error
		if e.Hint != "" {
			text += " (" + e.Hint + ")"
		}
		return []Line{{true, text}}
	case node.Reunited:
		return []Line{{true, fmt.Sprintf("The room was split, from %s at the latest, and has come together again", Moment(e.Since, now))}}
	case node.Left:
		if e.Reason == node.Detached {
			return nil // whoever detached says what goes on
		}
		return notes("You left") // a reason other than one's own wish is the program's last word
	}
	return nil
}

// Due is when Tick has something to tell; zero for never.
func (t *Teller) Due() time.Time {
	if t.lost == nil {
		return time.Time{}
	}
	return t.lostAt.Add(HostPatience)
}

// Tick tells what has become due.
func (t *Teller) Tick(now time.Time) []Line {
	if t.lost == nil || now.Sub(t.lostAt) < HostPatience {
		return nil
	}
	reason := t.lost.Reason
	t.lost = nil
	return notes("%s is gone%s; looking for the room again", t.HostName(), because(reason))
}

func notes(format string, args ...any) []Line { return []Line{{false, fmt.Sprintf(format, args...)}} }

func (t *Teller) seeking(e node.Seeking) []Line {
	moved := t.room != "" && t.room != e.Room
	t.room = e.Room
	if moved {
		t.Host, t.lost = node.HostInfo{}, nil
		clear(t.Members)
	}
	if t.Host.ID.IsZero() && t.lost == nil { // afterwards the loss of the host says it
		return notes("Looking for %s on this network", e.Room)
	}
	return nil
}

// joined tells in one line where one is now. Being moved to another host is a line only, with who hosts now.
func (t *Teller) joined(e node.Joined) []Line {
	first, before := t.Host.ID.IsZero(), t.HostName()
	wasLost := t.lost != nil
	t.lost = nil
	moved := e.Host.ID != t.Host.ID
	t.Host = e.Host
	clear(t.Members)
	for _, m := range e.Members {
		t.Members[m.ID] = m
	}
	mine := e.Host.ID == t.Self()
	switch {
	case first && mine:
		return notes("You are in %s and host it%s. %s", e.Room, t.address(), t.company())
	case first:
		return notes("You are in %s, hosted by %s. %s", e.Room, t.HostName(), t.company())
	case !moved:
		return notes("Back in %s, hosted by %s", e.Room, t.HostName())
	case mine && wasLost:
		return notes("%s is gone; you host now", before)
	case wasLost:
		return notes("%s is gone; %s hosts now", before, t.HostName())
	case mine:
		return notes("You host now")
	}
	return notes("%s hosts now", t.HostName())
}

func (t *Teller) recording(e node.Recording) []Line {
	t.Members[e.Member.ID] = e.Member
	switch mine := e.Member.ID == t.Self(); {
	case mine && e.On:
		return notes("You are recording, and everybody sees it")
	case mine:
		return notes("You no longer record")
	case e.On:
		return notes("%s is recording", t.Label(e.Member))
	}
	return notes("%s no longer records", t.Label(e.Member))
}

func (t *Teller) sound(e node.Audio) []Line {
	if e == t.Audio {
		return nil
	}
	t.Audio = e
	switch {
	case e.Error != "" && e.Input == "" && e.Output == "":
		return notes("No sound, text only: %s", strings.TrimPrefix(e.Error, "no sound: "))
	case e.Error != "":
		return notes("Sound: %s", e.Error)
	}
	return notes("Microphone: %s. Loudspeaker: %s.", cmp.Or(e.Input, "none"), cmp.Or(e.Output, "none"))
}

func (t *Teller) address() string {
	if len(t.Hosting.Text) == 0 {
		return ""
	}
	return " at " + t.Hosting.Text[0]
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return " (" + reason + ")"
}

// company tells who else is here.
func (t *Teller) company() string {
	var others []room.Member
	for _, m := range t.Members {
		if m.ID != t.Self() {
			others = append(others, m)
		}
	}
	if len(others) == 0 {
		return "Nobody else is here yet."
	}
	return "Also here: " + t.Roll(others)
}

// Roll lists members by name, marked by what they are and do.
func (t *Teller) Roll(members []room.Member) string {
	members = slices.SortedFunc(slices.Values(members), func(a, b room.Member) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID.String(), b.ID.String()))
	})
	var names []string
	for _, m := range members {
		name := t.Label(m)
		var marks []string
		for _, mark := range []struct {
			word string
			on   bool
		}{{"you", m.ID == t.Self()}, {"host", m.ID == t.Host.ID}, {"recording", m.Recording}, {"listening only", m.Listening}} {
			if mark.on {
				marks = append(marks, mark.word)
			}
		}
		if len(marks) > 0 {
			name += " (" + strings.Join(marks, ", ") + ")"
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

// Label is a member's name for the screen.
func (t *Teller) Label(m room.Member) string { return room.Label(m, maps.Values(t.Members)) }

// HostName is the host's.
func (t *Teller) HostName() string {
	if m, here := t.Members[t.Host.ID]; here {
		return t.Label(m)
	}
	return cmp.Or(t.Host.Name, "The host")
}
