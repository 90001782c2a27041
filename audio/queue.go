package audio

import (
	"sync/atomic"

	"parley.lan/room"
)

// queue holds one speaker's frames between the network and the loudspeaker's next call: one side puts, the other takes,
// and neither waits. When it is full the newest is dropped and counted, for only the taker may move the other end:
// nobody has listened for a good while then.
type queue struct {
	slots [queueSize]room.VoiceFrame // Opus is the slot's own
	_     [64]byte
	wrote atomic.Uint64
	_     [64]byte
	read  atomic.Uint64

	dropped atomic.Uint64
}

const queueSize = 256 // 1.3 s of 5 ms frames, 0.3 s with three copies of each

// put copies f in.
func (q *queue) put(f room.VoiceFrame) {
	w := q.wrote.Load()
	if w-q.read.Load() == queueSize {
		q.dropped.Add(1)
		return
	}
	slot := &q.slots[w%queueSize]
	own := append(slot.Opus[:0], f.Opus...)
	*slot = f
	slot.Opus = own
	q.wrote.Store(w + 1)
}

// each gives all that wait to f, the oldest first, which may keep none of it; one that f doesn't want yet stays, and so do those
// behind it.
func (q *queue) each(f func(room.VoiceFrame) (taken bool)) {
	w := q.wrote.Load()
	for r := q.read.Load(); r != w && f(q.slots[r%queueSize]); r++ {
		q.read.Store(r + 1)
	}
}
