package cli

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"parley.lan/local"
	"parley.lan/node"
	"parley.lan/room"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) {
	time.Local = time.UTC
	goleak.VerifyTestMain(m)
}

// golden compares got with testdata/name.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("differs from %s (go test ./cli -update writes it anew):\n%s", path, got)
	}
}

func id(b byte) room.NodeID { return room.NodeID{b, b, b, b} }

func msgID(b byte) room.ID { return room.ID{b} }

func member(b byte, name string) room.Member { return room.Member{ID: id(b), Name: name} }

func person(b byte, name string) node.Person { return node.Person{ID: id(b), Name: name} }

// buffer is a standard output that may be read while it is written.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// fakeNode is alone in its room. What is said comes back at once, unless deaf.
type fakeNode struct {
	local.Node // what is not defined here is not expected to be called
	events     chan node.Event
	members    []room.Member
	runErr     error
	deaf       bool // messages stay pending

	mu        sync.Mutex
	said      []string
	whispered [][2]string // to, text
	muted     bool
	pending   int
}

func newFakeNode() *fakeNode {
	return &fakeNode{events: make(chan node.Event, 256), members: []room.Member{member(1, "Ada"), member(2, "Bob B")}}
}

func (n *fakeNode) Run(ctx context.Context) error {
	defer close(n.events)
	if n.runErr != nil {
		return n.runErr
	}
	<-ctx.Done()
	n.events <- node.Left{Reason: "asked to"}
	return nil
}

func (n *fakeNode) Events() <-chan node.Event { return n.events }

func (n *fakeNode) Say(text string) (room.ID, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := room.CheckText(text); err != nil {
		return room.ID{}, err
	}
	n.said = append(n.said, text)
	i := msgID(byte(len(n.said)))
	n.events <- node.Pending{ID: i, Text: text}
	if n.deaf {
		n.pending++
		return i, nil
	}
	n.events <- node.Message{ID: i, From: person(1, "Ada"), Text: text, Sent: time.Now(), Mine: true}
	n.events <- node.Delivered{ID: i}
	return i, nil
}

func (n *fakeNode) Whisper(to, text string) (room.ID, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.whispered = append(n.whispered, [2]string{to, text})
	return room.ID{}, nil
}

func (n *fakeNode) Members() []room.Member { return n.members }
func (n *fakeNode) ID() room.NodeID        { return id(1) }

func (n *fakeNode) SetMuted(on bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.muted = on
}

func (n *fakeNode) Switches() node.Switches {
	n.mu.Lock()
	defer n.mu.Unlock()
	return node.Switches{Muted: n.muted}
}

func (n *fakeNode) Drain(ctx context.Context) int {
	n.mu.Lock()
	pending := n.pending
	n.mu.Unlock()
	if pending > 0 {
		<-ctx.Done()
	}
	return pending
}

func (n *fakeNode) Watch() *node.Watch           { panic("nobody watches here") }
func (n *fakeNode) Overhear(bool) *node.Tap      { panic("no voices here") }
func (n *fakeNode) Speak() (*node.Speech, error) { return nil, node.ErrSpeaking }
func (n *fakeNode) Sounding() node.Sounding      { return node.Sounding{Muted: n.Switches().Muted} }
