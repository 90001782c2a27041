package relay

import (
	"errors"
	"net/netip"
	"time"

	"parley.lan/room"
	"parley.lan/wire"
)

// member is one participant as the server keeps it.
type member struct {
	room.Member
	notices chan *notice        // its connection's writer takes them; a full queue cuts the member off
	cut     func(reason string) // ends its connection, at once and from any goroutine

	// A node's.
	run           uint64
	since         time.Time
	wifi, battery bool
	life          *voiceSession
	text          netip.AddrPort // of its relay that stands by; guarded by Server.mu, as is what follows
	moved         bool           // it follows the host to which we sent it
	named         time.Time      // when it last took another name
	wanted        string         // the one that it is to take once renameRest is over; empty: none
}

// notify queues something for the member's own writer; false when the queue is full.
func (m *member) notify(n *notice) bool {
	select {
	case m.notices <- n:
		return true
	default:
		return false
	}
}

// sendAway is a goodbye to one member alone. Who does not take it is cut off without.
func (m *member) sendAway(code, reason string) {
	m.notify(&notice{frame: mustAppend(wire.TBye, wire.Bye{Code: code, Reason: reason}), bye: true})
	time.AfterFunc(byeTime, func() { m.cut(reason) })
}

// notice is what a member is told besides messages.
type notice struct {
	frame  []byte // ready for a node
	joined *room.Member
	left   *room.Member
	said   string // a line of the host's own, for plain members
	bye    bool   // the frame is the last
	after  uint64 // it must not come before the log's arrivals below this
}

func joinedNotice(m room.Member) *notice {
	return &notice{frame: mustAppend(wire.TJoined, wire.Joined{Member: wire.FromMember(m)}), joined: &m}
}

// recordingLine tells a plain member that somebody records, or no longer does.
func recordingLine(name string, on bool) string {
	if on {
		return name + " is recording."
	}
	return name + " no longer records."
}

func leftNotice(m room.Member) *notice {
	return &notice{frame: mustAppend(wire.TLeft, wire.Left{ID: m.ID[:]}), left: &m}
}

var (
	errFull      = errors.New("the room is full")
	errElsewhere = errors.New("the host is elsewhere by now")
)

// join puts m into the roster and tells the others. An older session of the same key gives way: it is the same
// person, or, in another run of the program, a copy of the key that has to find itself another. The returned roster
// includes m.
func (s *Server) join(m *member) (roster []room.Member, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.admit(m)
}

// admit is join for a caller that holds s.mu.
func (s *Server) admit(m *member) (roster []room.Member, err error) {
	if s.redirect != nil { // nobody would tell it
		return nil, errElsewhere
	}
	old := s.members[m.ID]
	if old == nil && len(s.members) >= maxMembers {
		return nil, errFull
	}
	for _, o := range s.members {
		if o.SSRC == m.SSRC && o != old {
			return nil, errSSRC
		}
	}
	s.members[m.ID] = m
	switch {
	case old == nil:
	case old.run != m.run:
		old.sendAway(wire.ByeTwin, "its key came in again, in another run")
	default:
		old.cut("came in again")
	}
	for _, o := range s.members {
		roster = append(roster, o.Member)
	}
	if self := s.cfg.Self; !self.ID.IsZero() && s.members[self.ID] == nil {
		roster = append(roster, self)
	}
	s.tell(m, joinedNotice(m.Member))
	s.changed()
	return roster, nil
}

// changed says that the roster did.
func (s *Server) changed() {
	if s.cfg.Changed != nil {
		s.cfg.Changed()
	}
}

// stateRest is how long a member that has changed its state is not read from: whoever does so without end fills nobody's queue.
const stateRest = 50 * time.Millisecond

// setState notes what a member does and tells everybody, the member too.
func (s *Server) setState(m *member, state room.State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.members[m.ID] != m || m.State == state {
		return
	}
	said := ""
	if m.Recording != state.Recording {
		said = recordingLine(m.Name, state.Recording)
	}
	m.State = state
	s.tell(nil, &notice{frame: mustAppend(wire.TJoined, wire.Joined{Member: wire.FromMember(m.Member)}), said: said})
}

// renameRest is between two names of one member: of those that it takes meanwhile the last one counts. Whoever changes its name
// without end fills neither a queue nor a screen.
const renameRest = time.Second

// rename gives a member another name, now or soon, and tells everybody, the member too.
func (s *Server) rename(m *member, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	waits := m.wanted != ""
	m.wanted = name
	if waits {
		return
	}
	if rest := renameRest - time.Since(m.named); rest > 0 {
		time.AfterFunc(rest, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.setName(m)
		})
		return
	}
	s.setName(m)
}

// setName gives m the name that it wants. The caller holds s.mu.
func (s *Server) setName(m *member) {
	was, name := m.Name, m.wanted
	m.wanted, m.named = "", time.Now()
	if s.members[m.ID] != m || was == name {
		return
	}
	m.Name = name
	s.tell(nil, &notice{
		frame: mustAppend(wire.TJoined, wire.Joined{Member: wire.FromMember(m.Member)}),
		said:  was + " is called " + name + " now.",
	})
}

// SetSelf changes the host's line for those who come in before its own client has.
func (s *Server) SetSelf(m room.Member) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cfg.Self = m
}

// observe counts an observer in or out; false when there are enough.
func (s *Server) observe(by int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watching+by > maxObserver {
		return false
	}
	s.watching += by
	return true
}

// leave takes m out of the roster, unless a newer session took its place.
func (s *Server) leave(m *member) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dismiss(m)
}

// dismiss is leave for a caller that holds s.mu.
func (s *Server) dismiss(m *member) {
	if s.members[m.ID] != m {
		return
	}
	delete(s.members, m.ID)
	s.settleRetired()
	if s.redirect == nil { // else it was sent away
		s.tell(m, leftNotice(m.Member))
	}
	s.changed()
}

// tell gives a notice to everyone but one. A node that reads too slowly for them is cut off. The caller holds s.mu.
func (s *Server) tell(except *member, n *notice) {
	for _, o := range s.members {
		if o == except {
			continue
		}
		if o.notify(n) || o.Plain { // who comes and goes is all that a plain member misses; messages it gets from the log
			continue
		}
		s.Counters.MembersCut.Add(1)
		o.cut("reads too slowly")
	}
}

// Members counts who is in the room.
func (s *Server) Members() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.members)
}

// freshSSRC picks a synchronisation source for a plain member.
func (s *Server) freshSSRC() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		n := uint32(room.Random())
		taken := n == 0
		for _, m := range s.members {
			taken = taken || m.SSRC == n
		}
		if !taken {
			return n
		}
	}
}
