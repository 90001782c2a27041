package node

import (
	"slices"
	"sync"
	"sync/atomic"

	"parley.lan/room"
)

// pipes is where programs on this machine take the room's voices from, and speak into it: the taps and the mouth. It
// outlives the node of a Participant.
type pipes struct {
	taps    atomic.Pointer[[]*Tap] // for the voice path
	mouth   mouth
	changed chan struct{} // of one: whether somebody records, or speaks, has

	mu        sync.Mutex // guards changes of what follows, and of the list of taps
	recorders int
}

func newPipes() *pipes {
	p := &pipes{changed: make(chan struct{}, 1)}
	p.taps.Store(&[]*Tap{})
	return p
}

// overhear gives a frame to every tap. Without one it costs a load.
func (p *pipes) overhear(from *speaker, f room.VoiceFrame) {
	for _, t := range *p.taps.Load() {
		t.put(from, f)
	}
}

func (p *pipes) tap(recording bool) *Tap {
	t := &Tap{ready: make(chan struct{}, 1)}
	t.close = sync.OnceFunc(func() { p.edit(recording, -1, func(all []*Tap) []*Tap { return slices.DeleteFunc(all, is(t)) }) })
	p.edit(recording, 1, func(all []*Tap) []*Tap { return append(all, t) })
	return t
}

func is(t *Tap) func(*Tap) bool { return func(o *Tap) bool { return o == t } }

func (p *pipes) edit(recording bool, by int, edit func([]*Tap) []*Tap) {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := edit(slices.Clone(*p.taps.Load()))
	p.taps.Store(&all)
	if !recording {
		return
	}
	p.recorders += by
	p.change()
}

// change has the node tell the others what it does now.
func (p *pipes) change() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

func (p *pipes) recording() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.recorders > 0
}

// state is what this node does, as the others are to know it. Who is muted and gives the word to another program is heard.
func (n *Node) state() room.State {
	return room.State{
		Recording: n.pipes.recording(), Listening: n.cfg.Listening, Muted: n.Muted() && !n.pipes.mouth.lent.Load(),
	}
}

// tellState tells the host what this node does, and what it is called.
func (n *Node) tellState() {
	if n.link != nil {
		n.link.client.SetState(n.state())
		n.link.client.SetName(n.cfg.Name)
	}
	for _, s := range []*serving{n.serving, n.standby} {
		if s != nil {
			s.server.SetSelf(n.self())
		}
	}
}

// Overhear gives every frame that this node hears and sends from now on, until the tap is closed. While one is open that
// records, everybody in the room is told that this member does.
func (n *Node) Overhear(recording bool) *Tap { return n.pipes.tap(recording) }

// Overhear is Node's; it goes on when the node makes itself a new key.
func (p *Participant) Overhear(recording bool) *Tap { return p.cfg.pipes.tap(recording) }

// Sounding is what can be told of a node's sound at a moment.
type Sounding struct {
	Audio
	Muted bool `json:"muted"`
	Voice
}

// Sounding tells of this node's sound now.
func (n *Node) Sounding() Sounding {
	s := Sounding{Muted: n.Muted(), Voice: n.voice()}
	if a := n.sounded.Load(); a != nil {
		s.Audio = *a
	}
	return s
}

// Sounding is Node's.
func (p *Participant) Sounding() Sounding { n, _ := p.now(); return n.Sounding() }
