package cli

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// stay is a session in JSON mode on a fake node, inside a bubble.
type stay struct {
	node  *fakeNode
	stdin *io.PipeWriter
	out   *buffer
	ended chan error
}

func begin(t *testing.T, ctx context.Context, n *fakeNode) *stay {
	r, w := io.Pipe()
	out := &buffer{}
	s := &stay{node: n, stdin: w, out: out, ended: make(chan error, 1)}
	session := &session{node: n, input: newStreamReader(r), face: &jsonFace{func(b []byte) { out.Write(b) }}}
	go func() {
		s.ended <- session.run(ctx)
		r.Close() // a standard input would end with the process
	}()
	t.Cleanup(func() { w.Close() })
	return s
}

func (s *stay) types(lines string) {
	io.WriteString(s.stdin, lines)
	synctest.Wait()
}

func TestLinesAreSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t, t.Context(), newFakeNode())
		s.types("hello\n\n   \n  indented\r\n//x\nbad \xff byte\nred \x1b[31m\nno newline at the end")
		s.stdin.Close()
		if err := <-s.ended; err != nil {
			t.Fatal(err)
		}
		want := []string{"hello", "  indented", "/x", "bad \uFFFD byte", "red [31m", "no newline at the end"}
		if got := s.node.said; strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("said %q, want %q", got, want)
		}
		if out := s.out.String(); !strings.HasSuffix(out, `"type":"left","reason":"asked to"}`+"\n") {
			t.Errorf("left is not the last event:\n%s", out)
		}
	})
}

func TestLongLineIsRefusedWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t, t.Context(), newFakeNode())
		longest := strings.Repeat("é", maxLine/2)
		s.types(longest + "\n" + longest + "x\n" + strings.Repeat("y", 1<<20) + "\nnext\r\n" + strings.Repeat("z", 20000))
		s.stdin.Close()
		<-s.ended
		if got := s.node.said; len(got) != 2 || got[0] != longest || got[1] != "next" {
			t.Errorf("said %d messages, want the longest and the next", len(got))
		}
		if n := strings.Count(s.out.String(), `"type":"error","error":"the line is too long`); n != 3 {
			t.Errorf("%d refusals of 3 lines:\n%s", n, s.out)
		}
	})
}

func TestCommands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t, t.Context(), newFakeNode())
		for _, c := range []struct{ typed, says string }{
			{"/who", `"type":"members","members":[{"id":"aeaqcai`},
			{"/mute", `"type":"muted","on":true`},
			{"/unmute", `"type":"muted","on":false`},
			{"/help", `"type":"help","text":"A line`},
			{"/nope", `"type":"error","error":"there is no command /nope","hint":"/help lists the commands; to say it, double the slash: //nope"`},
			{"/who else", `"error":"/who takes nothing after it"`},
			{"/msg", `"error":"/msg lacks what belongs after it"`},
			{"/msg Bob B", `"error":"nothing to say to Bob B"`},
			{"/msg \"Bob", `"error":"the name has no closing quote"`},
		} {
			before := len(s.out.String())
			s.types(c.typed + "\n")
			if got := s.out.String()[before:]; !strings.Contains(got, c.says) || strings.Count(got, "\n") != 1 {
				t.Errorf("%s answers %q, want %q", c.typed, got, c.says)
			}
		}
		s.types("/msg bob b hi\n/quit\n")
		if err := <-s.ended; err != nil {
			t.Error(err)
		}
		if got := s.node.whispered; len(got) != 1 || got[0] != [2]string{id(2).String(), "hi"} {
			t.Errorf("whispered %q", got)
		}
	})
}

// TestUndeliveredIsTold: the end of input waits 5 s for what was said, then says what was lost.
func TestUndeliveredIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNode()
		n.deaf = true
		s := begin(t, t.Context(), n)
		start := time.Now()
		s.types("one\ntwo\n")
		s.stdin.Close()
		err := <-s.ended
		if took := time.Since(start); took != drainTime {
			t.Errorf("left after %v, want %v", took, drainTime)
		}
		var stderr buffer
		if code := report(&stderr, err); code != exitFailed || stderr.String() != "" {
			t.Errorf("exit code %d, and standard error repeats %q", code, stderr.String())
		}
		if !strings.Contains(s.out.String(), `"error":"leaving before 2 messages are delivered"`) {
			t.Errorf("nothing said of them:\n%s", s.out)
		}
	})
}

// TestSignalLeavesAtOnce, also while the end of input waits for deliveries.
func TestSignalLeavesAtOnce(t *testing.T) {
	for _, ended := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			n := newFakeNode()
			n.deaf = true
			ctx, cancel := context.WithCancel(t.Context())
			s := begin(t, ctx, n)
			start := time.Now()
			s.types("one\n")
			if ended {
				s.stdin.Close()
				synctest.Wait()
			}
			cancel()
			if err := <-s.ended; err != nil || time.Since(start) != 0 {
				t.Errorf("left with %v after %v", err, time.Since(start))
			}
		})
	}
}

func TestNodeThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newFakeNode()
		n.runErr = errors.New("no key")
		s := begin(t, t.Context(), n)
		if err := <-s.ended; err == nil || err.Error() != "no key" {
			t.Errorf("%v", err)
		}
	})
}
