package cli

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"parley.lan/internal/termtest"
	"parley.lan/node"
)

// eventful is n events of people who come, talk, write and leave, each of which a person should hear of.
func eventful(n int) (all []moment) {
	at := storyStart.Add(10 * time.Minute) // all on one day
	for i := range n {
		who := byte(2 + i/4)
		m := member(who, fmt.Sprintf("guest %d", who))
		e := []node.Event{
			node.MemberJoined{Member: m},
			node.Message{ID: msgID(byte(i)), From: person(who, m.Name), Text: fmt.Sprintf("message %d, which is longer than a row of the terminal is", i), Sent: at},
			node.Speaking{Member: m, On: true},
			node.MemberLeft{Member: m},
		}[i%4]
		all = append(all, moment{4 * time.Second, e})
		at = at.Add(4 * time.Second)
	}
	all[0].after = 10 * time.Minute
	return all
}

// oneLineEach tells what is wrong with what n events made: each is to be one line that ends, and nothing is ever taken back.
func oneLineEach(got string, n int, colour bool) error {
	if colour {
		got = regexp.MustCompile("\x1b\\[[0-9;]*m").ReplaceAllString(got, "")
	}
	got = strings.ReplaceAll(got, "\r\n", "\n") // as a terminal gets it
	if i := strings.IndexFunc(got, func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f }); i >= 0 {
		return fmt.Errorf("it holds %q", got[i:min(len(got), i+20)])
	}
	for i, line := range strings.Split(strings.TrimSuffix(got, "\n"), "\n") {
		if len(strings.TrimSpace(line)) < len("00:00 * x") {
			return fmt.Errorf("line %d is %q", i, line)
		}
	}
	if lines := strings.Count(got, "\n"); lines != n || !strings.HasSuffix(got, "\n") {
		return fmt.Errorf("%d lines for %d events", lines, n)
	}
	return nil
}

// TestEachEventIsOneLine: a screen reader speaks what is new on the screen, so nothing may be drawn twice.
func TestEachEventIsOneLine(t *testing.T) {
	const n = 100
	for _, colour := range []bool{false, true} {
		got := string(lines(look{terminal: true, colour: colour}, eventful(n)))
		_, got, _ = strings.Cut(got, "\n") // the day
		if err := oneLineEach(got, n, colour); err != nil {
			t.Errorf("colour %v: %v\n%s", colour, err, got)
		}
	}
	if oneLineEach("12:00 * Ada came in\n\x1b[A12:00 * redrawn\n", 2, true) == nil || oneLineEach("12:00 * Ada came in\r", 1, false) == nil {
		t.Error("redrawing passes")
	}
}

// TestPlainInATerminal is the same with --plain in a real terminal, whose window is narrower than the lines.
func TestPlainInATerminal(t *testing.T) {
	for _, noColour := range []string{"", "1"} {
		t.Setenv("TERM", "xterm-256color")
		t.Setenv("NO_COLOR", noColour)
		tty, keyboard := termtest.OpenPTY(t)
		screen := &buffer{}
		read := make(chan struct{})
		go func() {
			defer close(read)
			io.Copy(screen, keyboard)
		}()
		n := newFakeNode()
		const events = 96 // the fake node's channel holds them
		for _, m := range eventful(events) {
			if s, isTalk := m.event.(node.Speaking); isTalk { // a clock that we don't set decides about these
				m.event = node.Recording{Member: recording(s.Member), On: true}
			}
			n.events <- m.event
		}
		n.events <- node.MemberJoined{Member: member(9, "the last one")}
		p := &program{stdin: tty, stdout: tty, stderr: tty, join: func(node.Config) (resident, error) { return n, nil }}
		done := make(chan int)
		state := t.TempDir()
		go func() {
			done <- p.run(t.Context(), []string{"node", "--plain", "--audio", "none", "--state-dir", state})
		}()
		for end := time.Now().Add(30 * time.Second); !strings.Contains(screen.String(), "the last one came in\r\n"); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("the screen shows %q", screen.String())
			}
		}
		got := screen.String()
		if _, rest, cut := strings.Cut(got, "---\r\n"); cut {
			got = rest
		}
		if err := oneLineEach(got, events+1, false); err != nil {
			t.Errorf("NO_COLOR=%q: %v\n%s", noColour, err, got)
		}
		s := termtest.NewScreen(t, 200, 2*events, nil)
		s.Write([]byte(screen.String()))
		if d := s.Deeds(); d.Redraws > 0 || d.AltScreen > 0 || d.Bells > 0 {
			t.Errorf("NO_COLOR=%q: the terminal did %+v", noColour, d)
		}
		keyboard.WriteString("/quit\n")
		if code := <-done; code != 0 {
			t.Errorf("exit code %d", code)
		}
		keyboard.WriteString("\n") // ends the read that nobody waits for, and that keeps the terminal open
		tty.Close()
		<-read
	}
}
