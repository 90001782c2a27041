package node

import (
	"net"
	"net/netip"
	"slices"

	"parley.lan/node/election"
	"parley.lan/relay"
	"parley.lan/room"
)

// told is a host's notice.
type told struct {
	link   *link
	notice relay.Notice // nil: the welcome of our own relay
}

// told handles a host's notice.
func (n *Node) told(t told) {
	switch notice := t.notice.(type) {
	case nil:
		n.toldWelcome(t.link)
		return
	case relay.Arrived: // also over a link given up since: no other host sends them again
		n.until, n.toShow = notice.Last, true
	case relay.Safe: // it stays true without the link
		n.safe(notice)
	case relay.Moved:
		if to := notice.To; t.link != n.link || to.Reign.Host == n.id.ID { // we are there already
			t.link.client.FollowElsewhere()
			return
		}
	}
	if t.link != n.link {
		return
	}
	l := n.link
	switch notice := t.notice.(type) {
	case relay.Synced:
		n.settleIn()
	case relay.MemberJoined:
		if l.synced {
			n.enter(notice.Member)
		} else {
			l.client.Members = append(l.client.Members, notice.Member)
		}
	case relay.MemberLeft:
		if l.synced {
			n.depart(notice.ID)
		} else {
			l.client.Members = slices.DeleteFunc(l.client.Members, func(m room.Member) bool { return m.ID == notice.ID })
		}
	default:
		if beat, ok := notice.(relay.Beat); ok {
			n.tune(beat)
		}
		if !l.self {
			n.toldElection(l, notice)
		}
	}
}

// toldElection handles what concerns the election.
func (n *Node) toldElection(l *link, notice relay.Notice) {
	switch notice := notice.(type) {
	case relay.Raised:
		n.step(election.Raised{Attempt: l.attempt, Reign: notice.Reign})
	case relay.Succession:
		l.heirs = n.hosts(notice.Heirs)
		n.step(election.Heartbeat{Attempt: l.attempt, Reign: n.machine.Reign(), Successors: l.heirs, WiFi: l.wifi})
	case relay.Beat:
		l.wifi = notice.WiFi
		n.step(election.Heartbeat{
			Attempt: l.attempt, Reign: room.Reign{Epoch: notice.Epoch, Host: l.client.Reign.Host},
			Successors: l.heirs, Members: int(notice.Members), WiFi: notice.WiFi,
		})
	case relay.HandOver:
		n.step(election.TakeOver{Attempt: l.attempt})
	case relay.Moved:
		n.step(election.MoveTo{Attempt: l.attempt, To: n.host(notice.To)})
	case relay.Answered:
		n.step(election.Pong{Probe: notice.Probe, Answer: election.Yours})
	case relay.Unreachable:
		n.step(election.Pong{Probe: n.probed, Answer: election.Closed})
	}
}

// toldWelcome begins to follow our own relay.
func (n *Node) toldWelcome(l *link) {
	if n.serving == nil || n.serving.attempt != l.attempt {
		l.client.Close()
		l.cancel()
		return
	}
	n.part()
	n.begin(l)
}

// settleIn is the moment at which this node is in the room: its log and the host's hold the same.
func (n *Node) settleIn() {
	l := n.link
	if l.synced {
		return
	}
	l.synced = true
	changes := n.arrive(l.client.Members, n.lost)
	n.lost = room.NodeID{}
	id := l.client.Reign.Host
	host := HostInfo{Person{id, n.nameOf(id)}, l.client.Addr().String()}
	if l.self {
		host.Addr = reachable(l.client.Addr().Port())[0]
	}
	n.emit(Joined{Room: n.cfg.Room, Epoch: n.machine.Reign().Epoch, Host: host, Members: n.Members()})
	for _, e := range changes {
		n.emit(e)
	}
	if n.settled {
		return
	}
	n.settled, n.history = true, true
	for n.toShow { // all that the host had at our coming is history
		n.show()
	}
	n.history = false
	n.beginSound()
}

// reachable lists this machine's addresses with a port, for people to dial.
func reachable(port uint16) []string {
	var out []string
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		if ip, ok := a.(*net.IPNet); ok && !ip.IP.IsLoopback() && !ip.IP.IsLinkLocalUnicast() {
			addr, _ := netip.AddrFromSlice(ip.IP)
			out = append(out, netip.AddrPortFrom(addr.Unmap(), port).String())
		}
	}
	if len(out) == 0 {
		out = append(out, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port).String())
	}
	return out
}
