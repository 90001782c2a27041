package audio

import (
	"sync/atomic"

	"parley.lan/room"
)

// switches are what a person has turned on or off. They are turned from any goroutine; capturing looks at them with each block.
type switches struct {
	muted, pushToTalk, pressed atomic.Bool
}

// SetMuted stops or starts sending; hearing goes on.
func (e *Engine) SetMuted(on bool) { e.switches.muted.Store(on) }

// Muted tells whether sending is stopped.
func (e *Engine) Muted() bool { return e.switches.muted.Load() }

// SetDeaf stops or starts the playing of everything heard, within 20 ms; the voices' statistics go on. What isn't played has no
// echo either.
func (e *Engine) SetDeaf(on bool) { e.mix.deaf.Store(on) }

// SetPushToTalk changes between voice activation and push-to-talk, in which the microphone is sent between Press(true) and
// Press(false) alone, silence included: with 20 ms from before, and pressTail more. Either way it begins as not pressed. Who is
// muted sends nothing, pressed or not.
//
// A wireless headset's microphone, which is closed while muted, stays open while not pressed: opening it takes a second.
func (e *Engine) SetPushToTalk(on bool) {
	if e.switches.pushToTalk.Swap(on) != on {
		e.switches.pressed.Store(false)
	}
}

// Press begins or ends talking in push-to-talk; otherwise it does nothing.
func (e *Engine) Press(on bool) { e.switches.pressed.Store(on && e.switches.pushToTalk.Load()) }

// pressTail is sent after a button is let go, since people let go with the last syllable.
const pressTail = 150 * ms

// button tells, block by block, what is sent in push-to-talk.
type button struct {
	tail int // samples that are sent yet
}

func (b *button) talks(pressed, muted bool) bool {
	switch {
	case muted:
		b.tail = 0
		return false
	case pressed:
		b.tail = pressTail
		return true
	}
	b.tail = max(b.tail-room.BlockSamples, 0)
	return b.tail > 0
}
