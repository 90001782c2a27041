package room

import (
	"fmt"
	"slices"
	"sync"
)

const (
	// MaxPending is how many of one's own messages may wait for a host.
	MaxPending = 1000
	// maxUnsafe is how many of those that were delivered are remembered until they are safe. Alone in a room nothing
	// ever is: then the oldest are no longer waited for.
	maxUnsafe = 4096
)

// Outbox holds one's own messages until a host has ordered them, and after that the ids of those that are not yet
// safe, which means that the first successor of the host has them too. Every connection to a host reads it from its
// beginning, so that what an earlier host took with it is said again; the log tells a repetition by its id. It is
// passive data behind a mutex.
type Outbox struct {
	mu      sync.Mutex
	waiting []*Entry // in the order in which they were put
	numbers []uint64 // of the same: how many had been put, with each
	put     uint64
	unsafe  []ID        // delivered, oldest first
	early   map[ID]bool // of the waiting: safe before their owner has learned that they are delivered
	changed chan struct{}
}

// NewOutbox makes an empty outbox.
func NewOutbox() *Outbox { return &Outbox{early: map[ID]bool{}, changed: make(chan struct{})} }

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

// Delivered notes that a host has ordered a message; false when it was not waiting. safe tells that Safe was told of
// it before.
func (o *Outbox) Delivered(id ID) (was, safe bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	i := o.find(id)
	if i < 0 {
		return false, false
	}
	o.waiting, o.numbers = slices.Delete(o.waiting, i, i+1), slices.Delete(o.numbers, i, i+1)
	if safe = o.early[id]; safe {
		delete(o.early, id)
	} else {
		o.unsafe = append(o.unsafe, id)
		o.unsafe = o.unsafe[max(0, len(o.unsafe)-maxUnsafe):]
	}
	o.signal()
	return true, safe
}

// Drop takes out a message that is not to be said any more.
func (o *Outbox) Drop(id ID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if i := o.find(id); i >= 0 {
		o.waiting, o.numbers = slices.Delete(o.waiting, i, i+1), slices.Delete(o.numbers, i, i+1)
		delete(o.early, id)
		o.signal()
	}
}

// Safe notes that the first successor has a message; true when it was delivered and not safe.
func (o *Outbox) Safe(id ID) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if i := slices.Index(o.unsafe, id); i >= 0 {
		o.unsafe = slices.Delete(o.unsafe, i, i+1)
		return true
	}
	if o.find(id) >= 0 {
		o.early[id] = true
	}
	return false
}

func (o *Outbox) find(id ID) int {
	return slices.IndexFunc(o.waiting, func(e *Entry) bool { return e.ID == id })
}

// Begin returns what a new connection says first: the ids of messages that are delivered and not safe, and all that
// wait, with the cursor behind those for After.
func (o *Outbox) Begin() (unsafe []ID, waiting []*Entry, next uint64, changed <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.unsafe), slices.Clone(o.waiting), o.put, o.changed
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
