//go:build linux

package lantest

import (
	"container/heap"
	"slices"
	"sync"
	"time"
)

// maxLate bounds the frames on their way. Past it a new one is lost, as in a switch whose buffer is full.
const maxLate = 1 << 16

// delayLine holds frames until they are due; frames due at the same moment keep their order.
type delayLine struct {
	wake chan struct{} // holds one token when a frame came that is due before all others, or at the end

	mu     sync.Mutex // guards what follows
	frames lateFrames
	count  uint64
	closed bool
}

type lateFrame struct {
	due   time.Time
	order uint64
	to    *port
	bytes []byte
}

func newDelayLine() *delayLine { return &delayLine{wake: make(chan struct{}, 1)} }

func (d *delayLine) add(w delivery, frame []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || len(d.frames) >= maxLate {
		return
	}
	d.count++
	f := lateFrame{time.Now().Add(w.wait), d.count, w.to, slices.Clone(frame)}
	heap.Push(&d.frames, f)
	if d.frames[0].order == f.order {
		d.nudge()
	}
}

func (d *delayLine) nudge() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// run delivers until close.
func (d *delayLine) run() {
	for {
		due, wait, closed := d.take()
		if closed {
			return
		}
		for _, f := range due {
			f.to.tap.Write(f.bytes) // a port that was closed meanwhile loses the frame
		}
		if len(due) > 0 {
			continue
		}
		select {
		case <-d.wake:
		case <-time.After(wait):
		}
	}
}

// take removes what is due now, or tells how long nothing will be.
func (d *delayLine) take() (due []lateFrame, wait time.Duration, closed bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	for len(d.frames) > 0 && !d.frames[0].due.After(now) {
		due = append(due, heap.Pop(&d.frames).(lateFrame))
	}
	wait = time.Hour
	if len(d.frames) > 0 {
		wait = d.frames[0].due.Sub(now)
	}
	return due, wait, d.closed
}

func (d *delayLine) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	d.nudge()
}

// lateFrames is a heap, earliest first.
type lateFrames []lateFrame

func (f lateFrames) Len() int { return len(f) }
func (f lateFrames) Less(i, j int) bool {
	if !f[i].due.Equal(f[j].due) {
		return f[i].due.Before(f[j].due)
	}
	return f[i].order < f[j].order
}
func (f lateFrames) Swap(i, j int) { f[i], f[j] = f[j], f[i] }
func (f *lateFrames) Push(x any)   { *f = append(*f, x.(lateFrame)) }
func (f *lateFrames) Pop() any {
	last := (*f)[len(*f)-1]
	*f = (*f)[:len(*f)-1]
	return last
}
