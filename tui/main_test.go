package tui

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"go.uber.org/goleak"

	"parley.lan/node"
	"parley.lan/room"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) {
	time.Local = time.UTC
	goleak.VerifyTestMain(m)
}

// fakeNode is a node as the screen sees it. What it is told, it keeps.
type fakeNode struct {
	node.Face // what is not defined here is not expected to be called
	self      room.NodeID
	said      []string
	whispered [][2]string
	switches  node.Switches
	levels    node.Levels
	volumes   map[room.NodeID]float64
	members   []room.Member
	past      []node.Message // older than what is shown, oldest first
	devices   []node.Device
	used      [2]string
	rooms     []string
	name      string
	place     node.Place
	events    chan node.Event
}

func (n *fakeNode) ID() room.NodeID           { return n.self }
func (n *fakeNode) Events() <-chan node.Event { return n.events }
func (n *fakeNode) Members() []room.Member    { return n.members }
func (n *fakeNode) Place() node.Place         { return n.place }
func (n *fakeNode) Switches() node.Switches   { return n.switches }
func (n *fakeNode) Levels() node.Levels       { return n.levels }
func (n *fakeNode) SetMuted(on bool)          { n.switches.Muted = on }
func (n *fakeNode) SetDeaf(on bool)           { n.switches.Deaf = on }
func (n *fakeNode) SetPushToTalk(on bool)     { n.switches.PushToTalk = on }
func (n *fakeNode) Press(on bool)             { n.switches.Pressed = on }
func (n *fakeNode) TestMicrophone(on bool)    { n.switches.Testing = on }
func (n *fakeNode) Devices() ([]node.Device, error) {
	if n.devices == nil {
		return nil, errors.New("no sound system")
	}
	return n.devices, nil
}
func (n *fakeNode) UseDevices(in, out string) error { n.used = [2]string{in, out}; return nil }
func (n *fakeNode) Volume(who room.NodeID) float64  { return n.volumes[who] }
func (n *fakeNode) Rename(name string) error        { n.name = name; return nil }
func (n *fakeNode) Enter(r string) error            { n.rooms = append(n.rooms, r); return nil }
func (n *fakeNode) Sounding() node.Sounding {
	return node.Sounding{Audio: node.Audio{Input: "Mic", Output: "Ear"}}
}
func (n *fakeNode) SetVolume(who room.NodeID, dB float64) error {
	n.volumes[who] = dB
	return nil
}

func (n *fakeNode) Say(text string) (room.ID, error) {
	if err := room.CheckText(text); err != nil {
		return room.ID{}, err
	}
	n.said = append(n.said, text)
	return room.ID{}, nil
}

func (n *fakeNode) Whisper(to, text string) (room.ID, error) {
	n.whispered = append(n.whispered, [2]string{to, text})
	return room.ID{}, nil
}

func (n *fakeNode) Earlier(_ context.Context, before room.ID, most int) ([]node.Message, error) {
	end := len(n.past)
	for i, m := range n.past {
		if m.ID == before {
			end = i
		}
	}
	return n.past[max(0, end-most):end], nil
}

func (n *fakeNode) Search(_ context.Context, words string, most int) (found []node.Message, err error) {
	for _, m := range n.past {
		if strings.Contains(m.Text, words) {
			found = append(found, m)
		}
	}
	return found[max(0, len(found)-most):], nil
}

func id(b byte) room.NodeID { return room.NodeID{b, b, b, b} }

func member(b byte, name string) room.Member { return room.Member{ID: id(b), Name: name} }

// stage is a screen in the hands of a test, at a time that the test sets.
type stage struct {
	*Model
	node *fakeNode
	at   time.Time
	n    uint64 // messages so far
}

// evening is when the tests take place.
var evening = time.Date(2026, 3, 14, 20, 15, 0, 0, time.UTC)

func newStage(width, height int) *stage {
	n := &fakeNode{self: id(1), volumes: map[room.NodeID]float64{}, events: make(chan node.Event), place: node.Place{Room: "lobby"}}
	s := &stage{node: n, at: evening}
	s.Model = newModel(context.Background(), n, Options{Notify: true})
	s.now = func() time.Time { return s.at }
	s.run(s.update(tea.WindowSizeMsg{Width: width, Height: height}))
	return s
}

// update gives the screen a message, and gives what it wants done.
func (s *stage) update(msg tea.Msg) tea.Cmd {
	_, cmd := s.Update(msg)
	return cmd
}

// run does what the screen wants done, and what comes of that, and so on. Waiting is left out.
func (s *stage) run(cmd tea.Cmd) (raw string) {
	if cmd == nil {
		return ""
	}
	switch msg := cmd().(type) {
	case tea.BatchMsg:
		for _, c := range msg {
			raw += s.run(c)
		}
	case tea.RawMsg:
		raw, _ = msg.Msg.(string)
	default:
		if cmds := reflect.ValueOf(msg); msg != nil && cmds.Kind() == reflect.Slice && cmds.Type().Elem() == reflect.TypeFor[tea.Cmd]() {
			for i := range cmds.Len() { // of tea.Sequence, whose type has no name outside
				raw += s.run(cmds.Index(i).Interface().(tea.Cmd))
			}
		} else if msg != nil {
			raw = s.run(s.update(msg))
		}
	}
	return raw
}

func (s *stage) happens(events ...node.Event) (raw string) { return s.run(s.update(happened(events))) }

// said is a message, a few seconds after the one before.
func (s *stage) said(from room.Member, text string) node.Message {
	s.n++
	s.at = s.at.Add(7 * time.Second)
	return node.Message{
		ID: room.ID{byte(s.n), byte(s.n >> 8), 1}, From: node.Person{ID: from.ID, Name: from.Name}, Plain: from.Plain, Text: text,
		Sent: s.at, Mine: from.ID == s.node.self, Order: uint64(s.at.UnixMilli()) << 16,
	}
}

func (s *stage) says(from room.Member, text string) (raw string) {
	return s.happens(s.said(from, text))
}

func (s *stage) types(text string) {
	for _, r := range text {
		s.run(s.update(tea.KeyPressMsg{Code: r, Text: string(r)}))
	}
}

func (s *stage) press(codes ...rune) {
	for _, c := range codes {
		s.run(s.update(tea.KeyPressMsg{Code: c}))
	}
}

func (s *stage) enter(line string) {
	s.types(line)
	s.press(tea.KeyEnter)
}

// screen is what the person sees, without colours.
func (s *stage) screen() string { return ansi.Strip(s.View().Content) }

func (s *stage) shows(t *testing.T, words ...string) {
	t.Helper()
	screen := s.screen()
	for _, w := range words {
		if !strings.Contains(screen, w) {
			t.Errorf("the screen lacks %q:\n%s", w, screen)
		}
	}
}

func (s *stage) lacks(t *testing.T, words ...string) {
	t.Helper()
	for _, w := range words {
		if screen := s.screen(); strings.Contains(screen, w) {
			t.Errorf("the screen still has %q:\n%s", w, screen)
		}
	}
}

// golden compares got with testdata/name.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("differs from %s (go test ./tui -update writes it anew):\n%s", path, got)
	}
}
