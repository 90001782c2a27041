package relay

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"parley.lan/room"
	"parley.lan/wire"
)

// The server's part in the election: it begins to host, tells its members who comes next, and sends them on.

// Host is a node that says, or of which somebody says, that it hosts the room.
type Host struct {
	Reign  room.Reign
	Forced bool // started with --host
	Addrs  []netip.AddrPort
}

// HostOf reads what a peer says; from is where that came from.
func HostOf(p wire.Peer, from netip.Addr) Host {
	return Host{Reign: p.Reign(), Forced: p.Forced, Addrs: p.AddrPorts(from)}
}

// Knock is a node at the door.
type Knock struct {
	ID    room.NodeID
	Reign room.Reign  // led or followed last
	Terms *wire.Terms // of one that hosts
	Addr  netip.AddrPort
}

// Open begins to host a room that a server has stood by for. Fresh messages wait until each of expect has handed in
// what it holds, or floor has passed: what the old host had given out comes before what is new.
func (s *Server) Open(r room.Reign, expect []room.NodeID, floor time.Duration) {
	s.mu.Lock()
	s.reign = r
	s.expect = make(map[room.NodeID]bool, len(expect))
	for _, id := range expect {
		s.expect[id] = true
	}
	close(s.opened)
	claim := mustAppend(wire.TSaw, wire.Here(r, s.cfg.Forced, s.cfg.Ports.TextPort()))
	for _, warm := range s.warm {
		for _, c := range warm {
			c.conn.SetDeadline(time.Now().Add(greetTime)) // whoever does not come by then has another host
			go c.conn.Write(claim)
		}
	}
	s.mu.Unlock()
	if floor == 0 {
		s.openFloor()
		return
	}
	time.AfterFunc(floor, s.openFloor)
}

// hosts tells whether this is a host's relay by now.
func (s *Server) hosts() bool {
	select {
	case <-s.opened:
		return true
	default:
		return false
	}
}

// openFloor lets fresh messages in.
func (s *Server) openFloor() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expect = nil
	select {
	case <-s.floor:
	default:
		close(s.floor)
	}
}

// handedIn notes that the member's log holds nothing any more that ours lacks.
func (s *Server) handedIn(id room.NodeID) {
	s.mu.Lock()
	waited := s.expect[id]
	delete(s.expect, id)
	last := waited && len(s.expect) == 0
	s.mu.Unlock()
	if last {
		s.openFloor()
	}
}

// Raise gives the reign a higher epoch, and tells everybody.
func (s *Server) Raise(r room.Reign) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reign = r
	s.tell(nil, &notice{frame: mustAppend(wire.TRaised, wire.Raised{Epoch: r.Epoch})})
}

// Reign is the server's now; zero while it stands by.
func (s *Server) Reign() room.Reign {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reign
}

// SetHeirs tells everybody who hosts next, the first one first. What that one holds too is safe.
func (s *Server) SetHeirs(heirs []wire.Peer) {
	var first room.NodeID
	if len(heirs) > 0 {
		first = heirs[0].Reign().Host
	}
	s.SetSuccessor(first)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heirs = heirs
	s.tell(nil, &notice{frame: mustAppend(wire.TSuccession, wire.Succession{Heirs: heirs})})
}

func (s *Server) succession() []wire.Peer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.heirs)
}

// HandOver asks a member to host from now on, once it has everything that the log holds.
func (s *Server) HandOver(id room.NodeID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.members[id]; m != nil {
		m.notify(&notice{frame: mustAppend(wire.THandOver, struct{}{}), after: s.cfg.Log.End()})
	}
}

// Retire sends every member, now and from now on, to the host that prevails. It goes on passing voice until all of
// them follow that one, or ctx ends; what they say comes to the other host, and from there into our log. What was ordered
// here comes to the members before they are sent on, so that they hand it in there.
func (s *Server) Retire(ctx context.Context, to wire.Peer) {
	s.ordering.Lock()
	s.mu.Lock()
	s.redirect = &to
	s.ordering.Unlock()
	s.gone = make(chan struct{})
	s.tell(nil, &notice{frame: mustAppend(wire.TRedirect, to), after: s.cfg.Log.End()})
	s.settleRetired()
	gone := s.gone
	s.mu.Unlock()
	select {
	case <-gone:
	case <-ctx.Done():
	}
}

// settleRetired notices that nobody is left who has not followed. The caller holds s.mu.
func (s *Server) settleRetired() {
	if s.gone == nil {
		return
	}
	for _, m := range s.members {
		if !m.Plain && !m.moved {
			return
		}
	}
	select {
	case <-s.gone:
	default:
		close(s.gone)
	}
}

// follows notes that a member follows the host to which it was sent.
func (s *Server) follows(m *member) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m.moved = true
	s.settleRetired()
}

func (s *Server) redirected() *wire.Peer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.redirect
}
