//go:build unix

package local

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"parley.lan/node"
	"parley.lan/room"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs a server on a node that is in no room, and gives its state folder.
func serve(t *testing.T) (dir string, n *node.Participant) {
	t.Helper()
	dir = t.TempDir()
	n, err := node.Open(node.Config{Name: "Ada", StateDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	l, err := Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() { server(n).Serve(ctx, l) })
	t.Cleanup(func() { cancel(); serving.Wait() })
	return dir, n
}

func server(n Node) *Server {
	return &Server{Node: n, Quit: func() {}, Log: slog.New(slog.DiscardHandler)}
}

func TestSocketIsOnesOwn(t *testing.T) {
	dir, _ := serve(t)
	info, err := os.Stat(filepath.Join(dir, name))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestNobodyRuns(t *testing.T) {
	dir := t.TempDir()
	if _, err := Hear(dir, false); !errors.Is(err, ErrNone) {
		t.Errorf("without a socket: %v", err)
	}
	l, err := Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false) // as a killed node leaves it
	l.Close()
	if _, err := Hear(dir, false); !errors.Is(err, ErrNone) {
		t.Errorf("with a dead node's socket: %v", err)
	}
	if l, err = Listen(dir); err != nil {
		t.Fatalf("a dead node's socket is in the way: %v", err)
	}
	l.Close()
}

func TestStrangersSocketIsRefused(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, name)
	os.WriteFile(path, nil, 0o600)
	if _, err := Listen(dir); err == nil || !strings.Contains(err.Error(), "not a socket") {
		t.Errorf("a file in its place: %v", err)
	}
	os.Remove(path)
	if os.Getuid() != 0 {
		t.Log("another user's socket can be made by root alone")
		return
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := os.Chown(path, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(dir); err == nil || !strings.Contains(err.Error(), "another user") {
		t.Errorf("listening: %v", err)
	}
	if _, err := Hear(dir, false); err == nil || !strings.Contains(err.Error(), "another user") {
		t.Errorf("dialling: %v", err)
	}
}

func TestLongPathIsSaid(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("d", 100))
	os.MkdirAll(dir, 0o700)
	if _, err := Listen(dir); err == nil || !strings.Contains(err.Error(), "--state-dir") {
		t.Errorf("%v", err)
	}
}

// TestOneSpeechAtATime: a second is refused until the first has ended.
func TestOneSpeechAtATime(t *testing.T) {
	dir, n := serve(t)
	tap := n.Overhear(false)
	defer tap.Close()
	first, err := Say(dir)
	if err != nil || first.Room != "lobby" {
		t.Fatal(first, err)
	}
	if _, err := Say(dir); err == nil || err.Error() != node.ErrSpeaking.Error() {
		t.Errorf("the second: %v", err)
	}
	if err := first.Send(room.VoiceFrame{Opus: []byte{1, 2}}); err != nil {
		t.Error(err)
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	again, err := Say(dir)
	if err != nil {
		t.Fatalf("after it: %v", err)
	}
	again.Close()
}

// TestSocketIsBounded: connections that say nothing are ended, those beyond maxConns refused, long lines as well.
func TestSocketIsBounded(t *testing.T) {
	dir, _ := serve(t)
	var open []*Hearing
	for range maxConns {
		h, err := Hear(dir, false)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, h)
	}
	if _, err := Hear(dir, false); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("one too many: %v", err)
	}
	for _, h := range open {
		h.Close()
	}
	for deadline := time.Now().Add(5 * time.Second); ; {
		h, err := Hear(dir, false)
		if err == nil {
			h.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("no place is free again: %v", err)
		}
	}
	conn, err := dial(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c := newLines(conn, maxAnswer)
	conn.Write([]byte(strings.Repeat("x", maxLine+1)))
	var a answer
	if err := c.read(&a); err != nil || !strings.Contains(a.Error, "too long") {
		t.Errorf("a long line: %+v, %v", a, err)
	}
}

func TestSound(t *testing.T) {
	dir, _ := serve(t)
	in, s, err := Sound(dir)
	if err != nil || in != "lobby" || !s.Muted || s.Input != "" {
		t.Errorf("%q, %+v, %v", in, s, err)
	}
}

// idle is a node whose loop does not run: what would wait for it comes to nothing.
type idle struct{ *node.Participant }

var errIdle = errors.New("nobody does it")

func (idle) Say(string) (room.ID, error)             { return room.ID{}, errIdle }
func (idle) Whisper(string, string) (room.ID, error) { return room.ID{}, errIdle }
func (idle) Rename(string) error                     { return errIdle }

// FuzzRequest: whatever somebody writes, each connection ends, and the next one is answered.
func FuzzRequest(f *testing.F) {
	for _, s := range []string{
		`{"do":"sound"}` + "\n", `{"do":"say"}` + "\n" + `{"opus":"AAA=","seq":70000}` + "\n", `{"do":"hear","recording":true}` + "\n",
		`{"do":"say"}` + "\n" + `{"opus":"AAA=","level":255}` + "\nx\n", "{}\n", "\n", "\xff\xfe\n", `{"do":["say"]}`,
	} {
		f.Add([]byte(s))
	}
	p, err := node.Open(node.Config{Name: "Ada", StateDir: f.TempDir()})
	if err != nil {
		f.Fatal(err)
	}
	n := idle{p}
	s := server(n)
	f.Fuzz(func(t *testing.T, in []byte) {
		ours, theirs := net.Pipe()
		var serving sync.WaitGroup
		serving.Go(func() { defer theirs.Close(); s.serve(t.Context(), newLines(theirs, maxLine)) })
		answered := make(chan struct{})
		go func() {
			defer close(answered)
			c := newLines(ours, maxAnswer)
			for {
				var any json.RawMessage
				if err := c.read(&any); err != nil {
					if !strings.Contains(err.Error(), "EOF") {
						t.Errorf("answered with %v", err)
					}
					return
				}
			}
		}()
		ours.Write(in)
		ours.Close()
		serving.Wait()
		<-answered
		if speech, err := n.Speak(); err != nil {
			t.Errorf("a speech has not ended: %v", err)
		} else {
			speech.Close()
		}
	})
}
