// Package notify tells a person who looks elsewhere that somebody has spoken to them: through the desktop where there is one,
// else through the terminal.
package notify

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"time"
)

const (
	pause   = 2 * time.Second // from one notification to the next; what comes meanwhile is counted
	hanging = 3 * time.Second // after which a tool of the desktop is ended
)

// Notifier shows one notification at a time. Where more is to be told than it shows, it shows the newest and counts the others.
type Notifier struct {
	desktop func(context.Context, note) error // nil: there is none
	print   func(sequence string)
	pause   time.Duration
	hanging time.Duration

	news chan struct{} // holds 1: something waits
	mu   sync.Mutex
	last note
	n    int // notes that wait, the last one included
}

// note is what one notification says.
type note struct{ who, text string }

// New finds out how to tell the person. Where there is no desktop, or it fails, print gets the escape sequence that has the
// terminal tell them; it is called by Run, one call at a time.
func New(print func(sequence string)) *Notifier {
	return &Notifier{
		desktop: findDesktop(os.Getenv, exec.LookPath),
		print:   print,
		pause:   pause,
		hanging: hanging,
		news:    make(chan struct{}, 1),
	}
}

// Tell has Run show "who: text". It never blocks.
func (n *Notifier) Tell(who, text string) {
	n.mu.Lock()
	n.last = note{clean(who), clean(text)}
	n.n++
	n.mu.Unlock()
	select {
	case n.news <- struct{}{}:
	default:
	}
}

// Run shows what is told until ctx ends.
func (n *Notifier) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.news:
		}
		rest := time.NewTimer(n.pause)
		n.show(ctx, n.take())
		select {
		case <-ctx.Done():
			return
		case <-rest.C:
		}
	}
}

// take gives the newest note, with the number of the others.
func (n *Notifier) take() note {
	n.mu.Lock()
	defer n.mu.Unlock()
	newest, others := n.last, n.n-1
	n.last, n.n = note{}, 0
	if others > 0 {
		newest.text += fmt.Sprintf(" (%d more)", others)
	}
	return newest
}

func (n *Notifier) show(ctx context.Context, what note) {
	if n.desktop != nil {
		telling, cancel := context.WithTimeout(ctx, n.hanging)
		defer cancel()
		if n.desktop(telling, what) == nil || ctx.Err() != nil {
			return
		}
	}
	n.print(sequence(os.Getenv, what))
}
