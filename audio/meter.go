package audio

import (
	"sync/atomic"

	"parley.lan/room"
)

// Microphone tells how loud the microphone was at most since the last call: a block of 5 ms as it would be sent, in -dBov, muted
// or not; room.LevelSilent when it heard nothing or is closed. And whether any of its sound was sent. From any goroutine.
func (e *Engine) Microphone() (level uint8, sent bool) { return e.loudest.take() }

// loudest is the loudest of the levels noted since somebody took it, and whether anything was sent meanwhile. Nobody waits.
type loudest struct {
	word atomic.Uint32 // by how much louder than silence, and wasSent
}

const wasSent = 1 << 8

func (l *loudest) note(level uint8, sent bool) {
	loud := uint32(room.LevelSilent - min(level, room.LevelSilent))
	for {
		old := l.word.Load()
		next := max(old&^wasSent, loud) | old&wasSent
		if sent {
			next |= wasSent
		}
		if next == old || l.word.CompareAndSwap(old, next) {
			return
		}
	}
}

func (l *loudest) take() (level uint8, sent bool) {
	word := l.word.Swap(0)
	return room.LevelSilent - uint8(word&^wasSent), word&wasSent != 0
}
