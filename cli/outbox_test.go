package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// stuck is an output that nobody reads until it is let go.
type stuck struct {
	bytes.Buffer
	let chan struct{}
}

func (s *stuck) Write(b []byte) (int, error) {
	<-s.let
	return s.Buffer.Write(b)
}

func noFailure(t *testing.T) func(error) {
	return func(err error) { t.Error(err) }
}

// TestStoppedOutput: a terminal that stands still stops nobody, costs bounded memory, and hears later what it
// missed.
func TestStoppedOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &stuck{let: make(chan struct{})}
		o := newOutbox(w, skippedLine, noFailure(t))
		go o.run()
		kib := []byte(strings.Repeat("x", 1023) + "\n")
		for range 5000 {
			o.put(kib)
		}
		if o.size > outboxSize {
			t.Errorf("%d bytes wait", o.size)
		}
		close(w.let)
		o.close()
		out := w.String()
		if n := strings.Count(out, "x\n"); n < 4096 || n > 4097 {
			t.Errorf("%d of 5000 lines came out, want 4 MiB and the one being written", n)
		}
		if !strings.Contains(out, "lines were left out") {
			t.Error("nothing tells of the lines left out")
		}
	})
}

func TestOutputThatNeverMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &stuck{let: make(chan struct{})}
		o := newOutbox(w, skippedLine, noFailure(t))
		go o.run()
		o.put([]byte("x\n"))
		start := time.Now()
		o.close()
		if took := time.Since(start); took != flushTime {
			t.Errorf("the end waits %v", took)
		}
		close(w.let)
	})
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestOutputThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told error
		o := newOutbox(brokenPipe{}, skippedLine, func(err error) { told = err })
		go o.run()
		o.put([]byte("x\n"))
		synctest.Wait()
		o.put([]byte("y\n"))
		o.close()
		if told == nil {
			t.Error("nobody is told")
		}
	})
}
