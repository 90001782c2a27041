package node

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"

	"parley.lan/room"
)

// queueSize is how many events wait for one observer: half a minute of a busy room, or the start of a large one. Beyond it
// Speaking and Voice are dropped, which are of the moment; at twice as many the queue ends.
const queueSize = 2048

// ErrBehind says that an observer did not take what happened for so long that it has missed some of it.
var ErrBehind = errors.New("this face did not keep up with what happened")

// Queue holds events for one observer that may be slow, and never waits for it.
type Queue struct {
	ready chan struct{} // of one

	mu     sync.Mutex
	events []Event
	end    error // once the events are taken; nil: more will come
}

func NewQueue() *Queue { return &Queue{ready: make(chan struct{}, 1)} }

// Put appends an event. It does nothing once the queue has ended.
func (q *Queue) Put(e Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.end != nil {
		return
	}
	if len(q.events) >= queueSize {
		switch e.(type) {
		case Speaking, Voice:
			return
		}
	}
	if len(q.events) >= 2*queueSize {
		q.end = ErrBehind
		return
	}
	q.events = append(q.events, e)
	q.wake()
}

// End lets Next fail with err once the events are taken. The first end counts.
func (q *Queue) End(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.end == nil {
		q.end = err
	}
	q.wake()
}

func (q *Queue) wake() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// Next waits for the next event: for one reader. It returns io.EOF after the last, ErrBehind where events are missing, and
// ctx's error when that ends.
func (q *Queue) Next(ctx context.Context) (Event, error) {
	for {
		q.mu.Lock()
		if len(q.events) > 0 {
			e := q.events[0]
			q.events[0] = nil
			q.events = q.events[1:]
			q.mu.Unlock()
			return e, nil
		}
		end := q.end
		q.mu.Unlock()
		if end != nil {
			return nil, end
		}
		select {
		case <-q.ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Watch is one more observer of a participant, beside the reader of its Events. Its first events tell the state so far.
type Watch struct {
	*Queue
	close func()
}

// Close ends the watch.
func (w *Watch) Close() { w.close() }

// watches gives events to all observers.
type watches struct {
	mu    sync.Mutex
	soFar SoFar
	all   []*Watch
	over  bool // the last event has been
}

func (ws *watches) add(now Switches) *Watch {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	w := &Watch{Queue: NewQueue()}
	w.close = func() {
		ws.mu.Lock()
		defer ws.mu.Unlock()
		ws.all = slices.DeleteFunc(ws.all, func(o *Watch) bool { return o == w })
		w.End(io.EOF)
	}
	if !ws.soFar.turned {
		ws.soFar.switched, ws.soFar.turned = Switched{now}, true
	}
	for _, e := range ws.soFar.Events() {
		w.Put(e)
	}
	if ws.over {
		w.End(io.EOF)
		return w
	}
	ws.all = append(ws.all, w)
	return w
}

// tell gives an event to every observer.
func (ws *watches) tell(e Event, self room.NodeID) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	ws.soFar.Take(e, self)
	_, ws.over = e.(Left)
	for _, w := range ws.all {
		if w.Put(e); ws.over {
			w.End(io.EOF)
		}
	}
}

// Place tells where this participant is.
func (p *Participant) Place() Place {
	p.watches.mu.Lock()
	defer p.watches.mu.Unlock()
	at := p.watches.soFar.Place()
	if at.Room == "" {
		at.Room = p.Room()
	}
	return at
}
