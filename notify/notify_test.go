package notify

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shown is a desktop on which each notification takes a while.
type shown struct {
	mu    sync.Mutex
	notes []string
	at    []time.Duration
}

func (s *shown) desktop(takes time.Duration) func(context.Context, note) error {
	start := time.Now()
	return func(ctx context.Context, n note) error {
		s.mu.Lock()
		s.notes, s.at = append(s.notes, n.who+": "+n.text), append(s.at, time.Since(start))
		s.mu.Unlock()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(takes):
			return nil
		}
	}
}

// TestOneAtATimeAndTheRestCounted: however much is told, one notification comes in 2 seconds, with the newest words.
func TestOneAtATimeAndTheRestCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s shown
		n := New(func(string) { t.Error("the terminal is told too") })
		n.desktop = s.desktop(100 * time.Millisecond)
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { n.Run(ctx) })
		for i := range 5 { // one is shown; four come while the next may not be
			n.Tell("Ada", fmt.Sprint(i))
			synctest.Wait()
		}
		time.Sleep(time.Minute)
		n.Tell("Bob", "hello")
		time.Sleep(time.Minute)
		stop()
		running.Wait()
		want, at := []string{"Ada: 0", "Ada: 4 (3 more)", "Bob: hello"}, []time.Duration{0, pause, time.Minute}
		if !slices.Equal(s.notes, want) || !slices.Equal(s.at, at) {
			t.Errorf("shown at %v: %q", s.at, s.notes)
		}
	})
}

// TestDesktopThatHangs is left after 3 seconds, and the terminal told in its place.
func TestDesktopThatHangs(t *testing.T) {
	t.Setenv("TERM", "xterm")
	t.Setenv("TMUX", "")
	synctest.Test(t, func(t *testing.T) {
		var s shown
		var printed []string
		var at []time.Duration
		start := time.Now()
		n := New(func(seq string) { printed, at = append(printed, seq), append(at, time.Since(start)) })
		n.desktop = s.desktop(time.Hour)
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { n.Run(ctx) })
		n.Tell("Ada", "look")
		time.Sleep(hanging)
		synctest.Wait()
		n.Tell("Ada", "again") // and it ends at once while a notification hangs
		synctest.Wait()
		stop()
		running.Wait()
		if !slices.Equal(printed, []string{"\x1b]9;Ada: look\x1b\\"}) || !slices.Equal(at, []time.Duration{hanging}) {
			t.Errorf("printed at %v: %q", at, printed)
		}
		if len(s.notes) != 2 || time.Since(start) != hanging {
			t.Errorf("after %v: shown %q", time.Since(start), s.notes)
		}
	})
}

// fakeNotifySend puts a script in notify-send's place, on a machine with a desktop, and gives the folder that it works in.
func fakeNotifySend(t *testing.T, script string) (dir string) {
	t.Helper()
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		t.Skip("this system has no notify-send")
	}
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "notify-send"), []byte("#!/bin/sh\ncd "+dir+"\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv("DISPLAY", ":0")
	t.Setenv("SSH_CONNECTION", "")
	t.Setenv("TERM", "xterm")
	t.Setenv("TMUX", "")
	return dir
}

// tell tells one note and gives what the terminal was told, when it was.
func tell(t *testing.T, n *Notifier, printed <-chan string, until func() bool, who, text string) (seq string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { n.Run(ctx) })
	defer running.Wait()
	defer stop()
	n.Tell(who, text)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		select {
		case seq := <-printed:
			return seq
		default:
		}
		if until() {
			return ""
		}
	}
	t.Fatal("nobody was told")
	return ""
}

// TestNotifySendGetsArguments: hostile words come out of a real process' arguments as they went in, but for the markup that a
// notification's body may hold.
func TestNotifySendGetsArguments(t *testing.T) {
	dir := fakeNotifySend(t, `for a; do printf '%s\n' "$a"; done > told.tmp && mv told.tmp told`)
	printed := make(chan string, 1)
	n := New(func(seq string) { printed <- seq })
	there := func() bool { _, err := os.Stat(filepath.Join(dir, "told")); return err == nil }
	seq := tell(t, n, printed, there, "--help", "$(touch here) `id`; <b>\"bold\"</b> & \\n \x1b]0;title\a'\nnew")
	if seq != "" {
		t.Fatalf("the terminal was told %q", seq)
	}
	told, err := os.ReadFile(filepath.Join(dir, "told"))
	if err != nil {
		t.Fatal(err)
	}
	want := "--app-name=Parley\n--category=im.received\n--\n--help\n" +
		"$(touch here) `id`; &lt;b&gt;\"bold\"&lt;/b&gt; &amp; \\\\n ]0;title' new\n"
	if string(told) != want {
		t.Errorf("notify-send got\n%q, want\n%q", told, want)
	}
	if _, err := os.Stat(filepath.Join(dir, "here")); err == nil {
		t.Error("a shell read the text")
	}
}

// TestNotifySendThatHangs: its process is gone when the terminal is told.
func TestNotifySendThatHangs(t *testing.T) {
	dir := fakeNotifySend(t, `echo $$ > pid.tmp && mv pid.tmp pid; exec sleep 1000`)
	printed := make(chan string, 1)
	n := New(func(seq string) { printed <- seq })
	n.hanging = time.Second
	if seq := tell(t, n, printed, func() bool { return false }, "Ada", "look"); seq != "\x1b]9;Ada: look\x1b\\" {
		t.Errorf("the terminal was told %q", seq)
	}
	pid, err := os.ReadFile(filepath.Join(dir, "pid"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("/proc/" + strings.TrimSpace(string(pid))); runtime.GOOS == "linux" && err == nil {
		t.Error("notify-send runs still")
	}
}

// TestNotifySendThatFails, as where nothing on the desktop shows notifications.
func TestNotifySendThatFails(t *testing.T) {
	fakeNotifySend(t, "exit 1")
	printed := make(chan string, 1)
	n := New(func(seq string) { printed <- seq })
	if seq := tell(t, n, printed, func() bool { return false }, "Ada", "look"); seq != "\x1b]9;Ada: look\x1b\\" {
		t.Errorf("the terminal was told %q", seq)
	}
}
