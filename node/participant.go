package node

import (
	"context"
	"errors"
	"sync"

	"parley.lan/identity"
	"parley.lan/room"
)

// Participant is a node that stays in the room when its key turns out to be another's too, as after a copied state
// folder or a cloned machine: it makes itself a new key, says so, and goes on.
type Participant struct {
	cfg    Config
	events chan Event

	mu   sync.Mutex
	node *Node
	next chan struct{} // closed when node is replaced, or is the last one and has ended
}

// Open prepares a participant: its identity from the state folder, nothing on the network yet.
func Open(cfg Config) (*Participant, error) {
	cfg.pipes, cfg.switches = newPipes(), newSwitchboard(cfg.Sound)
	n, err := New(cfg)
	if err != nil {
		return nil, err
	}
	return &Participant{cfg: cfg, events: make(chan Event), node: n, next: make(chan struct{})}, nil
}

// Run takes part until ctx ends; see Node.Run.
func (p *Participant) Run(ctx context.Context) error {
	defer close(p.events)
	for {
		n, _ := p.now()
		ran := make(chan error, 1)
		go func() { ran <- n.Run(ctx) }()
		for e := range n.Events() {
			if left, ok := e.(Left); ok && left.Reason == ErrTwin.Error() && ctx.Err() == nil {
				continue // not for good
			}
			p.events <- e
		}
		err := <-ran
		if !errors.Is(err, ErrTwin) || ctx.Err() != nil {
			p.replace(n)
			return err
		}
		fresh, aside, err := p.renew()
		if err != nil {
			p.events <- Left{Reason: err.Error()}
			p.replace(n)
			return err
		}
		p.events <- Error{
			Error: "another machine uses the key of this one, so this one has made itself a new key; the old one is kept as " + aside,
			Hint:  "was the state folder copied, or the machine cloned? Others see a new member of the same name",
		}
		p.replace(fresh)
	}
}

func (p *Participant) renew() (n *Node, aside string, err error) {
	if aside, err = identity.SetAside(p.cfg.StateDir); err != nil {
		return nil, "", err
	}
	if n, err = New(p.cfg); err != nil {
		return nil, "", err
	}
	n.again = true
	return n, aside, nil
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

// Events is what happened, in order; see Node.Events.
func (p *Participant) Events() <-chan Event { return p.events }

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
		<-next
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
