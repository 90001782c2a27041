package node

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"parley.lan/discovery"
	"parley.lan/node/election"
	"parley.lan/room"
)

// loop is what the loop alone reads and changes.
type loop struct {
	ctx     context.Context // of everything that the loop starts
	tasks   sync.WaitGroup
	machine *election.Machine
	queue   []Event // for the face

	shown    uint64             // cursor into the log: shown up to here
	toShow   bool               // there is more
	until    room.ID            // the last entry that the host has told of
	history  bool               // what is shown now was said before this node came
	settled  bool               // in the room for the first time, or later
	hush     context.CancelFunc // ends the sound; nil before it begins
	seq      uint64             // of the last message said
	reunited time.Time          // when the person was told that the room had been split

	dials     map[uint64]*dial   // under way, and those that welcomed us and are not yet followed
	link      *link              // the connection to the host that the faces know of
	parting   []*link            // to hosts that we have left, and over which voice still comes
	serving   *serving           // the relay, while hosting
	standby   *serving           // the relay, while we are the first successor
	prepared  bool               // it shall stand by
	retiring  *serving           // the relay, while it sends its members on
	warm      *warmth            // the connection to the first successor
	lost      room.NodeID        // the host that was lost last, until another is joined
	claimed   room.Reign         // the last one that everybody was told of
	announced *election.Announce // as discovery says it; nil: nothing yet
	probed    uint64             // the last probe
	askers    map[room.NodeID]uint64
	addrs     map[string][]netip.AddrPort
	fatal     error

	present  map[room.NodeID]bool // in the host's roster, as opposed to still expected
	settle   time.Time            // when those expected have not come; zero: nobody is
	ahead    time.Duration        // by how much the wall clock has run ahead of the monotonic one
	received uint64               // frames heard, at the last Voice event
}

// Run takes part in the room until ctx ends, then leaves politely. It emits Left last, then closes Events.
// A RefusedError says that the room will not have us. Run is called once.
func (n *Node) Run(ctx context.Context) error {
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	n.ctx = own
	n.dials, n.addrs, n.askers = map[uint64]*dial{}, map[string][]netip.AddrPort{}, map[room.NodeID]uint64{}
	found, stopFinding := context.WithCancel(own)
	defer stopFinding()
	n.tasks.Go(func() {
		if err := n.disco.Run(found); err != nil && found.Err() == nil {
			n.post(own, Error{
				Error: "can't look for other machines: " + err.Error(),
				Hint:  "is a network up? --join HOST reaches a node directly",
			})
		}
	})
	n.tasks.Go(func() { n.listenControl(own) })
	n.openHistory()
	stopKeeping := n.keepHistory()
	n.emit(Seeking{n.cfg.Room})
	if !n.again {
		n.reminisce()
	}
	n.step(election.Start{})
	n.turn(ctx.Done())
	stopFinding()
	n.close()
	n.emit(Left{Reason: n.reason()})
	return n.finish(cancel, stopKeeping)
}

// turn is the loop itself. It ends when the machine has stopped: when told to leave, and then a host first hands
// over, or when it gives up.
func (n *Node) turn(leave <-chan struct{}) {
	timer := time.NewTimer(0)
	speak, quality := time.NewTicker(speakTick), time.NewTicker(voiceTick)
	defer timer.Stop()
	defer speak.Stop()
	defer quality.Stop()
	for n.fatal == nil && n.machine.State() != election.Stopped {
		for n.settled && n.toShow && len(n.queue) <= maxQueue/2 { // else the log waits for the face
			n.show()
		}
		n.arm(timer)
		var out chan<- Event
		var first Event
		if len(n.queue) > 0 {
			out, first = n.events, n.queue[0]
		}
		select {
		case <-leave:
			leave = nil
			n.step(election.Stop{})
		case <-n.pipes.changed:
			n.tellState()
		case <-n.switches.changed:
			n.emit(Switched{n.Switches()})
			n.tellState()
		case <-n.changed:
			n.candidates()
		case out <- first:
			n.queue[0] = nil
			n.queue = n.queue[1:]
		case p := <-n.posts:
			n.take(p)
		case u := <-n.disco.Updates():
			n.found(u)
		case r := <-n.requests:
			id, err := r.do()
			r.answer <- answer{id, err}
		case <-speak.C:
			n.watchClocks()
			n.listen()
		case <-quality.C:
			n.quality()
			n.candidates() // for the round trips' sake
		case <-timer.C:
			if !n.settle.IsZero() && !time.Now().Before(n.settle) {
				n.unexpect()
			}
			n.step(election.Tick{})
		}
	}
}

// watchClocks tells the machine that it slept: the monotonic clock may stand still then, the wall clock runs on.
func (n *Node) watchClocks() {
	now := time.Now()
	ahead := now.Round(0).Sub(n.started.Round(0)) - now.Sub(n.started)
	if ahead-n.ahead > wakeGap {
		n.slog.Info("the machine slept, or its clock was set", "by", ahead-n.ahead)
		n.step(election.Woke{})
	}
	n.ahead = ahead
}

// arm sets the one timer for the machine and for the roster.
func (n *Node) arm(timer *time.Timer) {
	wait := time.Hour
	if at, ok := n.machine.Deadline(); ok {
		wait = at - time.Since(n.started)
	}
	if !n.settle.IsZero() {
		wait = min(wait, time.Until(n.settle))
	}
	timer.Reset(max(wait, 0))
}

// take handles what a goroutine posted.
func (n *Node) take(p any) {
	switch p := p.(type) {
	case Event:
		n.emit(p)
	case election.ServeFailed:
		n.serveFailed(p)
	case election.Served:
		n.step(p)
		n.candidates()
	case failed:
		n.relayFailed(p)
	case retired:
		n.yielded(p)
	case seen:
		n.step(election.Seen{Peer: n.host(p.Host)})
	case probed:
		n.probeAnswered(p)
	case heardControl:
		n.heard(p)
	case warmed:
		if p.of == n.warm {
			n.warm.conn = p.conn
		}
	case election.Input:
		n.step(p)
	case dialled:
		n.dialled(p)
	case told:
		n.told(p)
	case ended:
		n.ended(p)
	case knock:
		n.answerKnock(p)
	}
}

// found feeds what discovery heard of this room.
func (n *Node) found(u discovery.Update) {
	p := u.Peer
	if p.Via == discovery.ViaRemembered || !p.ID.IsZero() && p.Room != n.cfg.Room {
		return // discovery asks remembered addresses by itself
	}
	seen := election.Peer{ID: p.ID, Addr: n.remember(p.Addrs), Forced: p.Forced, Reign: room.Reign{Epoch: p.Epoch, Host: p.Host}}
	switch {
	case p.ID.IsZero():
		seen.Role = election.RoleUnknown
	case p.Role == discovery.Host:
		seen.Role = election.RoleHost
	case p.Role == discovery.Member:
		seen.Role = election.RoleMember
	default:
		seen.Role = election.RoleLooking
	}
	if p.ID == n.id.ID { // on another machine
		seen.Run = n.run + 1
	}
	if u.Gone {
		n.step(election.Unseen{Peer: seen})
		return
	}
	n.step(election.Seen{Peer: seen})
}
