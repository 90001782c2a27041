package node

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"parley.lan/identity"
	"parley.lan/room"
)

// Participant is a node that stays when its key turns out to be another's too, as after a copied state folder or a cloned
// machine: it makes itself a new key, says so, and goes on. And it may go from one room to another. Each time it takes a new
// Node, with the same sound, switches, volumes and name.
type Participant struct {
	events  chan Event
	watches watches
	moving  chan struct{} // of one: enter has changed
	done    chan struct{} // closed when Run returns

	renaming sync.Mutex // so that of two new names the same one holds everywhere

	mu    sync.Mutex
	cfg   Config // of the next node
	enter string // the room to go to; empty: none
	node  *Node
	next  chan struct{} // closed when node is replaced, or is the last one and has ended
}

// Open prepares a participant: its identity from the state folder, nothing on the network yet.
func Open(cfg Config) (*Participant, error) {
	n, err := New(cfg)
	if err != nil {
		return nil, err
	}
	return &Participant{
		cfg: n.cfg, node: n, events: make(chan Event), next: make(chan struct{}),
		moving: make(chan struct{}, 1), done: make(chan struct{}),
	}, nil
}

// Run takes part until ctx ends; see Node.Run.
func (p *Participant) Run(ctx context.Context) error {
	defer close(p.done)
	defer close(p.events)
	for {
		n, _ := p.now()
		left, err := p.stay(ctx, n)
		fresh, why, errNext := p.goOn(ctx, err)
		switch {
		case errNext != nil:
			p.tell(Left{Reason: errNext.Error()})
			p.replace(n)
			return errNext
		case fresh == nil:
			p.tell(left)
			p.replace(n)
			return err
		}
		if why != nil {
			p.tell(*why)
		}
		p.replace(fresh)
	}
}

// stay runs one node, until ctx ends or it is to go to another room, and tells everything but that it has left.
func (p *Participant) stay(ctx context.Context, n *Node) (left Left, err error) {
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	var running sync.WaitGroup
	running.Go(func() { err = n.Run(ctx) })
	running.Go(func() {
		select {
		case <-ctx.Done():
		case <-p.moving:
			patience, cancel := context.WithTimeout(ctx, leaveTime)
			defer cancel()
			n.Drain(patience) // what can't be delivered here waits on disk until the next time
			leave()
		}
	})
	for e := range n.Events() {
		if l, ok := e.(Left); ok {
			left = l
			continue
		}
		p.tell(e)
	}
	leave()
	running.Wait()
	return left, err
}

// goOn makes the next node, if one is to come after one that ended so, with what is to be told of it.
func (p *Participant) goOn(ctx context.Context, ended error) (fresh *Node, why *Error, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	twin := errors.Is(ended, ErrTwin)
	if ctx.Err() != nil || !twin && (ended != nil || p.enter == "") {
		return nil, nil, nil
	}
	if twin {
		aside, err := identity.SetAside(p.cfg.StateDir)
		if err != nil {
			return nil, nil, err
		}
		why = &Error{
			Error: "another machine uses the key of this one, so this one has made itself a new key; the old one is kept as " + aside,
			Hint:  "was the state folder copied, or the machine cloned? Others see a new member of the same name",
		}
	}
	moved := p.enter != ""
	if moved {
		p.cfg.Room, p.enter = p.enter, ""
		select { // a second wish meanwhile is granted with the first
		case <-p.moving:
		default:
		}
	}
	if fresh, err = New(p.cfg); err != nil {
		return nil, nil, err
	}
	fresh.again = !moved
	return fresh, why, nil
}

func (p *Participant) now() (*Node, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.node, p.next
}

func (p *Participant) replace(n *Node) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.node = n
	close(p.next)
	p.next = make(chan struct{})
}

// tell gives an event to everybody who observes.
func (p *Participant) tell(e Event) {
	p.watches.tell(e, p.ID())
	p.events <- e
}

// Events is what happened, in order; see Node.Events.
func (p *Participant) Events() <-chan Event { return p.events }

// Watch begins to observe what happens, beside whoever reads Events. It must be closed.
func (p *Participant) Watch() *Watch { return p.watches.add(p.Switches()) }

// Room is the room that the node is in, or looks for.
func (p *Participant) Room() string {
	n, _ := p.now()
	return n.cfg.Room
}

// Enter leaves the room, politely, and goes on in another one: Seeking and Joined tell when.
func (p *Participant) Enter(name string) error {
	if err := room.CheckName(name); err != nil {
		return fmt.Errorf("room: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.done:
		return errLeft
	default:
	}
	if to := p.enter; to == name || to == "" && p.cfg.Room == name {
		return fmt.Errorf("this node is in %s already", name)
	}
	p.enter = name
	select {
	case p.moving <- struct{}{}:
	default:
	}
	return nil
}

// Say sends text to the room; see Node.Say.
func (p *Participant) Say(text string) (room.ID, error) {
	return p.try(func(n *Node) (room.ID, error) { return n.Say(text) })
}

// Whisper sends text to one member; see Node.Whisper.
func (p *Participant) Whisper(to, text string) (room.ID, error) {
	return p.try(func(n *Node) (room.ID, error) { return n.Whisper(to, text) })
}

// try speaks through the node of the moment, and through the next one when that has just ended.
func (p *Participant) try(say func(*Node) (room.ID, error)) (room.ID, error) {
	for {
		n, next := p.now()
		id, err := say(n)
		if !errors.Is(err, errLeft) {
			return id, err
		}
		select {
		case <-next:
		case <-p.done: // there is no next one
			return id, err
		}
		if again, _ := p.now(); again == n {
			return id, err
		}
	}
}

// Drain waits until everything said is delivered; see Node.Drain.
func (p *Participant) Drain(ctx context.Context) int {
	n, _ := p.now()
	return n.Drain(ctx)
}

// Members is the roster by last word.
func (p *Participant) Members() []room.Member { n, _ := p.now(); return n.Members() }

// ID is this node's own id, for now.
func (p *Participant) ID() room.NodeID { n, _ := p.now(); return n.ID() }
