// Package audio is a node's voice: microphone → Opus frames, and frames → jitter buffer → mix → loudspeaker.
//
// Everything inside is 48 kHz mono float32 in ±1. The pieces that decide (the jitter buffer, the gate, the
// limiter, the resampler) are plain values without clock, goroutine or device, and build without cgo. Opus and
// PortAudio need cgo; a build without it has no sound and says so.
//
//	microphone's callback ─▶ ring ─▶ capturing: resample, clean, encode ─▶ send
//	Hear ─▶ inbox ─▶ loudspeaker's callback: jitter buffers, decode, mix, limit, resample
//	loudspeaker's callback ─▶ ring of what was played ─▶ capturing, for its echo
//	owner: opens the devices, watches that they run, opens them again
package audio

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
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
	Raw           bool         // send what the microphone hears as it is, for musicians; a "wav:" file always is
	Log           *slog.Logger // nil discards
}

// Engine is a node's sound: what it captures, encodes, hears and plays.
type Engine struct {
	log      *slog.Logger
	backend  backend // nil: no sound
	retry    bool    // a device that is missing may come yet
	out      *sender
	mix      *mixer
	pull     func(dst []float32, channels int) // the mix, for whoever plays it
	raw      bool                              // what the microphone hears is sent as it is
	fixed    error                             // why there are no other devices to use; nil: there may be
	chosen   atomic.Pointer[choice]
	wishes   chan wish     // to the owner
	scanned  string        // what the system's signs were when devices were last looked for; the owner's
	wake     chan struct{} // of one: there may be captured sound, or another session
	budget   budget
	switches switches
	loudest  loudest
	running  atomic.Bool
	starting sync.Mutex              // running changes to true
	session  atomic.Pointer[session] // what the owner has open; nil: nothing
}

// New checks cfg and prepares an Engine. It starts nothing and never waits for the sound system: a missing
// device shows once Run is under way.
func New(cfg Config) (*Engine, error) {
	e := &Engine{log: cfg.Log, wake: make(chan struct{}, 1), wishes: make(chan wish)}
	e.chosen.Store(&choice{cfg.Input, cfg.Output})
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	e.SetMuted(cfg.Muted)
	switch files, isWAV := strings.CutPrefix(cfg.Device, "wav:"); {
	case cfg.Device == "none":
		e.fixed = errors.New("this node was started without sound (--audio none): start it anew without that to use devices")
		e.hearWith(func() (decoder, error) { return noCodec{}, nil })
		return e, nil
	case isWAV:
		in, out, _ := strings.Cut(files, ",")
		w, err := newWAVFiles(in, out, e.log)
		if err != nil {
			return nil, err
		}
		e.backend, e.raw = w, true
		e.fixed = errors.New("this node's sound comes from files (--audio wav:…): start it anew without that to use devices")
	case cfg.Device == "" || cfg.Device == "auto":
		e.backend = newPortAudio(e.log)
		e.retry, e.raw = true, cfg.Raw
	default:
		return nil, fmt.Errorf("unknown sound device %q: use auto, none or wav:IN.wav,OUT.wav", cfg.Device)
	}
	enc, err := newOpusEncoder()
	if err != nil {
		return nil, err
	}
	e.hearWith(newOpusDecoder)
	if e.raw {
		e.out = newGatedSender(enc)
	} else {
		e.out = newSender(enc)
		e.mix.inbox.level = true
	}
	return e, nil
}

func (e *Engine) hearWith(newDecoder func() (decoder, error)) {
	e.mix = newMixer(newDecoder, e.log)
	e.pull = e.mix.mix
}

// closeWait bounds how long Run waits for the sound system at its end.
const closeWait = 2 * time.Second

// Run captures and plays until ctx ends. It is called when the node is first in its room, and may be called again once it
// has returned (a node under a new key): a "wav:" microphone is read from its beginning then. send gets every packet of
// captured frames, without an SSRC, and must be done with it when it returns. status is told at the start and at each change
// which devices are in use, or why one is not; Run goes on without. send and status are called from two goroutines of Run's own.
//
// When Run returns the devices are closed, except where the sound system itself hangs for two seconds.
func (e *Engine) Run(ctx context.Context, send func(packet []room.VoiceFrame), status func(input, output string, err error)) error {
	e.starting.Lock()
	already := e.running.Swap(true)
	e.starting.Unlock()
	if already {
		return errors.New("this sound engine runs already, or has left its devices open")
	}
	owner := make(chan struct{})
	go func() {
		defer close(owner)
		e.own(ctx, status)
	}()
	var inside sync.WaitGroup
	inside.Go(func() { newCapturing(e, send).run(ctx) })
	inside.Go(func() { e.idle(ctx) })
	inside.Wait()
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

// idle mixes into the void as time goes by while there is no loudspeaker, so that the statistics go on.
func (e *Engine) idle(ctx context.Context) {
	const block = time.Second * idleBlock / room.SampleRate
	var void [idleBlock]float32
	tick := time.NewTicker(block)
	defer tick.Stop()
	clock := time.Now() // up to where has been mixed
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := time.Now()
		if s := e.session.Load(); s != nil && s.spk != nil || now.Sub(clock) > time.Second {
			clock = now // somebody else mixes, or this machine slept
		}
		for now.Sub(clock) >= block {
			e.pull(void[:], 1)
			clock = clock.Add(block)
		}
	}
}

const idleBlock = room.FrameSamples

// Hear takes a frame of somebody else's voice. It never blocks and copies the frame's bytes.
func (e *Engine) Hear(f room.VoiceFrame) { e.mix.inbox.put(f) }

// Forget drops what is kept of a speaker who has left.
func (e *Engine) Forget(ssrc uint32) { e.mix.forget(ssrc) }

// Tune sets what the way through the host asks of one's own voice.
func (e *Engine) Tune(path room.VoicePath) {
	if e.out != nil {
		e.out.tune(path)
	}
}

// Stats tells how each voice heard in the last ten seconds arrives.
func (e *Engine) Stats() []room.VoiceStats { return e.mix.stats() }
