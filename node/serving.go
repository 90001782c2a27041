package node

import (
	"context"
	"fmt"
	"strings"

	"parley.lan/node/election"
	"parley.lan/relay"
	"parley.lan/room"
	"parley.lan/wire"
)

// serving is this node's own relay: standing by, hosting, or sending its members on.
type serving struct {
	attempt uint64 // of the machine's Serve; 0 while it stands by
	server  *relay.Server
	ports   *relay.Ports
	stop    context.CancelFunc
	ended   chan struct{}
	knocks  map[room.NodeID][]chan<- verdict
}

// What a relay's goroutines post.
type (
	// knock is a node at the door about whom the machine decides.
	knock struct {
		at *serving
		relay.Knock
		answer chan verdict // of one
	}
	// seen is word of another host.
	seen struct{ relay.Host }
	// failed is a relay that has ended by itself.
	failed struct {
		relay *serving
		err   error
	}
)

// standBy opens a relay that nobody but the members may connect to, and which does not host yet.
func (n *Node) standBy() (*serving, error) {
	ports, err := relay.Listen(n.cfg.TextPort, n.cfg.VoicePort)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(n.ctx)
	s := &serving{ports: ports, stop: cancel, ended: make(chan struct{}), knocks: map[room.NodeID][]chan<- verdict{}}
	beat, drop := election.BeatWired, election.DropTime
	if n.wifi {
		beat, drop = election.BeatWiFi, 2*election.DropTime
	}
	s.server = relay.NewServer(relay.Config{
		Identity: n.id, Room: n.cfg.Room, Run: n.run, Self: n.self(), Forced: n.cfg.ForceHost, Log: n.log, Ports: ports,
		NoPlain: n.cfg.NoPlain, Bridge: n.cfg.Bridge, Logger: n.slog,
		Beat: beat, Drop: drop, WiFi: n.wifi,
		Knock: func(ctx context.Context, who relay.Knock) (bool, wire.Peer) {
			k := knock{s, who, make(chan verdict, 1)}
			n.post(ctx, k)
			select {
			case v := <-k.answer:
				return v.admit, v.refer
			case <-ctx.Done():
				return false, wire.Peer{}
			}
		},
		Warm: n.roster.has,
		Hint: func() wire.Peer {
			if p := n.hostAt.Load(); p != nil {
				return *p
			}
			return wire.Peer{}
		},
		Saw: func(h relay.Host) { n.post(ctx, seen{h}) },
		Changed: func() {
			select {
			case n.changed <- struct{}{}:
			default: // somebody will look anyway
			}
		},
	})
	n.tasks.Go(func() {
		defer close(s.ended)
		defer cancel()
		if err := s.server.Run(ctx); err != nil {
			n.post(n.ctx, failed{s, err})
		}
	})
	return s, nil
}

// prepare has a relay stand by, or no more. While the one before is still sending its members on, the ports are taken:
// then it waits for its end.
func (n *Node) prepare(on bool) {
	n.prepared = on
	if n.standby != nil {
		n.standby.stop()
		n.standby = nil
	}
	if on && n.retiring == nil {
		var err error
		if n.standby, err = n.standBy(); err != nil {
			n.slog.Warn("no relay stands by", "error", err) // should it be needed, it is tried again, and said
		}
	}
	n.ready()
}

// ready tells the host where our relay stands by.
func (n *Node) ready() {
	switch {
	case n.link == nil || n.link.self:
	case n.standby != nil:
		n.link.client.Ready(n.standby.ports.TextPort())
	default:
		n.link.client.Ready(0)
	}
}

// serve opens the relay and then joins it like everybody else.
func (n *Node) serve(o election.Serve) {
	n.keepEpoch(o.Reign)
	if len(n.cfg.Join) > 0 && !n.cfg.ForceHost && !n.settled {
		n.emit(Error{
			Error: fmt.Sprintf("no node let this one in at %s, so it hosts the room itself", strings.Join(n.cfg.Join, ", ")),
			Hint:  "is the address right, does a node run there, and does its firewall let TCP 2222 through? This node goes on trying",
		})
	}
	s := n.standby
	n.standby = nil
	if s == nil {
		var err error
		if s, err = n.standBy(); err != nil {
			n.emit(Error{Error: "can't host the room: " + err.Error(), Hint: "another node may host it; this one goes on looking"})
			n.later(election.ServeFailed{Attempt: o.Attempt, Reason: err.Error()})
			return
		}
	}
	for _, taken := range s.ports.Taken {
		n.emit(Error{Error: taken, Hint: "another program, or another node on this machine, has it; nodes find the new one by themselves"})
	}
	s.attempt = o.Attempt
	n.serving = s
	expect := n.survivors()
	floor := floorTime
	if len(expect) == 0 {
		floor = 0
	}
	s.server.Open(o.Reign, expect, floor)
	n.emit(Hosting{
		Room: n.cfg.Room, Epoch: o.Reign.Epoch,
		Text: reachable(s.ports.TextPort()), Voice: reachable(s.ports.VoicePort()),
	})
	n.later(election.Served{Attempt: o.Attempt})
	n.joinSelf(o)
}

// survivors are those who will bring what the host before us had given out: all who were with us there, and that
// host itself when it only hands over.
func (n *Node) survivors() (ids []room.NodeID) {
	for id := range n.present {
		if id != n.id.ID && (id != n.lost || n.link != nil) {
			if m := n.roster.get(id); m != nil && !m.Plain {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// keepEpoch keeps the epoch for the next run of this node.
func (n *Node) keepEpoch(r room.Reign) {
	if err := saveEpoch(n.cfg.StateDir, r.Epoch); err != nil {
		n.slog.Warn("the epoch is not kept for the next start", "error", err)
	}
}

// relayFailed clears away a relay that has ended by itself.
func (n *Node) relayFailed(f failed) {
	switch f.relay {
	case n.standby:
		n.standby = nil
		n.ready()
	case n.serving:
		n.unserve(f.relay.attempt, f.err.Error())
	}
}

// serveFailed is a relay that did not start, or that this node can't reach itself.
func (n *Node) serveFailed(in election.ServeFailed) {
	if n.serving != nil && n.serving.attempt == in.Attempt {
		n.unserve(in.Attempt, in.Reason)
		return
	}
	n.step(in)
}

func (n *Node) unserve(attempt uint64, reason string) {
	if n.serving == nil || n.serving.attempt != attempt {
		return
	}
	n.serving.stop()
	n.serving = nil
	n.drop()
	n.step(election.ServeFailed{Attempt: attempt, Reason: reason})
}

// yield ends the relay. Its members are sent to the next host, if there is one, and heard until they are there.
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
	to := n.wirePeer(o.To)
	n.retiring = s
	n.tasks.Go(func() {
		ctx, cancel := context.WithTimeout(n.ctx, election.MoveTime)
		defer cancel()
		s.server.Retire(ctx, to)
		s.stop()
		<-s.ended
		n.post(n.ctx, retired{s})
	})
}

// retired is a relay whose members have gone to the next host.
type retired struct{ *serving }

func (n *Node) yielded(r retired) {
	if n.retiring == r.serving {
		n.retiring = nil
	}
	if n.prepared && n.standby == nil && n.serving == nil {
		n.prepare(true)
	}
	n.step(election.Yielded{Attempt: r.attempt})
}
