package node

import (
	"context"
	"errors"
	mrand "math/rand/v2"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"parley.lan/node/election"
	"parley.lan/relay"
	"parley.lan/room"
	"parley.lan/wire"
)

// How this node finds out whether its host is dead, and keeps what makes the next failover short.

// ping asks a host, on the link if there is one and over connections of its own, one at a time. While a process dies
// its listener may still accept, or reset what it has accepted: that is no answer, and so it is asked again at once.
func (n *Node) ping(o election.Ping) {
	if n.link != nil && n.link.client.Reign.Host == o.To.ID {
		n.link.client.Ping(o.Probe)
	}
	if n.probed == o.Probe {
		return
	}
	n.probed = o.Probe
	addrs, cfg := n.recall(o.To.Addr), n.clientConfig(o.To.ID, room.Reign{})
	n.tasks.Go(func() {
		ctx, cancel := context.WithTimeout(n.ctx, probeTime)
		defer cancel()
		for {
			p, err := relay.Probe(ctx, addrs, cfg)
			if err == nil || errors.Is(err, syscall.ECONNREFUSED) {
				n.post(n.ctx, probed{o.Probe, p, err})
				return
			}
			select {
			case <-time.After(probeRest):
			case <-ctx.Done():
				return
			}
		}
	})
}

// probed is what came of a probe; an error says that nothing listens there.
type probed struct {
	number uint64
	relay.Probed
	err error
}

func (n *Node) probeAnswered(p probed) {
	in := election.Pong{Probe: p.number}
	switch {
	case p.err != nil:
		in.Answer = election.Closed
	case p.Hosts && p.Yours:
		in.Answer = election.Yours
	case p.Hosts:
		in.Answer = election.Stranger
	default:
		in.Answer, in.Hint = election.NotHosts, n.host(p.Host)
	}
	n.step(in)
}

// askPeers asks the other members whether they hear the host, its successors first.
func (n *Node) askPeers(o election.Ask) {
	var asked []room.NodeID
	ask := func(id room.NodeID) {
		if id == n.id.ID || id == o.About.Host || len(asked) == election.MaxAsk || slices.Contains(asked, id) {
			return
		}
		c := wire.Control{Kind: wire.Ask, Probe: o.Probe, Run: n.run, About: wire.Peer{Epoch: o.About.Epoch, Host: o.About.Host[:]}}
		if n.sendControl(id, c) {
			asked = append(asked, id)
		}
	}
	if n.link != nil {
		for _, p := range n.link.heirs {
			ask(p.ID)
		}
	}
	for _, m := range n.Members() {
		ask(m.ID)
	}
}

func (n *Node) tellPeer(o election.Tell) {
	run := n.askers[o.ID]
	delete(n.askers, o.ID)
	n.sendControl(o.ID, wire.Control{Kind: wire.Tell, Probe: o.Probe, Run: run, Hears: o.Hears, Host: n.wirePeer(o.Host)})
}

// maxAskers bounds the peers that wait for a TELL; their runs are kept, to be given back. The machine answers far fewer at a
// time.
const maxAskers = 256

// claim tells everybody that this node hosts: the others of the last roster, and the host that we have left.
func (n *Node) claim(a election.Announce) {
	if a.Reign == n.claimed {
		return
	}
	n.claimed = a.Reign
	here := wire.Here(a.Reign, a.Forced, n.serving.ports.TextPort())
	for _, m := range n.Members() {
		if m.ID != n.id.ID {
			n.sendControl(m.ID, wire.Control{Kind: wire.Claim, Host: here})
		}
	}
	for _, l := range n.parting {
		l.client.Claim(a.Reign, a.Forced, n.serving.ports.TextPort())
	}
	if n.link != nil && !n.link.self {
		n.link.client.Claim(a.Reign, a.Forced, n.serving.ports.TextPort())
	}
}

// sendControl sends a datagram to a member; false when it is not known where that one takes them.
func (n *Node) sendControl(id room.NodeID, c wire.Control) bool {
	m := n.roster.get(id)
	if m == nil || !m.Control.IsValid() {
		return false
	}
	c.Room, c.To = n.cfg.Room, id[:]
	b, err := wire.SignControl(n.id.Key, c)
	if err != nil {
		n.slog.Warn("a control datagram is too long", "error", err)
		return false
	}
	n.control.send(b, m.Control)
	return true
}

// heardControl takes a datagram that a member has signed.
type heardControl struct {
	*wire.Control
	from netip.Addr
}

func (n *Node) heard(c heardControl) {
	h := relay.HostOf(c.Host, c.from)
	switch c.Kind {
	case wire.Claim:
		if h.Reign.Host == c.From() && len(h.Addrs) > 0 {
			n.step(election.Seen{Peer: n.host(h)})
		}
	case wire.Ask:
		if len(n.askers) >= maxAskers {
			clear(n.askers)
		}
		n.askers[c.From()] = c.Run
		n.step(election.Asked{ID: c.From(), Probe: c.Probe, About: c.About.Reign()})
	case wire.Tell:
		if c.Run == n.run {
			n.step(election.Told{Probe: c.Probe, ID: c.From(), Hears: c.Hears, Host: n.host(h)})
		}
	}
}

// warmth is the idle connection to the first successor.
type warmth struct {
	to     room.NodeID
	cancel context.CancelFunc
	conn   *relay.Warm // nil until it stands
}

// warmed is a warm connection that stands, or stands no more.
type warmed struct {
	of   *warmth
	conn *relay.Warm
}

// warmUp keeps a connection to one node in place of any other.
func (n *Node) warmUp(to election.Peer) {
	if n.warm != nil {
		n.warm.cancel()
		n.warm = nil
	}
	if to.Addr == "" || to.ID == n.id.ID {
		return
	}
	ctx, cancel := context.WithCancel(n.ctx)
	w := &warmth{to: to.ID, cancel: cancel}
	n.warm = w
	addrs, cfg := n.recall(to.Addr), n.clientConfig(to.ID, room.Reign{})
	n.tasks.Go(func() {
		select { // a room on the move has enough to do, and all its members would come at once
		case <-time.After(warmDelay + mrand.N(warmDelay)):
		case <-ctx.Done():
		}
		for ctx.Err() == nil {
			conn, err := relay.DialWarm(ctx, addrs, cfg)
			if err == nil {
				n.post(ctx, warmed{w, conn})
				err = conn.Watch(ctx, func(h relay.Host) { n.post(ctx, seen{h}) })
				n.post(ctx, warmed{w, nil})
			}
			n.slog.Debug("no warm connection to the first successor", "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(warmRest):
			}
		}
	})
}

// takeWarm gives the warm connection away, if it leads to the given node.
func (n *Node) takeWarm(to room.NodeID) *relay.Warm {
	if n.warm == nil || n.warm.to != to || n.warm.conn == nil {
		return nil
	}
	conn := n.warm.conn
	n.warm.conn = nil
	return conn
}
