// Package audio is a node's voice: microphone → Opus frames, and frames → jitter buffer → mix → loudspeaker.
//
// Everything inside is 48 kHz mono float32 in ±1. The pieces that decide (the jitter buffer, the gate, the
// limiter, the resampler) are plain values without clock, goroutine or device, and build without cgo. Opus and
// PortAudio need cgo; a build without it has no sound and says so.
//
//	device callback ─▶ ring ─▶ pump: resample, gate, encode ─▶ send
//	Hear ─▶ inbox ─▶ pump: jitter buffers, decode, mix, limit, resample ─▶ ring ─▶ device callback
//	owner: opens the devices, watches that they run, opens them again
package audio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

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
	log     *slog.Logger
	backend backend // nil: no sound
	retry   bool    // a device that is missing may come yet
	out     *sender
	mix     *mixer
	muted   atomic.Bool
	running atomic.Bool
	session atomic.Pointer[session] // what the owner has open, for the pump; nil: nothing
}

// New checks cfg and prepares an Engine. It starts nothing and never waits for the sound system: a missing
// device shows once Run is under way.
func New(cfg Config) (*Engine, error) {
	e := &Engine{log: cfg.Log}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	e.muted.Store(cfg.Muted)
	switch files, isWAV := strings.CutPrefix(cfg.Device, "wav:"); {
	case cfg.Device == "none":
		e.mix = newMixer(func() (decoder, error) { return noCodec{}, nil }, e.log)
		return e, nil
	case isWAV:
		in, out, _ := strings.Cut(files, ",")
		w, err := newWAVFiles(in, out, e.log)
		if err != nil {
			return nil, err
		}
		e.backend = w
	case cfg.Device == "" || cfg.Device == "auto":
		e.backend = newPortAudio(cfg.Input, cfg.Output, e.log)
		e.retry = true
	default:
		return nil, fmt.Errorf("unknown sound device %q: use auto, none or wav:IN.wav,OUT.wav", cfg.Device)
	}
	enc, err := newOpusEncoder()
	if err != nil {
		return nil, err
	}
	e.out = newSender(enc)
	e.mix = newMixer(newOpusDecoder, e.log)
	return e, nil
}

// closeWait bounds how long Run waits for the sound system at its end.
const closeWait = 2 * time.Second

// Run captures and plays until ctx ends. It is called when the node is first in its room, and may be called again once it
// has returned (a node under a new key): a "wav:" microphone is read from its beginning then. send gets the frames of every
// packet to send, without an SSRC, and must be done with them when it returns. status is told at the start and at each change which devices are in use, or why one
// is not; Run goes on without. send and status are called from two goroutines of Run's own.
//
// When Run returns the devices are closed, except where the sound system itself hangs for two seconds.
func (e *Engine) Run(ctx context.Context, send func(packet []room.VoiceFrame), status func(input, output string, err error)) error {
	if e.running.Swap(true) {
		return errors.New("this sound engine runs already, or has left its devices open")
	}
	owner := make(chan struct{})
	go func() {
		defer close(owner)
		e.own(ctx, status)
	}()
	p := newPump(e, send)
	p.run(ctx)
	timeout := time.NewTimer(closeWait)
	defer timeout.Stop()
	select {
	case <-owner:
		e.running.Store(false)
		return nil
	case <-timeout.C:
		return errors.New("the sound system doesn't answer: left its devices open")
	}
}

// Tune tells what the way through the host asks of one's own voice.
func (e *Engine) Tune(p room.VoicePath) {
	if e.out != nil {
		e.out.tune(p)
	}
}

// Budget is how long a voice takes, stage by stage, but for the network.
func (e *Engine) Budget() room.VoiceBudget { return room.VoiceBudget{} }

// Hear takes a frame of somebody else's voice. It never blocks and copies the frame's bytes.
func (e *Engine) Hear(f room.VoiceFrame) { e.mix.inbox.put(f) }

// Forget drops what is kept of a speaker who has left.
func (e *Engine) Forget(ssrc uint32) { e.mix.forget(ssrc) }

// Stats tells how each voice heard in the last ten seconds arrives.
func (e *Engine) Stats() []room.VoiceStats { return e.mix.stats() }

// SetMuted stops or starts sending; hearing goes on.
func (e *Engine) SetMuted(on bool) { e.muted.Store(on) }

// Muted tells whether sending is stopped.
func (e *Engine) Muted() bool { return e.muted.Load() }
