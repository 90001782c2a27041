package local

import (
	"context"
	"errors"
	"io"
	"sync"

	"parley.lan/node"
	"parley.lan/room"
)

// Attached is the running node, as a face in another process has it.
type Attached struct {
	c      *lines
	queue  *node.Queue // so that answers never wait for who reads the events
	events chan node.Event
	gone   chan struct{} // closed when no answer will come any more

	mu      sync.Mutex
	id      room.NodeID
	soFar   node.SoFar
	levels  node.Levels
	calls   uint64
	waiting map[uint64]*waiting

	detached bool
}

// waiting is a call whose answer has not come, or not all of it.
type waiting struct {
	reply
	done chan struct{}
}

var _ node.Face = (*Attached)(nil)

// Attach reaches the node that runs with a state folder. Run must follow.
func Attach(dir string) (*Attached, error) {
	c, a, err := ask(dir, request{Do: doAttach})
	if err != nil {
		return nil, err
	}
	if a.Self == nil {
		c.Close()
		return nil, errors.New("the running node doesn't tell who it is")
	}
	return newAttached(c, *a.Self), nil
}

func newAttached(c *lines, id room.NodeID) *Attached {
	return &Attached{
		c: c, queue: node.NewQueue(), events: make(chan node.Event), gone: make(chan struct{}),
		id: id, levels: node.Levels{Microphone: room.LevelSilent}, waiting: map[uint64]*waiting{},
	}
}

// Run follows the node until ctx ends, which detaches from it, or the node has left. Left is the last event in any case, and
// says why. The error is ErrEnded when the node has ended without a word, or node.ErrBehind.
func (a *Attached) Run(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { a.c.Close() })()
	var passing sync.WaitGroup
	defer passing.Wait()
	var behind error
	passing.Go(func() {
		defer close(a.events)
		for {
			e, err := a.queue.Next(context.Background())
			if errors.Is(err, node.ErrBehind) {
				behind = err
				a.c.Close()
				a.events <- node.Left{Reason: err.Error()}
			}
			if err != nil {
				return
			}
			a.events <- e
		}
	})
	left, err := a.follow()
	a.c.Close()
	close(a.gone)
	switch {
	case left:
		err = nil
	case ctx.Err() != nil:
		a.queue.Put(node.Left{Reason: node.Detached})
		a.set(func() { a.detached = true })
		err = nil
	default:
		a.queue.Put(node.Left{Reason: err.Error()})
	}
	a.queue.End(io.EOF)
	passing.Wait()
	if behind != nil {
		return behind
	}
	return err
}

// follow takes what the node tells until it has left, or the connection ends.
func (a *Attached) follow() (left bool, err error) {
	for {
		b, err := a.c.line()
		if errors.Is(err, io.EOF) {
			return false, ErrEnded
		}
		if err != nil {
			return false, err
		}
		var head struct {
			Type   string  `json:"type"`
			Answer *uint64 `json:"answer"`
		}
		if err := parse(b, &head); err != nil {
			return false, err
		}
		switch {
		case head.Answer != nil:
			var r reply
			if err := parse(b, &r); err != nil {
				return false, err
			}
			a.answered(r)
		case head.Type == levels{}.Type():
			var l levels
			if err := parse(b, &l); err != nil {
				return false, err
			}
			a.set(func() { a.levels = l.Levels })
		case head.Type == self{}.Type():
			var s self
			if err := parse(b, &s); err != nil {
				return false, err
			}
			a.set(func() { a.id = s.ID })
		default:
			e, err := node.DecodeEvent(b)
			if err != nil {
				return false, err
			}
			if e == nil {
				continue // of a newer node
			}
			a.set(func() { a.soFar.Take(e, a.id) })
			a.queue.Put(e)
			if _, left := e.(node.Left); left {
				return true, nil
			}
		}
	}
}

func (a *Attached) set(change func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change()
}

// answered takes an answer, or a part of one.
func (a *Attached) answered(r reply) {
	a.mu.Lock()
	defer a.mu.Unlock()
	w := a.waiting[r.Answer]
	if w == nil {
		return // nobody waits any more
	}
	r.Messages = append(w.Messages, r.Messages...)
	if w.reply = r; r.More {
		return
	}
	if r.Switches != nil { // known before the event comes
		a.soFar.Take(node.Switched{Switches: *r.Switches}, a.id)
	}
	delete(a.waiting, r.Answer)
	close(w.done)
}

// call has the node do something, and waits for what comes of it.
func (a *Attached) call(ctx context.Context, c call) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	w := &waiting{done: make(chan struct{})}
	a.set(func() {
		a.calls++
		c.Call = a.calls
		a.waiting[c.Call] = w
	})
	defer a.set(func() { delete(a.waiting, c.Call) })
	if err := a.c.write(c); err != nil {
		return reply{}, ErrEnded
	}
	select {
	case <-w.done:
	case <-a.gone:
		return reply{}, ErrEnded
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return reply{}, errors.New("the node doesn't answer")
		}
		return reply{}, ctx.Err()
	}
	if w.Error != "" {
		return reply{}, errors.New(room.CleanText(w.Error))
	}
	return w.reply, nil
}

// soon is call for what takes a moment.
func (a *Attached) soon(c call) (reply, error) { return a.call(context.Background(), c) }
