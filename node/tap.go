package node

import (
	"context"
	"sync"

	"parley.lan/room"
)

// tapSize is how many frames wait for a slow reader of a tap; beyond it the oldest are lost. Half a second of four
// speakers in the shortest frames.
const tapSize = 400

// Tap is a queue of frames, heard and sent, for one reader. Its mutex is held for copying a frame.
type Tap struct {
	close func()
	ready chan struct{} // of one

	mu       sync.Mutex
	slots    [tapSize]tapped
	first, n int
	lost     uint64
}

type tapped struct {
	from *speaker
	room.VoiceFrame
	bytes [room.MaxOpus]byte
}

// Heard is one frame, and whose.
type Heard struct {
	From  Person
	Frame room.VoiceFrame // its bytes are valid until the next call
	Lost  uint64          // frames lost so far because they were not taken in time
}

// put copies a frame in. It never waits for the reader.
func (t *Tap) put(from *speaker, f room.VoiceFrame) {
	if len(f.Opus) == 0 || len(f.Opus) > room.MaxOpus {
		return
	}
	t.mu.Lock()
	if t.n == tapSize {
		t.first = (t.first + 1) % tapSize
		t.n--
		t.lost++
	}
	slot := &t.slots[(t.first+t.n)%tapSize]
	slot.from, slot.VoiceFrame = from, f
	slot.Opus = slot.bytes[:copy(slot.bytes[:], f.Opus)]
	t.n++
	t.mu.Unlock()
	select {
	case t.ready <- struct{}{}:
	default:
	}
}

// Next waits for the next frame; buf takes its bytes. It returns ctx's error when that ends.
func (t *Tap) Next(ctx context.Context, buf *[room.MaxOpus]byte) (Heard, error) {
	for {
		if h, ok := t.take(buf); ok {
			return h, nil
		}
		select {
		case <-t.ready:
		case <-ctx.Done():
			return Heard{}, ctx.Err()
		}
	}
}

func (t *Tap) take(buf *[room.MaxOpus]byte) (Heard, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n == 0 {
		return Heard{}, false
	}
	slot := &t.slots[t.first]
	h := Heard{From: Person{slot.from.ID, slot.from.Name}, Frame: slot.VoiceFrame, Lost: t.lost}
	h.Frame.Opus = buf[:copy(buf[:], slot.Opus)]
	t.first = (t.first + 1) % tapSize
	t.n--
	return h, true
}

// Close ends the tap.
func (t *Tap) Close() { t.close() }
