package node

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"time"

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
	heirs   []election.Peer // who hosts next
	wifi    bool            // the host's own link
}

func (n *Node) clientConfig(expect room.NodeID, reign room.Reign) relay.ClientConfig {
	return relay.ClientConfig{
		Identity: n.id, Expect: expect, Room: n.cfg.Room, Name: n.cfg.Name, Run: n.run, SSRC: n.ssrc.Load(),
		Reign: reign, Log: n.log, Outbox: n.outbox, Hear: n.hear, Logger: n.slog,
		Control: n.control.port(), WiFi: n.wifi, Battery: onBattery(), State: n.state(),
	}
}

// dial tries to join a host in the background.
func (n *Node) dial(o election.Join) {
	ctx, cancel := context.WithCancel(n.ctx)
	n.dials[o.Attempt] = &dial{cancel: cancel}
	addrs, cfg := n.recall(o.To.Addr), n.clientConfig(o.To.ID, o.Reign)
	cfg.Warm = n.takeWarm(o.To.ID)
	if o.Terms.Hosting {
		cfg.Terms = &wire.Terms{
			Yields: o.Terms.Yields, Forced: o.Terms.Forced, Members: o.Terms.Members,
			Age: uint64(o.Terms.Age / time.Millisecond), Text: n.serving.ports.TextPort(),
		}
	}
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
		n.step(election.Joined{
			Attempt: d.attempt, Reign: d.client.Reign, Forced: d.client.Forced,
			Successors: n.hosts(d.client.Heirs), Beats: true,
		})
		return
	}
	pending.cancel()
	delete(n.dials, d.attempt)
	n.slog.Info("join failed", "error", d.err)
	var redirect *relay.RedirectError
	var refused *relay.RefusedError
	switch {
	case errors.As(d.err, &redirect):
		n.step(election.NotHost{Attempt: d.attempt, Hint: n.host(redirect.To)})
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
	case wire.RefusedTwin:
		n.step(election.Twin{Attempt: attempt})
		return
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
	for _, l := range n.parting {
		if l.attempt == o.Attempt {
			l.cancel()
		}
	}
}

// drop ends the link. Its goroutine says goodbye.
func (n *Node) drop() {
	if l := n.link; l != nil {
		n.lost = l.client.Reign.Host
		n.link = nil
		n.speakThrough()
		l.cancel()
	}
}

// part makes room for another link. The old one goes on carrying voice both ways until its host has ended it, so
// that nobody misses a word of those who are still there; messages are said over the new one alone.
func (n *Node) part() {
	l := n.link
	if l == nil {
		return
	}
	n.link, n.lost = nil, room.NodeID{}
	n.parting = append(n.parting, l)
	l.client.Quiet()
	time.AfterFunc(election.MoveTime+leaveTime, l.cancel)
}

// speakThrough gives the voice path the connections to speak through.
func (n *Node) speakThrough() {
	var clients []*relay.Client
	if n.link != nil {
		clients = append(clients, n.link.client)
	}
	for _, l := range n.parting {
		clients = append(clients, l.client)
	}
	n.clients.Store(&clients)
}

// follow makes a member of this node: the dial has become the link.
func (n *Node) follow(o election.Followed) {
	d := n.dials[o.Attempt]
	delete(n.dials, o.Attempt)
	if old := n.link; old != nil {
		n.part()
		old.client.FollowElsewhere()
	}
	n.disco.Remember(d.client.Addr(), o.To.ID)
	at := wire.Peer{Epoch: o.Reign.Epoch, Host: o.To.ID[:], Addrs: []string{d.client.Addr().String()}, Forced: o.To.Forced}
	n.hostAt.Store(&at)
	n.begin(&link{attempt: o.Attempt, client: d.client, cancel: d.cancel, heirs: n.hosts(d.client.Heirs)})
	n.ready()
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
	n.speakThrough()
	n.tellState()
	n.tasks.Go(func() {
		defer l.cancel()
		err := l.client.Run(ctx, func(notice relay.Notice) { n.post(n.ctx, told{l, notice}) })
		n.post(n.ctx, ended{l, err})
	})
}

// ended is the end of a connection to a host.
type ended struct {
	link *link
	err  error
}

// ended tells the machine that the connection to the host is gone.
func (n *Node) ended(e ended) {
	if i := slices.Index(n.parting, e.link); i >= 0 {
		n.parting = slices.Delete(n.parting, i, i+1)
		n.speakThrough()
		if !e.link.self {
			n.step(election.HostGone{Attempt: e.link.attempt, Left: true, Reason: plainly(e.err)})
		}
		return
	}
	if e.link != n.link {
		return
	}
	n.drop()
	if e.link.self {
		n.unserve(e.link.attempt, "lost the own relay: "+plainly(e.err))
		return
	}
	if errors.Is(e.err, relay.ErrTwin) {
		n.step(election.Twin{Attempt: e.link.attempt})
		return
	}
	n.step(election.HostGone{
		Attempt: e.link.attempt, Left: errors.Is(e.err, relay.ErrHostLeft), Dropped: errors.Is(e.err, relay.ErrDropped),
		Reason: plainly(e.err),
	})
}

// plainly says why a connection ended in words for a person.
func plainly(err error) string {
	var netErr net.Error
	switch {
	case errors.Is(err, relay.ErrHostLeft):
		return "the host left"
	case errors.As(err, &netErr) && netErr.Timeout():
		return "the host is silent"
	case errors.Is(err, relay.ErrDropped):
		return "the host could not hear this node"
	}
	return "the connection to the host broke"
}
