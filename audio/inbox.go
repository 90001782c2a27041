package audio

import (
	"sync"

	"parley.lan/room"
)

// inbox hands frames from the network to the mixing side. It holds inboxSize frames; when it is full the
// oldest goes. Its mutex is held for copying a frame and never while decoding, so nobody waits for it.
type inbox struct {
	mu      sync.Mutex
	frames  [inboxSize]room.VoiceFrame // Opus is the slot's own
	first   int
	n       int
	dropped uint64
}

const inboxSize = 256 // 2.5 s of one speaker, 40 ms of 64

// put copies f in. Frames with no bytes or too many are none.
func (q *inbox) put(f room.VoiceFrame) {
	if len(f.Opus) == 0 || len(f.Opus) > room.MaxOpus {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.n == inboxSize {
		q.first = (q.first + 1) % inboxSize
		q.n--
		q.dropped++
	}
	slot := &q.frames[(q.first+q.n)%inboxSize]
	own := append(slot.Opus[:0], f.Opus...)
	*slot = f
	slot.Opus = own
	q.n++
}

// take copies the oldest frame out, its bytes into buf.
func (q *inbox) take(buf *[room.MaxOpus]byte) (f room.VoiceFrame, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.n == 0 {
		return f, false
	}
	f = q.frames[q.first]
	f.Opus = buf[:copy(buf[:], f.Opus)]
	q.first = (q.first + 1) % inboxSize
	q.n--
	return f, true
}
