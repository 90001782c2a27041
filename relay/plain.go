package relay

import (
	"crypto/rand"
	"net/netip"
	"slices"

	"parley.lan/room"
)

// The plain door: clients of the original program, and whoever has nc. They have no key, so the host vouches
// for what they say and they are marked in the roster. Text and voice are two connections; which belong
// together is guessed from their address when only one of each is there.

// plainEnd is one plain connection of either sort, from accept to close.
type plainEnd struct {
	from   netip.Addr
	isText bool
	ssrc   uint32
	member *member   // set once it stands in the roster by itself
	mate   *plainEnd // the other connection of the same client
	cut    func(reason string)
}

// plainArrive notes a connection and pairs it when that is unambiguous.
func (s *Server) plainArrive(from netip.Addr, isText bool, cut func(string)) *plainEnd {
	e := &plainEnd{from: from, isText: isText, ssrc: s.freshSSRC(), cut: cut}
	s.mu.Lock()
	defer s.mu.Unlock()
	var mates []*plainEnd
	for _, o := range s.plain {
		switch {
		case o.from != from:
		case o.isText == isText && o.mate == nil:
			mates = append(mates, nil, nil) // two of the same sort wait: ambiguous
		case o.isText != isText && o.mate == nil:
			mates = append(mates, o)
		}
	}
	s.plain = append(s.plain, e)
	if len(mates) == 1 {
		e.mate, mates[0].mate = mates[0], e
		if isText {
			e.ssrc = e.mate.ssrc
		} else if e.mate.member != nil {
			e.ssrc = e.mate.member.SSRC
		} else {
			e.mate.ssrc = e.ssrc
		}
	}
	return e
}

// plainEnter puts an end into the roster under a name. A voice connection that stood there by itself makes
// way for its mate, which has the better name; one that has found a mate has no line of its own (nil). All of
// it is one step, for the other connection may arrive at any moment and must find the SSRC that is to be shared.
func (s *Server) plainEnter(e *plainEnd, name string) (*member, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.mate != nil && !e.isText {
		return nil, nil
	}
	m := &member{
		Member:  room.Member{Name: name, Plain: true, SSRC: e.ssrc},
		notices: make(chan *notice, maxNotices), cut: e.cut,
	}
	rand.Read(m.ID[:])
	if e.mate != nil && e.mate.member != nil {
		s.dismiss(e.mate.member)
		e.mate.member = nil
	}
	if _, err := s.admit(m); err != nil {
		return nil, err
	}
	e.member = m
	for _, o := range s.members {
		if o.Recording {
			m.notify(&notice{said: recordingLine(o.Name, true)})
		}
	}
	return m, nil
}

// plainPart forgets a connection and takes its line out of the roster. A voice connection whose text has
// ended is ended too, for its name is gone; but not one whose text gave no name, and which still has its own line.
func (s *Server) plainPart(e *plainEnd) {
	s.mu.Lock()
	s.plain = slices.DeleteFunc(s.plain, func(o *plainEnd) bool { return o == e })
	m := e.member
	mate := e.mate
	nameless := mate != nil && mate.member == nil
	if mate != nil {
		e.mate, mate.mate = nil, nil
	}
	s.mu.Unlock()
	if nameless && e.isText {
		mate.cut("its text connection ended")
	}
	if m != nil {
		s.leave(m)
	}
}
