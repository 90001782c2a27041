package audio

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// choice is which devices are to be used: names or parts of them, empty for the system's default.
type choice struct{ input, output string }

// Use changes to other devices while the talk goes on, which costs it a moment. Names that fit no device, or several, are
// an error that tells which there are, and nothing changes. Once they are checked Use returns, and status tells of the change as of
// any other. Before Run it only sets what Run opens.
func (e *Engine) Use(input, output string) error {
	if e.fixed != nil {
		return e.fixed
	}
	c := choice{strings.TrimSpace(input), strings.TrimSpace(output)}
	if e.chooseFirst(c) {
		return nil
	}
	return e.wish(&c, closeWait).err
}

// chooseFirst sets what Run opens, unless it is under way.
func (e *Engine) chooseFirst(c choice) bool {
	e.starting.Lock()
	defer e.starting.Unlock()
	if e.running.Load() {
		return false
	}
	e.chosen.Store(&c)
	return true
}

// Devices lists this machine's sound devices, and never disturbs the talk without need. While Run has them open the list is that of
// the last opening, the only one that PortAudio has, but for a system that tells when devices come and go (Linux): if some did since,
// the devices are opened anew for it, which costs the talk a moment. It may take half a second, and at most five.
func (e *Engine) Devices() ([]Device, error) {
	if !e.running.Load() || e.fixed != nil {
		return Devices()
	}
	a := e.wish(nil, slowOpen)
	return a.devices, a.err
}

// wish is what somebody asks of the owner of the devices.
type wish struct {
	*choice // nil: to list them only
	ctx     context.Context
	answer  chan answer // of one
}

type answer struct {
	devices []Device
	err     error
}

func (e *Engine) wish(c *choice, patience time.Duration) answer {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	w := wish{c, ctx, make(chan answer, 1)}
	select {
	case e.wishes <- w:
	case <-ctx.Done():
		return answer{err: errHangs}
	}
	select {
	case a := <-w.answer:
		return a
	case <-ctx.Done():
		return answer{err: errHangs}
	}
}

// grant does what a wish asks and answers it; changed says that other devices are to be opened. Without rescan, which nothing may be
// open for, it goes by the devices known, and leaves the wish unanswered where that may not be enough: then it isn't done.
func (e *Engine) grant(w wish, rescan bool) (done, changed bool) {
	if w.ctx.Err() != nil {
		return true, false // nobody waits for it
	}
	signs := e.backend.signs()
	if !rescan && signs != e.scanned {
		return false, false
	}
	all, err := e.backend.devices(rescan)
	if rescan {
		e.scanned = signs
	}
	if err == nil && w.choice != nil {
		err = w.choice.check(all)
	}
	if !rescan && err != nil && signs == "" {
		return false, false // this system doesn't tell that devices come
	}
	if err == nil && w.choice != nil && *w.choice != *e.chosen.Load() {
		e.chosen.Store(w.choice)
		changed = true
	}
	w.answer <- answer{all, err}
	return true, changed
}

// check tells what of a choice isn't among the devices.
func (c choice) check(all []Device) error {
	_, in := named(all, c.input, true)
	_, out := named(all, c.output, false)
	return errors.Join(in, out)
}

// named is the place of the device that a name fits best, -1 for the empty name. None or several are an error.
func named(all []Device, name string, input bool) (int, error) {
	if name == "" {
		return -1, nil
	}
	var found []int
	best := fitsWords
	for i, d := range all {
		if !d.has(input) {
			continue
		}
		fits := d.fits(name)
		if fits > best {
			best, found = fits, nil
		}
		if fits == best {
			found = append(found, i)
		}
	}
	switch {
	case len(found) == 1 || best == fitsWhole:
		return found[0], nil
	case len(found) > 1:
		return -1, fmt.Errorf("%d %ss fit %q: %s; use more of the name", len(found), kind(input), name, names(all, found))
	}
	for i, d := range all {
		if d.has(input) && !(input && d.Monitor) {
			found = append(found, i)
		}
	}
	if len(found) == 0 {
		return -1, fmt.Errorf("no %s is called %q, and this machine has no other", kind(input), name)
	}
	return -1, fmt.Errorf("no %s is called %q; there are: %s", kind(input), name, names(all, found))
}

// fallback is the place of the system's default, or of the first that will do; -1 for none. Without being named a monitor won't.
func fallback(all []Device, input bool) int {
	first := -1
	for i, d := range all {
		switch {
		case !d.has(input) || input && d.Monitor:
		case input && d.DefaultInput || !input && d.DefaultOutput:
			return i
		case first < 0:
			first = i
		}
	}
	return first
}

func kind(input bool) string {
	if input {
		return "microphone"
	}
	return "loudspeaker"
}

const namesMost = 8 // in an error

func names(all []Device, which []int) string {
	var list []string
	for _, i := range which[:min(len(which), namesMost)] {
		list = append(list, fmt.Sprintf("%q", all[i].Name))
	}
	if more := len(which) - namesMost; more > 0 {
		list = append(list, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(list, ", ")
}
