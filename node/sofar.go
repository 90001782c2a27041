package node

import (
	"maps"
	"slices"
	"strings"

	"parley.lan/room"
)

// SoFar is what the events so far come to. Whoever begins to observe later is told it as events, and then knows what an
// observer from the start does. The zero value is before the first event. It is not for several goroutines.
type SoFar struct {
	seeking  Seeking
	hosting  *Hosting
	joined   *Joined // without the members
	members  map[room.NodeID]room.Member
	speaking map[room.NodeID]bool
	messages []Message // the last ones
	pending  []Pending // in the order in which they were said
	audio    *Audio
	switched Switched
	turned   bool // switched is known
	self     room.NodeID
}

// Take counts an event in. self is the node's id.
func (s *SoFar) Take(e Event, self room.NodeID) {
	if self != s.self { // what waited under another key is said anew, or not at all
		s.self, s.pending = self, nil
	}
	switch e := e.(type) {
	case Seeking:
		if e != s.seeking { // another room
			*s = SoFar{seeking: e, audio: s.audio, switched: s.switched, turned: s.turned, self: s.self}
		}
		s.joined, s.hosting = nil, nil
	case Hosting:
		s.hosting = &e
	case Joined:
		if e.Host.ID != self {
			s.hosting = nil
		}
		s.members = map[room.NodeID]room.Member{}
		for _, m := range e.Members {
			s.members[m.ID] = m
		}
		e.Members = nil
		s.joined = &e
	case MemberJoined:
		s.know(e.Member)
	case MemberState:
		s.know(e.Member)
	case Renamed:
		s.know(e.Member)
	case Recording:
		s.know(e.Member)
	case MemberLeft:
		delete(s.members, e.Member.ID)
		delete(s.speaking, e.Member.ID)
	case Speaking:
		if s.speaking == nil {
			s.speaking = map[room.NodeID]bool{}
		}
		if delete(s.speaking, e.Member.ID); e.On {
			s.speaking[e.Member.ID] = true
		}
	case Message:
		e.History = true
		s.messages = append(s.messages, e)
		s.messages = slices.Clone(s.messages[max(0, len(s.messages)-recall):])
	case Pending:
		s.pending = append(s.pending, e)
	case Delivered:
		s.pending = slices.DeleteFunc(s.pending, func(p Pending) bool { return p.ID == e.ID })
	case Audio:
		s.audio = &e
	case Switched:
		s.switched, s.turned = e, true
	}
}

func (s *SoFar) know(m room.Member) {
	if s.members == nil {
		s.members = map[room.NodeID]room.Member{}
	}
	s.members[m.ID] = m
}

// Room is the name of the room that the node is in, or looks for.
func (s *SoFar) Room() string { return s.seeking.Room }

// Members is the roster, by name.
func (s *SoFar) Members() []room.Member { return byName(slices.Collect(maps.Values(s.members))) }

// Switches is what is turned on.
func (s *SoFar) Switches() Switches { return s.switched.Switches }

// Events tells the state as events: where the node is or what it looks for, the last messages, who is here and what they do,
// what waits, the sound.
func (s *SoFar) Events() (out []Event) {
	if s.joined == nil && s.seeking.Room != "" {
		out = append(out, s.seeking)
	}
	for _, m := range s.messages {
		out = append(out, m)
	}
	if s.hosting != nil {
		out = append(out, *s.hosting)
	}
	if s.joined != nil {
		j := *s.joined
		j.Members = s.Members()
		out = append(out, j)
		for _, m := range j.Members {
			if m.Recording {
				out = append(out, Recording{m, true})
			}
		}
	}
	for _, p := range s.pending {
		out = append(out, p)
	}
	if s.audio != nil {
		out = append(out, *s.audio)
	}
	if s.turned {
		out = append(out, s.switched)
	}
	for _, m := range s.Members() {
		if s.speaking[m.ID] {
			out = append(out, Speaking{m, true})
		}
	}
	return out
}

// byName sorts members as people look for them.
func byName(members []room.Member) []room.Member {
	slices.SortFunc(members, func(a, b room.Member) int {
		if c := strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)); c != 0 {
			return c
		}
		return strings.Compare(string(a.ID[:]), string(b.ID[:]))
	})
	return members
}

// Place tells where the node is.
func (s *SoFar) Place() Place {
	p := Place{Room: s.seeking.Room}
	switch {
	case s.joined == nil:
		return p
	case s.hosting != nil:
		p.Addrs = slices.Clone(s.hosting.Text)
	case s.joined.Host.Addr != "":
		p.Addrs = []string{s.joined.Host.Addr}
	}
	p.Room, p.Host = s.joined.Room, s.joined.Host
	return p
}
