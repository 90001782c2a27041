package cli

import (
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	// outboxSize bounds what waits for a standard output that nobody reads (a terminal stopped with Ctrl-S, a
	// pipe into a pager): 4 MiB are 500 messages of the longest kind. The node must not wait for it, or a
	// stopped terminal would stop the room. Beyond it lines are left out, and a line tells how many.
	outboxSize = 4 << 20
	// flushTime is how long the end waits for such an output.
	flushTime = 2 * time.Second
)

// outbox hands lines to a writer that may be slow, one Write each, as soon as they come.
type outbox struct {
	w       io.Writer
	skipped func(n int) []byte // the line that stands for n lines left out
	failed  func(error)        // told once when w fails; what comes later is dropped
	done    chan struct{}

	mu     sync.Mutex
	ready  *sync.Cond
	lines  [][]byte
	size   int
	missed int
	ended  bool
}

func newOutbox(w io.Writer, skipped func(int) []byte, failed func(error)) *outbox {
	o := &outbox{w: w, skipped: skipped, failed: failed, done: make(chan struct{})}
	o.ready = sync.NewCond(&o.mu)
	return o
}

// put queues one line, which it keeps. It never blocks.
func (o *outbox) put(line []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var note []byte
	if o.missed > 0 {
		note = o.skipped(o.missed)
	}
	if o.size+len(note)+len(line) > outboxSize {
		o.missed++
		return
	}
	if o.missed > 0 {
		o.push(note)
		o.missed = 0
	}
	o.push(line)
	o.ready.Signal()
}

func (o *outbox) push(line []byte) {
	o.lines = append(o.lines, line)
	o.size += len(line)
}

// run writes until close is called and everything is out, or the writer fails.
func (o *outbox) run() {
	defer close(o.done)
	for {
		line, more := o.next()
		if !more {
			return
		}
		if _, err := o.w.Write(line); err != nil {
			o.failed(fmt.Errorf("can't write the output: %w", err))
			return
		}
	}
}

func (o *outbox) next() ([]byte, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.lines) == 0 {
		if o.missed > 0 {
			o.push(o.skipped(o.missed))
			o.missed = 0
			break
		}
		if o.ended {
			return nil, false
		}
		o.ready.Wait()
	}
	line := o.lines[0]
	o.lines[0] = nil
	o.lines = o.lines[1:]
	o.size -= len(line)
	return line, true
}

// close waits until everything is written, but not longer than flushTime.
func (o *outbox) close() {
	o.mu.Lock()
	o.ended = true
	o.ready.Signal()
	o.mu.Unlock()
	select {
	case <-o.done:
	case <-time.After(flushTime):
	}
}
