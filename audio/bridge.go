package audio

import "parley.lan/room"

// Talker turns a plain member's PCM into frames. It is used from one goroutine.
type Talker struct{}

func NewTalker() (*Talker, error) { return &Talker{}, nil }

// Encode takes the next 10 ms (room.PlainSamples samples at 44.1 kHz) and returns the frame to send, without an
// SSRC and with bytes valid until the next call. ok is false for silence that need not be sent.
func (t *Talker) Encode(pcm []int16) (f room.VoiceFrame, ok bool) { return f, false }

// Listener turns the room's frames into the one mixed stream that a plain member hears.
type Listener struct{}

func NewListener() (*Listener, error) { return &Listener{}, nil }

// Hear takes a frame of one speaker, from any goroutine. It never blocks and copies the frame's bytes.
func (l *Listener) Hear(f room.VoiceFrame) {}

// Mix fills pcm (room.PlainSamples samples at 44.1 kHz) with the next 10 ms of everybody heard.
func (l *Listener) Mix(pcm []int16) { clear(pcm) }
