package relay

import "parley.lan/room"

// Bridge makes the two halves of a plain voice member's sound. The relay itself never decodes; for a plain
// member, who speaks raw PCM, somebody must. The zero Bridge has no codec: plain voice is then refused.
type Bridge struct {
	NewTalker   func() (Talker, error)
	NewListener func() (Listener, error)
}

// Talker turns a plain member's microphone into frames. It is used from one goroutine.
type Talker interface {
	// Encode takes the next 10 ms (room.PlainSamples samples, mono, 44.1 kHz) and gives send the frames of each
	// packet, without an SSRC, their bytes valid until send returns; none for silence that need not be sent.
	Encode(pcm []int16, send func(packet []room.VoiceFrame))
}

// Listener turns the room's frames into the one mixed stream that a plain member hears.
type Listener interface {
	// Hear takes a frame of one speaker. It may be called from any goroutine and never blocks.
	Hear(room.VoiceFrame)
	// Forget drops what is kept of a speaker who has left. From any goroutine.
	Forget(ssrc uint32)
	// Mix fills pcm (room.PlainSamples samples, mono, 44.1 kHz) with the next 10 ms of everybody heard.
	Mix(pcm []int16)
}
