package audio

import (
	"context"
	"runtime"
	"time"
)

// backend is where sound comes from and goes to: PortAudio's devices, or files.
type backend interface {
	// open starts the microphone and the loudspeaker. It may take long. Without an error at least one of
	// them runs. Called from one goroutine only, on one thread, and not while a session is open.
	open() (*session, error)
}

// session is an open microphone and loudspeaker. The owner opens and closes it; the pump uses its rings.
type session struct {
	input, output    string // names; empty where that end is missing
	mic, spk         *ring  // nil where that end is missing
	micRate, spkRate int    // Hz
	err              error  // why an end is missing
	close            func() // stops the sound; nothing touches the rings afterwards but the pump
}

const (
	watchEvery  = 100 * time.Millisecond
	stallAfter  = 500 * time.Millisecond // a device whose callback is silent for so long is opened again
	backoffMin  = 500 * time.Millisecond
	backoffMax  = 30 * time.Second
	healthyTime = 10 * time.Second // after so long without a fault the back-off starts anew
)

// own is the only user of the sound system: it opens the devices, watches that they run, and opens them again
// with a growing pause when they fail.
//
//	opening ── fails ─────▶ waiting ── back-off over ──▶ opening
//	opening ── succeeds ──▶ running ── stalled ──▶ waiting
func (e *Engine) own(ctx context.Context, status func(input, output string, err error)) {
	if e.backend == nil {
		status("", "", nil)
		return
	}
	runtime.LockOSThread() // some sound systems tie their state to a thread
	defer runtime.UnlockOSThread()
	var said string
	tell := func(input, output string, err error) {
		line := input + "\x00" + output
		if err != nil {
			line += "\x00" + err.Error()
			e.log.Warn("sound", "input", input, "output", output, "err", err)
		} else {
			e.log.Info("sound", "input", input, "output", output)
		}
		if line != said && ctx.Err() == nil {
			said = line
			status(input, output, err)
		}
	}
	backoff := backoffMin
	for ctx.Err() == nil {
		s, err := e.backend.open()
		if err != nil {
			tell("", "", err)
			if !e.retry {
				return
			}
		} else {
			e.session.Store(s)
			tell(s.input, s.output, s.err)
			began := time.Now()
			watch(ctx, s)
			e.session.Store(nil)
			s.close()
			if time.Since(began) > healthyTime {
				backoff = backoffMin
			}
			if ctx.Err() == nil {
				e.log.Warn("a sound device has stalled: opening it again", "input", s.input, "output", s.output)
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(backoff):
		}
		backoff = min(2*backoff, backoffMax)
	}
}

// watch returns when ctx ends or an end of s has stood still for stallAfter.
func watch(ctx context.Context, s *session) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	var mic, spk uint64
	now := time.Now()
	micMoved, spkMoved := now, now
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now = time.Now()
		if s.mic != nil {
			if n := s.mic.wrote.Load() + s.mic.dropped.Load(); n != mic {
				mic, micMoved = n, now
			}
		} else {
			micMoved = now
		}
		if s.spk != nil {
			if n := s.spk.read.Load() + s.spk.missing.Load(); n != spk {
				spk, spkMoved = n, now
			}
		} else {
			spkMoved = now
		}
		if now.Sub(micMoved) > stallAfter || now.Sub(spkMoved) > stallAfter {
			return
		}
	}
}
