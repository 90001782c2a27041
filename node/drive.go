package node

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"parley.lan/discovery"
	"parley.lan/node/election"
	"parley.lan/relay"
	"parley.lan/room"
	"parley.lan/wire"
)

// step feeds the machine and does what it says.
func (n *Node) step(in election.Input) {
	for _, out := range n.machine.Step(time.Since(n.started), in) {
		n.do(out)
	}
}

// later feeds the machine after the outputs at hand are done.
func (n *Node) later(in election.Input) {
	n.tasks.Go(func() { n.post(n.ctx, in) })
}

func (n *Node) do(out election.Output) {
	switch o := out.(type) {
	case election.Seek:
		n.disco.Seek()
	case election.Announce:
		n.announce(o)
	case election.Join:
		n.dial(o)
	case election.Leave:
		n.leave(o)
	case election.Followed:
		n.follow(o)
	case election.Serve:
		n.serve(o)
	case election.Raise:
		n.keepEpoch(o.Reign)
		n.serving.server.Raise(o.Reign)
	case election.Admit:
		n.verdict(o.ID, true, wire.Peer{})
	case election.Refer:
		n.verdict(o.ID, false, n.wirePeer(o.To))
	case election.Succession:
		n.succession(o)
	case election.HandOver:
		n.serving.server.HandOver(o.To.ID)
	case election.Yield:
		n.yield(o)
	case election.Prepare:
		n.prepare(o.On)
	case election.Warm:
		n.warmUp(o.To)
	case election.Ping:
		n.ping(o)
	case election.Ask:
		n.askPeers(o)
	case election.Tell:
		n.tellPeer(o)
	case election.Saw:
		if n.link != nil && n.link.attempt == o.Attempt {
			n.link.client.Saw(relay.Host{Reign: o.Peer.Reign, Forced: o.Peer.Forced, Addrs: n.recall(o.Peer.Addr)})
		}
	case election.Lost:
		n.emit(HostLost{Reason: o.Reason})
		n.emit(Seeking{n.cfg.Room})
	case election.Outforced:
		n.emit(Error{
			Error: fmt.Sprintf("%s was started with --host too, and hosts the room", n.nameOf(o.By.ID)),
			Hint:  "this node stays a member; it hosts again when that one leaves",
		})
	case election.Rekey:
		n.fatal = ErrTwin
	case election.GiveUp:
		n.fatal = &RefusedError{o.Reason}
	}
}

// announce tells everybody on the LAN what this node is.
func (n *Node) announce(a election.Announce) {
	n.announced = &a
	if a.Role == election.RoleHost {
		n.claim(a)
	}
	n.describe()
}

// describe has discovery say what was announced last, under the name of now.
func (n *Node) describe() {
	if n.announced == nil {
		return
	}
	a := *n.announced
	rec := discovery.Record{
		ID: n.id.ID, Room: n.cfg.Room, Name: n.cfg.Name, Epoch: a.Reign.Epoch, Host: a.Reign.Host,
		Forced: a.Forced, Proto: wire.Version,
	}
	switch {
	case a.Role == election.RoleHost && n.serving != nil:
		rec.Role = discovery.Host
		rec.Text, rec.Voice = n.serving.ports.TextPort(), n.serving.ports.VoicePort()
	case a.Role == election.RoleMember:
		rec.Role = discovery.Member
	default:
		rec.Role = discovery.Looking
		if rec.Host == n.id.ID {
			rec.Host = room.NodeID{}
		}
	}
	n.disco.Announce(rec)
}

// remember gives a set of addresses, best first, the name by which the machine compares it.
func (n *Node) remember(addrs []netip.AddrPort) string {
	names := make([]string, len(addrs))
	for i, a := range addrs {
		names[i] = a.String()
	}
	slices.Sort(names)
	key := strings.Join(names, " ")
	if len(n.addrs) > 1000 { // a flood of records: the machine keeps far fewer peers
		clear(n.addrs)
	}
	n.addrs[key] = addrs
	return key
}

// recall gives the addresses back.
func (n *Node) recall(key string) []netip.AddrPort {
	if addrs, ok := n.addrs[key]; ok {
		return addrs
	}
	var addrs []netip.AddrPort
	for s := range strings.FieldsSeq(key) {
		if a, err := netip.ParseAddrPort(s); err == nil {
			addrs = append(addrs, a)
		}
	}
	return addrs
}

// wirePeer is a peer as others are told of it.
func (n *Node) wirePeer(p election.Peer) wire.Peer {
	if p.ID == n.id.ID && n.serving != nil {
		return wire.Here(p.Reign, p.Forced, n.serving.ports.TextPort())
	}
	w := wire.Peer{Epoch: p.Reign.Epoch, Host: p.ID[:], Forced: p.Forced}
	for _, a := range n.recall(p.Addr) {
		w.Addrs = append(w.Addrs, a.String())
	}
	return w
}

// host is a host as the machine wants it.
func (n *Node) host(h relay.Host) election.Peer {
	return election.Peer{
		ID: h.Reign.Host, Addr: n.remember(h.Addrs), Role: election.RoleHost, Reign: h.Reign, Forced: h.Forced,
	}
}

func (n *Node) hosts(list []relay.Host) []election.Peer {
	var out []election.Peer
	for _, h := range list {
		p := n.host(h)
		p.Role = election.RoleMember
		out = append(out, p)
	}
	return out
}
