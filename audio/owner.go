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
	startAfter  = 2 * time.Second        // but a sound server may take so long to get going
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
			e.report(s)
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

// report logs what went wrong in a session, ring by ring.
func (e *Engine) report(s *session) {
	if s.mic != nil {
		e.log.Debug("microphone closed", "device", s.input, "samples", s.mic.wrote.Load(), "dropped", s.mic.dropped.Load())
	}
	if s.spk != nil {
		e.log.Debug("loudspeaker closed", "device", s.output, "samples", s.spk.read.Load(), "missing", s.spk.missing.Load(),
			"largest", s.spk.largest.Load())
	}
}

// watch returns when ctx ends or an end of s stands still.
func watch(ctx context.Context, s *session) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	now := time.Now()
	mic, spk := pulse{settled: now.Add(startAfter)}, pulse{settled: now.Add(startAfter)}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now = time.Now()
		if s.mic != nil && !mic.beats(now, s.mic.wrote.Load()+s.mic.dropped.Load()) {
			return
		}
		if s.spk != nil && !spk.beats(now, s.spk.read.Load()+s.spk.missing.Load()) {
			return
		}
	}
}

// pulse tells from a count that grows with each callback whether they still come.
type pulse struct {
	count   uint64
	moved   time.Time
	settled time.Time // until then nothing is judged
}

func (p *pulse) beats(now time.Time, count uint64) bool {
	if count != p.count || now.Before(p.settled) {
		p.count, p.moved = count, now
	}
	return now.Sub(p.moved) <= stallAfter
}
