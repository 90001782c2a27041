package node

import (
	"context"
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
		n.claimed(o.Reign)
		n.serving.server.Raise(o.Reign)
	case election.Admit:
		n.verdict(o.ID, true, wire.Redirect{})
	case election.Refer:
		n.verdict(o.ID, false, n.redirect(o.To))
	case election.Yield:
		n.yield(o)
	case election.Lost:
		n.emit(HostLost{Reason: o.Reason})
		n.emit(Seeking{n.cfg.Room})
	case election.Outforced:
		n.emit(Error{
			Error: fmt.Sprintf("%s was started with --host too, and hosts the room", o.By.ID),
			Hint:  "this node stays a member; it hosts again when that one leaves",
		})
	case election.GiveUp:
		n.fatal = &RefusedError{o.Reason}
	}
}

func (n *Node) announce(a election.Announce) {
	rec := discovery.Record{
		ID: n.id.ID, Room: n.cfg.Room, Name: n.cfg.Name, Epoch: a.Reign.Epoch, Host: a.Reign.Host,
		Forced: a.Forced, Proto: wire.Version,
	}
	switch a.Role {
	case election.RoleHost:
		rec.Role = discovery.Host
		rec.Text, rec.Voice = n.serving.ports.TextPort(), n.serving.ports.VoicePort()
	case election.RoleMember:
		rec.Role = discovery.Member
	default:
		rec.Role = discovery.Looking
		if rec.Host == n.id.ID {
			rec.Host = room.NodeID{}
		}
	}
	n.disco.Announce(rec)
}

// addresses are a peer's, best first.
type addresses []netip.AddrPort

// remember gives a set of addresses the name by which the machine compares it.
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
func (n *Node) recall(key string) addresses {
	if addrs, ok := n.addrs[key]; ok {
		return addrs
	}
	var addrs addresses
	for s := range strings.FieldsSeq(key) {
		if a, err := netip.ParseAddrPort(s); err == nil {
			addrs = append(addrs, a)
		}
	}
	return addrs
}

func (n *Node) redirect(to election.Peer) wire.Redirect {
	r := wire.Redirect{Epoch: to.Reign.Epoch, Host: to.ID[:]}
	for _, a := range n.recall(to.Addr) {
		r.Addrs = append(r.Addrs, a.String())
	}
	return r
}

// hint is a redirect as the machine wants it.
func (n *Node) hint(e *relay.RedirectError) election.Peer {
	return election.Peer{ID: e.Reign.Host, Addr: n.remember(e.Addrs), Role: election.RoleHost, Reign: e.Reign}
}

// serving is this node's own relay.
type serving struct {
	attempt uint64
	server  *relay.Server
	ports   *relay.Ports
	stop    context.CancelFunc
	knocks  map[room.NodeID][]chan<- verdict
}

type verdict struct {
	admit bool
	refer wire.Redirect
}

// knock is a node at the door with a greater reign than ours.
type knock struct {
	attempt uint64
	id      room.NodeID
	reign   room.Reign
	answer  chan verdict // of one
}

// serve opens the relay and then joins it like everybody else.
func (n *Node) serve(o election.Serve) {
	n.claimed(o.Reign)
	if len(n.cfg.Join) > 0 && !n.cfg.ForceHost && !n.settled {
		n.emit(Error{
			Error: fmt.Sprintf("no node let this one in at %s, so it hosts the room itself", strings.Join(n.cfg.Join, ", ")),
			Hint:  "is the address right, does a node run there, and does its firewall let TCP 2222 through? This node goes on trying",
		})
	}
	ports, err := relay.Listen(n.cfg.TextPort, n.cfg.VoicePort)
	if err != nil {
		n.emit(Error{Error: "can't host the room: " + err.Error(), Hint: "another node may host it; this one goes on looking"})
		n.later(election.ServeFailed{Attempt: o.Attempt, Reason: err.Error()})
		return
	}
	for _, taken := range ports.Taken {
		n.emit(Error{Error: taken, Hint: "another program, or another node on this machine, has it; nodes find the new one by themselves"})
	}
	floor := floorTime
	if n.log.End() == 0 { // nothing was said since the start
		floor = 0
	}
	ctx, cancel := context.WithCancel(n.ctx)
	s := &serving{attempt: o.Attempt, ports: ports, stop: cancel, knocks: map[room.NodeID][]chan<- verdict{}}
	s.server = relay.NewServer(relay.Config{
		Identity: n.id, Room: n.cfg.Room, Reign: o.Reign, Forced: n.cfg.ForceHost, Log: n.log, Ports: ports,
		NoPlain: n.cfg.NoPlain, Bridge: n.cfg.Bridge, Floor: floor, Logger: n.slog,
		Knock: func(ctx context.Context, id room.NodeID, reign room.Reign) (bool, wire.Redirect) {
			k := knock{o.Attempt, id, reign, make(chan verdict, 1)}
			n.post(ctx, k)
			select {
			case v := <-k.answer:
				return v.admit, v.refer
			case <-ctx.Done():
				return false, wire.Redirect{}
			}
		},
	})
	n.serving = s
	n.tasks.Go(func() {
		defer cancel()
		if err := s.server.Run(ctx); err != nil {
			n.post(n.ctx, election.ServeFailed{Attempt: o.Attempt, Reason: err.Error()})
		}
	})
	n.emit(Hosting{
		Room: n.cfg.Room, Epoch: o.Reign.Epoch,
		Text: reachable(ports.TextPort()), Voice: reachable(ports.VoicePort()),
	})
	n.later(election.Served{Attempt: o.Attempt})
	n.joinSelf(o)
}

// claimed keeps the epoch for the next run of this node.
func (n *Node) claimed(r room.Reign) {
	if err := saveEpoch(n.cfg.StateDir, r.Epoch); err != nil {
		n.slog.Warn("the epoch is not kept for the next start", "error", err)
	}
}

// later feeds the machine after the outputs at hand are done.
func (n *Node) later(in election.Input) {
	n.tasks.Go(func() { n.post(n.ctx, in) })
}

func (n *Node) answerKnock(k knock) {
	if n.serving == nil || n.serving.attempt != k.attempt {
		k.answer <- verdict{}
		return
	}
	n.serving.knocks[k.id] = append(n.serving.knocks[k.id], k.answer)
	n.step(election.Knock{ID: k.id, Reign: k.reign})
}

func (n *Node) verdict(id room.NodeID, admit bool, refer wire.Redirect) {
	if n.serving == nil {
		return
	}
	for _, answer := range n.serving.knocks[id] {
		answer <- verdict{admit, refer}
	}
	delete(n.serving.knocks, id)
}

// unserve clears away a relay that failed.
func (n *Node) unserve(attempt uint64) {
	if n.serving != nil && n.serving.attempt == attempt {
		n.serving.stop()
		n.serving = nil
		n.drop()
	}
}

// yield ends the relay; its members are told where to go, if anywhere.
func (n *Node) yield(o election.Yield) {
	s := n.serving
	if s == nil || s.attempt != o.Attempt {
		return
	}
	n.serving = nil
	if o.To.Addr == "" {
		s.stop()
		return
	}
	s.server.Redirect(n.redirect(o.To))
	n.tasks.Go(func() { // the members get the word before the relay goes
		defer s.stop()
		select {
		case <-time.After(leaveTime):
		case <-n.ctx.Done():
		}
	})
}
