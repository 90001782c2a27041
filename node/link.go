package node

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"

	"parley.lan/node/election"
	"parley.lan/relay"
	"parley.lan/room"
	"parley.lan/wire"
)

// dial is an attempt to join a host, until it failed or is followed.
type dial struct {
	cancel context.CancelFunc
	client *relay.Client // once welcomed
}

// dialled is how a dial went.
type dialled struct {
	attempt uint64
	client  *relay.Client
	err     error
}

// link is the connection to the host.
type link struct {
	attempt uint64
	cancel  context.CancelFunc
	client  *relay.Client
	self    bool // to this node's own relay
	synced  bool
}

// told is a host's notice.
type told struct {
	link   *link
	notice relay.Notice
}

// ended is the end of a connection to a host.
type ended struct {
	link *link
	err  error
}

func (n *Node) clientConfig(expect room.NodeID, reign room.Reign) relay.ClientConfig {
	return relay.ClientConfig{
		Identity: n.id, Expect: expect, Room: n.cfg.Room, Name: n.cfg.Name, Run: n.run, SSRC: n.ssrc.Load(),
		Reign: reign, Log: n.log, Outbox: n.outbox, Hear: n.hear, Logger: n.slog,
	}
}

// dial tries to join a host in the background.
func (n *Node) dial(o election.Join) {
	ctx, cancel := context.WithCancel(n.ctx)
	n.dials[o.Attempt] = &dial{cancel: cancel}
	addrs, cfg := n.recall(o.To.Addr), n.clientConfig(o.To.ID, o.Reign)
	n.tasks.Go(func() {
		client, err := relay.Dial(ctx, addrs, cfg)
		if err == nil && ctx.Err() != nil {
			client.Close()
			return
		}
		n.post(n.ctx, dialled{o.Attempt, client, err})
	})
}

func (n *Node) dialled(d dialled) {
	pending := n.dials[d.attempt]
	if pending == nil { // given up meanwhile
		if d.client != nil {
			d.client.Close()
		}
		return
	}
	if d.err == nil {
		pending.client = d.client
		n.step(election.Joined{Attempt: d.attempt, Reign: d.client.Reign, Forced: d.client.Forced})
		return
	}
	pending.cancel()
	delete(n.dials, d.attempt)
	n.slog.Info("join failed", "error", d.err)
	var redirect *relay.RedirectError
	var refused *relay.RefusedError
	switch {
	case errors.As(d.err, &redirect):
		n.step(election.NotHost{Attempt: d.attempt, Hint: n.hint(redirect)})
	case errors.As(d.err, &refused):
		n.refused(d.attempt, refused)
	default:
		n.step(election.JoinFailed{Attempt: d.attempt, Reason: d.err.Error()})
	}
}

// refused tells the machine whether coming again could help.
func (n *Node) refused(attempt uint64, no *relay.RefusedError) {
	switch no.Code {
	case wire.RefusedSSRC:
		n.ssrc.Store(uint32(room.Random()) | 1)
	case wire.RefusedFull:
	case wire.RefusedRoom:
		n.emit(Error{Error: no.Error(), Hint: "that address hosts another room; --room NAME chooses one"})
	default:
		n.step(election.Refused{Attempt: attempt, Reason: no.Reason})
		return
	}
	n.step(election.JoinFailed{Attempt: attempt, Reason: no.Reason})
}

// leave gives a dial up, or closes the connection that came of it.
func (n *Node) leave(o election.Leave) {
	if d := n.dials[o.Attempt]; d != nil {
		d.cancel()
		if d.client != nil {
			d.client.Close()
		}
		delete(n.dials, o.Attempt)
	}
	if n.link != nil && n.link.attempt == o.Attempt {
		n.drop()
	}
}

// drop ends the link. Its goroutine says goodbye.
func (n *Node) drop() {
	if n.link != nil {
		n.client.CompareAndSwap(n.link.client, nil)
		n.lost = n.link.client.Reign.Host
		n.link.cancel()
		n.link = nil
	}
}

// replace makes room for another link. Whoever hosted until now may well follow there.
func (n *Node) replace() {
	if n.link != nil {
		n.drop()
		n.lost = room.NodeID{}
	}
}

// follow makes a member of this node: the dial has become the link.
func (n *Node) follow(o election.Followed) {
	d := n.dials[o.Attempt]
	delete(n.dials, o.Attempt)
	n.replace()
	n.disco.Remember(d.client.Addr(), o.To.ID)
	n.begin(&link{attempt: o.Attempt, client: d.client, cancel: d.cancel})
}

// joinSelf connects to this node's own relay.
func (n *Node) joinSelf(o election.Serve) {
	ctx, cancel := context.WithCancel(n.ctx)
	addr := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), n.serving.ports.TextPort())
	cfg := n.clientConfig(n.id.ID, room.Reign{})
	n.tasks.Go(func() {
		client, err := relay.Dial(ctx, []netip.AddrPort{addr}, cfg)
		if err != nil {
			cancel()
			n.post(n.ctx, election.ServeFailed{Attempt: o.Attempt, Reason: "can't join the own relay: " + err.Error()})
			return
		}
		n.post(n.ctx, told{&link{attempt: o.Attempt, client: client, cancel: cancel, self: true}, nil})
	})
}

// begin runs a welcomed client.
func (n *Node) begin(l *link) {
	ctx, cancel := context.WithCancel(n.ctx)
	give := l.cancel
	l.cancel = func() { cancel(); give() }
	n.link = l
	n.tasks.Go(func() {
		defer l.cancel()
		err := l.client.Run(ctx, func(notice relay.Notice) { n.post(n.ctx, told{l, notice}) })
		n.post(n.ctx, ended{l, err})
	})
}

// told handles a host's notice; none at all is our own relay's welcome.
func (n *Node) told(t told) {
	if t.notice == nil {
		if n.serving == nil || n.serving.attempt != t.link.attempt {
			t.link.client.Close()
			t.link.cancel()
			return
		}
		n.replace()
		n.begin(t.link)
		return
	}
	if a, ok := t.notice.(relay.Arrived); ok { // also over a link given up since: no other host sends them again
		n.until, n.toShow = a.Last, true
	}
	if safe, ok := t.notice.(relay.Safe); ok { // it stays true without the link
		n.safe(safe)
	}
	if t.link != n.link {
		return
	}
	switch notice := t.notice.(type) {
	case relay.Synced:
		n.settleIn()
	case relay.MemberJoined:
		if n.link.synced {
			n.enter(notice.Member)
		} else {
			n.link.client.Members = append(n.link.client.Members, notice.Member)
		}
	case relay.MemberLeft:
		if n.link.synced {
			n.depart(notice.ID)
		} else {
			n.link.client.Members = slices.DeleteFunc(n.link.client.Members, func(m room.Member) bool { return m.ID == notice.ID })
		}
	case relay.Raised:
		n.step(election.Raised{Attempt: n.link.attempt, Reign: notice.Reign})
	}
}

// settleIn is the moment at which this node is in the room: its log and the host's hold the same.
func (n *Node) settleIn() {
	l := n.link
	if l.synced {
		return
	}
	l.synced = true
	n.arrive(l.client.Members, n.lost)
	n.lost = room.NodeID{}
	id := l.client.Reign.Host
	host := HostInfo{Person{id, n.nameOf(id)}, l.client.Addr().String()}
	if l.self {
		host.Addr = reachable(l.client.Addr().Port())[0]
	}
	n.emit(Joined{Room: n.cfg.Room, Epoch: n.machine.Reign().Epoch, Host: host, Members: n.Members()})
	n.client.Store(l.client)
	if n.settled {
		return
	}
	n.settled, n.history = true, true
	for n.toShow { // all that the host had at our coming is history
		n.show()
	}
	n.history = false
	if n.cfg.Sound != nil {
		ctx, hush := context.WithCancel(n.ctx)
		n.hush = hush
		n.tasks.Go(func() { n.runSound(ctx) })
	}
}

// ended tells the machine that the connection to the host is gone.
func (n *Node) ended(e ended) {
	if e.link != n.link {
		return
	}
	n.drop()
	if e.link.self {
		if n.serving != nil && n.serving.attempt == e.link.attempt {
			n.take(election.ServeFailed{Attempt: e.link.attempt, Reason: "lost the own relay: " + e.err.Error()})
		}
		return
	}
	var redirect *relay.RedirectError
	if errors.As(e.err, &redirect) {
		n.lost = room.NodeID{} // moved, not lost
		n.step(election.MoveTo{Attempt: e.link.attempt, To: n.hint(redirect)})
		return
	}
	n.step(election.HostGone{Attempt: e.link.attempt, Left: errors.Is(e.err, relay.ErrHostLeft), Reason: plainly(e.err)})
}

// plainly says why a connection ended in words for a person.
func plainly(err error) string {
	var netErr net.Error
	switch {
	case errors.Is(err, relay.ErrHostLeft):
		return "the host left"
	case errors.As(err, &netErr) && netErr.Timeout():
		return "the host is silent"
	}
	return "the connection to the host broke"
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
