package relay

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"parley.lan/room"
	"parley.lan/wire"
)

// What a session does for the election: it keeps connections warm while the server stands by, answers whether a host
// is here, and takes what members tell.

// keepWarm notes a connection of the room that this server stands by for, which may take its time until Open; false when
// it is none, or we host. Of more than maxWarm from one node the oldest makes way.
func (c *session) keepWarm(id room.NodeID) bool {
	s := c.s
	if s.cfg.Warm == nil || !s.cfg.Warm(id) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hosts() || len(s.warm) >= maxMembers && s.warm[id] == nil {
		return false
	}
	c.conn.SetDeadline(time.Time{})
	s.warm[id] = append(s.warm[id], c)
	if len(s.warm[id]) > maxWarm {
		s.warm[id][0].conn.NetConn().Close()
		s.warm[id] = slices.Delete(s.warm[id], 0, 1)
	}
	return true
}

func (c *session) cool(id room.NodeID) {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	s.warm[id] = slices.DeleteFunc(s.warm[id], func(o *session) bool { return o == c })
	if len(s.warm[id]) == 0 {
		delete(s.warm, id)
	}
}

// hint is where the host is while we stand by.
func (s *Server) hint() wire.Peer {
	if s.cfg.Hint == nil {
		return wire.Peer{}
	}
	return s.cfg.Hint()
}

// probed answers whether a host is here, and whether the asker is its member. It may ask again, to measure how long the answer
// takes.
func (c *session) probed(id room.NodeID, body []byte) error {
	for i := range maxProbes {
		var p wire.Probe
		if err := wire.Decode(body, &p); err != nil {
			return err
		}
		if p.Room != c.s.cfg.Room {
			return c.refuse(wire.RefusedRoom, "another room is here")
		}
		a := c.s.answer(id)
		if p.Look && a.Hosts && i == 0 {
			a.Sight = c.s.sight()
		}
		if _, err := c.conn.Write(mustAppend(wire.TProbed, a)); err != nil {
			return err
		}
		typ, next, err := wire.Read(c.r, wire.MaxGreeting)
		if err != nil || typ != wire.TProbe {
			break
		}
		body = next
	}
	return errors.New("only asked")
}

func (s *Server) answer(id room.NodeID) (a wire.Probed) {
	switch to := s.redirected(); {
	case to != nil:
		a.Host = *to
	case !s.hosts():
		a.Host = s.hint()
	default:
		s.mu.Lock()
		a = wire.Probed{Hosts: true, Yours: s.members[id] != nil, Host: wire.Here(s.reign, s.cfg.Forced, s.cfg.Ports.TextPort())}
		s.mu.Unlock()
	}
	return a
}

// sight is what the room looks like from outside.
func (s *Server) sight() *wire.Sight {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := &wire.Sight{Count: len(s.members), PlainDoor: !s.cfg.NoPlain}
	for _, m := range s.members {
		if len(v.Members) == welcomeSize {
			break
		}
		line := m.Member
		line.Control = netip.AddrPort{} // the members' business
		v.Members = append(v.Members, wire.FromMember(line))
	}
	return v
}

// elects takes what a member tells of hosts and of its own relay.
func (c *session) elects(typ wire.Type, body []byte) error {
	switch typ {
	case wire.TMoved:
		c.s.follows(c.member)
	case wire.TReady:
		var r wire.Ready
		if err := wire.Decode(body, &r); err != nil {
			return err
		}
		c.s.mu.Lock()
		c.member.text = netip.AddrPort{}
		if r.Text != 0 {
			c.member.text = netip.AddrPortFrom(remote(c.conn.NetConn()), r.Text)
		}
		c.s.mu.Unlock()
		c.s.changed()
	case wire.TSaw:
		var p wire.Peer
		if err := wire.Decode(body, &p); err != nil {
			return err
		}
		if h := HostOf(p, dialable(c.conn.NetConn())); c.s.cfg.Saw != nil && len(h.Addrs) > 0 && !h.Reign.Host.IsZero() {
			c.s.cfg.Saw(h)
		}
	}
	return nil
}
