package audio

import (
	"context"
	"errors"
	"runtime"
	"time"
)

// backend is where sound comes from and goes to: PortAudio's devices, or files.
type backend interface {
	// open starts the microphone and the loudspeaker. It may take long. Without an error at least one of
	// them runs. Called from one goroutine only, on one thread, and not while a session is open.
	open(ask) (*session, error)
	// devices lists them as they were when last looked for, or, if nothing is open, as they are now. Called as open is.
	devices(rescan bool) ([]Device, error)
	// signs is what changes when devices come or go; it is cheap. Empty: this system gives no sign.
	signs() string
	// shut gives back what open keeps between sessions.
	shut()
}

// ask is what the owner tells a backend that opens.
type ask struct {
	choice
	rescan bool // look for devices that have come or gone
	muted  bool
	pull   func(dst []float32, channels int) // gives the sound to play, at 48 kHz
	wake   chan<- struct{}                   // to be told of captured sound
	budget *budget
}

// session is an open microphone and loudspeaker. The owner opens and closes it.
type session struct {
	input, output string       // names; empty where that end is missing
	mic           *microphone  // nil where that end is missing
	spk           *loudspeaker // nil where that end is missing
	err           error        // why an end is missing, or not the one that was asked for
	instead       bool         // a device stands in for one that was asked for and isn't there
	onDefault     bool         // an end is the system's default, which may change
	shy           bool         // the microphone is to be closed while muted
	withheld      bool         // and is
	ended         func() bool  // tells whether an end has stopped by itself; nil: they never do
	refit         func(time.Time) string
	close         func() // stops the sound; no callback comes afterwards
}

const (
	watchEvery  = 50 * time.Millisecond
	stallAfter  = 400 * time.Millisecond // a device whose callback is silent for so long is opened again
	startAfter  = 2 * time.Second        // but a sound server may take so long to get going
	signsEvery  = 500 * time.Millisecond
	backoffMin  = 250 * time.Millisecond
	backoffMax  = 30 * time.Second
	healthyTime = 3 * time.Second // after so long without a fault the back-off starts anew
	startCount  = 100 * ms        // samples: fewer may be what fills a device's buffer before it starts
	slowOpen    = 5 * time.Second // an opening that takes longer is said to hang
)

var errHangs = errors.New("the sound system doesn't answer; sound comes once it does (restarting the sound server may help)")

// own is the only user of the sound system: it opens the devices, watches that they run, and opens them again: at once
// when they fail after they ran, with a growing pause when they fail again, and when devices come or go.
//
//	opening ── fails ─────▶ waiting ── back-off over, or devices have come or gone ──▶ opening
//	opening ── succeeds ──▶ running ── stalled, ended, changed ──▶ opening (waiting, if it ran for a moment only)
func (e *Engine) own(ctx context.Context, status func(input, output string, err error)) {
	if e.backend == nil {
		status("", "", nil)
		return
	}
	defer e.backend.shut()
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
	a := ask{rescan: true, pull: e.pull, wake: e.wake, budget: &e.budget}
	for ctx.Err() == nil {
		signs := e.backend.signs()
		a.muted, a.choice = e.silenced(), *e.chosen.Load()
		if a.rescan {
			e.scanned = signs
		}
		s, err := e.openOrSay(a, tell)
		if err != nil {
			tell("", "", err)
			if !e.retry {
				return
			}
		} else {
			e.session.Store(s)
			nudge(e.wake)
			tell(s.input, s.output, s.err)
			began := time.Now()
			why := e.watch(ctx, s, signs)
			e.session.Store(nil)
			s.shut()
			e.report(s)
			if ctx.Err() != nil {
				return
			}
			e.log.Info("opening the sound devices again", "why", why.text, "input", s.input, "output", s.output)
			a.rescan = why.rescan
			if why.wish != nil {
				e.grant(*why.wish, true)
			}
			ran := time.Since(began)
			if ran > healthyTime {
				backoff = backoffMin
			}
			if !why.fault || ran > healthyTime {
				continue
			}
		}
		a.rescan = true
		e.pause(ctx, backoff, signs)
		backoff = min(2*backoff, backoffMax)
	}
}

// openOrSay opens, and says so when that hangs.
func (e *Engine) openOrSay(a ask, tell func(string, string, error)) (*session, error) {
	slow := make(chan struct{})
	timer := time.AfterFunc(slowOpen, func() {
		defer close(slow)
		tell("", "", errHangs)
	})
	s, err := e.backend.open(a)
	if !timer.Stop() {
		<-slow // it and we never tell at the same time
	}
	return s, err
}

// pause waits for d, or until devices have come or gone or others are chosen.
func (e *Engine) pause(ctx context.Context, d time.Duration, signs string) {
	over := time.NewTimer(d)
	defer over.Stop()
	look := time.NewTicker(signsEvery)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-over.C:
			return
		case w := <-e.wishes:
			if _, changed := e.grant(w, true); changed {
				return
			}
		case <-look.C:
			if e.backend.signs() != signs {
				return
			}
		}
	}
}

// report logs what went wrong in a session.
func (e *Engine) report(s *session) {
	if s.mic != nil {
		e.log.Debug("microphone closed", "device", s.input, "samples", s.mic.wrote.Load(), "dropped", s.mic.dropped.Load(),
			"faults", s.mic.faults.Load())
	}
	if s.spk != nil {
		e.log.Debug("loudspeaker closed", "device", s.output, "samples", s.spk.given.Load(), "faults", s.spk.faults.Load())
	}
}

// shut stops both ends. A callback that comes yet, as one that hung may, finds nothing to do.
func (s *session) shut() {
	if s.mic != nil {
		s.mic.closed.Store(true)
	}
	if s.spk != nil {
		s.spk.closed.Store(true)
	}
	s.close()
}

// reason is why a session ends.
type reason struct {
	text   string
	rescan bool  // devices may have come or gone
	fault  bool  // it failed, and may do so again at once
	wish   *wish // to be granted before anything is opened again
}

// watch returns when ctx ends or s is to be opened anew.
func (e *Engine) watch(ctx context.Context, s *session, signs string) reason {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	now := time.Now()
	mic, spk := pulse{settled: now.Add(startAfter)}, pulse{settled: now.Add(startAfter)}
	looked := now
	for {
		select {
		case <-ctx.Done():
			return reason{}
		case w := <-e.wishes:
			switch done, changed := e.grant(w, false); {
			case !done:
				return reason{text: "looking for devices", wish: &w}
			case changed:
				return reason{text: "other devices were chosen"}
			}
			continue
		case <-tick.C:
		}
		now = time.Now()
		switch muted := e.silenced(); {
		case s.mic != nil && !mic.beats(now, s.mic.wrote.Load()+s.mic.dropped.Load()):
			return reason{text: "the microphone has stalled", rescan: true, fault: true}
		case s.spk != nil && !spk.beats(now, s.spk.given.Load()):
			return reason{text: "the loudspeaker has stalled", rescan: true, fault: true}
		case s.ended != nil && s.ended():
			return reason{text: "a device has stopped", rescan: true, fault: true}
		case muted && s.shy && !s.withheld:
			return reason{text: "muted"}
		case !muted && s.withheld:
			return reason{text: "no longer muted"}
		}
		if s.refit != nil {
			if why := s.refit(now); why != "" {
				return reason{text: why}
			}
		}
		if now.Sub(looked) < signsEvery {
			continue
		}
		looked = now
		if news := e.backend.signs(); news != signs {
			signs = news
			if s.instead || s.onDefault || s.mic == nil && !s.withheld || s.spk == nil {
				return reason{text: "devices have come or gone", rescan: true}
			}
		}
	}
}

// pulse tells from a count that grows with each callback whether they still come.
type pulse struct {
	count   uint64
	moved   time.Time
	settled time.Time // until it has started, and no longer than this, nothing is judged
}

func (p *pulse) beats(now time.Time, count uint64) bool {
	if count != p.count || count < startCount && now.Before(p.settled) {
		p.count, p.moved = count, now
	}
	return now.Sub(p.moved) <= stallAfter
}
