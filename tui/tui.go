// Package tui is the full-screen face of a node: the conversation, who is here and talks, one's own microphone, and a prompt.
//
// Model is a value that takes messages and gives a screen (Bubble Tea's way); it has no clock and no terminal of its own, and is
// tested so. Run joins it to a node and a terminal.
package tui

import (
	"context"
	"errors"
	"io"
	"time"

	tea "charm.land/bubbletea/v2"

	"parley.lan/node"
	"parley.lan/notify"
)

// Options say how the screen goes about its work.
type Options struct {
	// Leave waits until all that was said is delivered, and tells why when it isn't. Nil: there is nothing to wait for, because
	// the node goes on without this screen.
	Leave func(context.Context) error
	// Notify rings the bell, and tells the desktop, when somebody names or whispers to a person who doesn't look.
	Notify bool
	// First is what happened before the node began.
	First []node.Event
}

const (
	frames     = 60                   // a second, at most
	gather     = 8 * time.Millisecond // events that come within are shown together
	leaveTime  = 5 * time.Second      // for the screen to end, once it is to; a terminal that takes no output would keep it
	mostAtOnce = 512                  // events
)

// Run shows a node until the person leaves or the node ends. Whoever runs the node ends it afterwards; its events are read to
// their end meanwhile, by the goroutine behind drained.
func Run(ctx context.Context, n node.Face, in io.Reader, out io.Writer, o Options) (drained <-chan struct{}, err error) {
	m := newModel(ctx, n, o)
	alive, giveUp := context.WithCancel(context.Background())
	defer giveUp()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(leaveTime, giveUp) })()
	p := tea.NewProgram(m, tea.WithContext(alive), tea.WithInput(in), tea.WithOutput(out), tea.WithoutSignalHandler(), tea.WithFPS(frames))
	if o.Notify {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		to := notify.New(func(s string) { p.Send(sequence(s)) })
		m.notify = to.Tell
		go to.Run(ctx)
	}
	jobs := make(chan job, mostJobs)
	defer close(jobs)
	m.jobs = jobs
	go work(n, jobs, p.Send)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for batch := range batches(n.Events()) {
			p.Send(happened(batch))
		}
		p.Send(ended{})
	}()
	ran := make(chan error, 1)
	go func() { _, err := p.Run(); ran <- err }()
	select {
	case err = <-ran:
	case <-alive.Done(): // the terminal takes nothing, and perhaps never will
		select {
		case err = <-ran:
		case <-time.After(time.Second):
		}
	}
	if errors.Is(err, tea.ErrProgramKilled) || errors.Is(err, tea.ErrInterrupted) {
		err = nil
	}
	if err == nil {
		err = m.failure
	}
	return done, err
}

// batches gathers events that come close together: a screen is drawn once for all of them.
func batches(events <-chan node.Event) <-chan []node.Event {
	out := make(chan []node.Event)
	go func() {
		defer close(out)
		for first := range events {
			batch := []node.Event{first}
			timer := time.NewTimer(gather)
		more:
			for len(batch) < mostAtOnce {
				select {
				case e, open := <-events:
					if !open {
						break more
					}
					batch = append(batch, e)
				case <-timer.C:
					break more
				}
			}
			timer.Stop()
			out <- batch
		}
	}()
	return out
}
