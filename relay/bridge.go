package relay

import (
	"time"

	"parley.lan/room"
)

// Bridge makes the two halves of a plain voice member's sound. The relay itself never decodes; for a plain
// member, who speaks raw PCM, somebody must. The zero Bridge has no codec: plain voice is then refused.
type Bridge struct {
	NewTalker   func() (Talker, error)
	NewListener func() (Listener, error)
}

// Talker turns a plain member's microphone into frames. The client's clock is not the host's: a Talker follows it.
// What it holds is bounded; it drops the oldest.
type Talker interface {
	// Put takes samples that came at now (mono, 44.1 kHz, any number). It may be called from any goroutine.
	Put(now time.Time, pcm []int16)
	// Next is called every 10 ms by the host's clock, from one goroutine. It gives every packet to be sent to send:
	// one or more frames without an SSRC, their bytes valid during that call.
	Next(now time.Time, send func(packet []room.VoiceFrame))
	// Tune tells what the way to the listeners asks of the voice. It is used by the caller of Next.
	Tune(room.VoicePath)
	// Clock is by how many parts in a million the client's clock runs faster than the host's, 0 while that is unknown.
	Clock() float64
	// Dropped is how much sound was dropped.
	Dropped() time.Duration
}

// Listener turns the room's frames into the one mixed stream that a plain member hears. What it holds is
// bounded; it drops the oldest.
type Listener interface {
	// Hear takes a frame of one speaker. It may be called from any goroutine and never blocks.
	Hear(room.VoiceFrame)
	// Forget drops what is kept of a speaker who has left. From any goroutine.
	Forget(ssrc uint32)
	// Mix is called every 10 ms by the host's clock, from one goroutine: it adds the next 10 ms of everybody heard to what
	// waits to be taken, for a client whose clock runs ppm parts in a million faster.
	Mix(ppm float64)
	// Take moves samples that wait (mono, 44.1 kHz) to pcm and returns how many. It may be called from any goroutine.
	Take(pcm []int16) int
	// Dropped is how much sound was dropped.
	Dropped() time.Duration
}
