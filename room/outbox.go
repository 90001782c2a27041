package room

import (
	"fmt"
	"slices"
	"sync"
)

// MaxPending is how many of one's own messages may wait for a host.
const MaxPending = 1000

// Outbox holds one's own messages until a host has ordered them. Every connection to a host reads it from
// its beginning, so that what an earlier host took with it is said again; the log tells a repetition by
// its id. It is passive data behind a mutex.
type Outbox struct {
	mu      sync.Mutex
	waiting []*Entry // in the order in which they were put
	numbers []uint64 // of the same: how many had been put, with each
	put     uint64
	changed chan struct{}
}

// NewOutbox makes an empty outbox.
func NewOutbox() *Outbox { return &Outbox{changed: make(chan struct{})} }

// Put adds a message. Those of one run are put by their sequence numbers. It fails when MaxPending wait already.
func (o *Outbox) Put(e *Entry) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.waiting) >= MaxPending {
		return fmt.Errorf("%d messages are waiting for a host already", len(o.waiting))
	}
	o.put++
	o.waiting, o.numbers = append(o.waiting, e), append(o.numbers, o.put)
	o.signal()
	return nil
}

// Done takes a message out; false when it was not waiting.
func (o *Outbox) Done(id ID) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	i := slices.IndexFunc(o.waiting, func(e *Entry) bool { return e.ID == id })
	if i < 0 {
		return false
	}
	o.waiting, o.numbers = slices.Delete(o.waiting, i, i+1), slices.Delete(o.numbers, i, i+1)
	o.signal()
	return true
}

// After returns the messages put after the cursor, which begins at 0, the cursor behind them, and a channel
// that is closed at the next change.
func (o *Outbox) After(cursor uint64) (waiting []*Entry, next uint64, changed <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	i, _ := slices.BinarySearch(o.numbers, cursor+1)
	return slices.Clone(o.waiting[i:]), o.put, o.changed
}

func (o *Outbox) signal() {
	close(o.changed)
	o.changed = make(chan struct{})
}
