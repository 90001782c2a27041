//go:build unix

package local

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"parley.lan/node"
	"parley.lan/room"
)

// running is a node in a room of its own, on the loopback, with its control socket.
type running struct {
	*node.Participant
	dir        string
	stop       func() // the node; the socket goes with it
	stopServer func() // alone
}

func run(t *testing.T) *running {
	t.Helper()
	r := &running{dir: t.TempDir()}
	p, err := node.Open(node.Config{
		Name: "Ada", Room: fmt.Sprintf("%.40s %d", t.Name(), os.Getpid()), StateDir: r.dir, Ifaces: []string{"lo"}, TextPort: 42222, VoicePort: 42255,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.Participant = p
	l, err := Listen(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	serving, unserve := context.WithCancel(context.Background())
	s := server(p)
	s.Quit = cancel
	var node, socket sync.WaitGroup
	node.Go(func() { p.Run(ctx) })
	node.Go(func() {
		for range p.Events() {
		}
	})
	socket.Go(func() { s.Serve(serving, l) })
	r.stopServer = func() { unserve(); socket.Wait() }
	r.stop = func() { cancel(); node.Wait(); r.stopServer() }
	t.Cleanup(r.stop)
	return r
}

// faced is an attached face that reads everything.
type faced struct {
	*Attached
	t      *testing.T
	detach func()
	ended  chan error

	seen []node.Event
}

func attach(t *testing.T, dir string) *faced {
	t.Helper()
	a, err := Attach(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, detach := context.WithCancel(context.Background())
	f := &faced{Attached: a, t: t, detach: detach, ended: make(chan error, 1)}
	go func() { f.ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		detach()
		for range a.Events() {
		}
	})
	return f
}

// until reads events up to one that passes.
func until[E node.Event](f *faced, pass func(E) bool) (found E) {
	f.t.Helper()
	limit := time.After(20 * time.Second)
	for {
		select {
		case e, more := <-f.Events():
			if !more {
				f.t.Fatalf("no %s; seen: %+v", found.Type(), f.seen)
			}
			f.seen = append(f.seen, e)
			if e, ok := e.(E); ok && pass(e) {
				return e
			}
		case <-limit:
			f.t.Fatalf("no %s; seen: %+v", found.Type(), f.seen)
		}
	}
}

func every[E node.Event](E) bool { return true }

// TestAttachedFace: what can be done with a node can be done from another process.
func TestAttachedFace(t *testing.T) {
	n := run(t)
	f := attach(t, n.dir)
	j := until(f, every[node.Joined])
	if j.Host.ID != n.ID() || f.ID() != n.ID() || len(f.Members()) != 1 || f.Members()[0].Name != "Ada" {
		t.Errorf("joined %+v as %v", j, f.ID())
	}
	longest := strings.Repeat("<", room.MaxText) // each takes six bytes in JSON
	id, err := f.Say(longest)
	if err != nil {
		t.Fatal(err)
	}
	if m := until(f, every[node.Message]); m.ID != id || m.Text != longest || !m.Mine || m.History {
		t.Errorf("came back: %+v", m)
	}
	for i := range 20 {
		if _, err := f.Say(fmt.Sprint(i, strings.Repeat("<", room.MaxText-2))); err != nil {
			t.Fatal(err)
		}
	}
	until(f, func(m node.Message) bool { return strings.HasPrefix(m.Text, "19") })
	got, err := f.Earlier(t.Context(), room.ID{}, 100) // more than fits into a line
	if err != nil || len(got) != 21 || got[0].ID != id || !strings.HasPrefix(got[20].Text, "19") {
		t.Errorf("%d messages, %v", len(got), err)
	}
	if got, err = f.Earlier(t.Context(), got[1].ID, 100); err != nil || len(got) != 1 || got[0].ID != id {
		t.Errorf("before the second: %d messages, %v", len(got), err)
	}
	if got, err = f.Search(t.Context(), "19", 3); err != nil || len(got) != 1 {
		t.Errorf("found %d messages, %v", len(got), err)
	}
	if _, err := f.Say(" "); err == nil {
		t.Error("said nothing")
	}
	if _, err := f.Whisper("nobody", "x"); err == nil || !strings.Contains(err.Error(), "nobody here is called") {
		t.Errorf("whispered to nobody: %v", err)
	}
	if err := f.Rename("Ada the Great"); err != nil {
		t.Fatal(err)
	}
	if e := until(f, every[node.Renamed]); e.Was != "Ada" || f.Members()[0].Name != "Ada the Great" {
		t.Errorf("%+v; here are %+v", e, f.Members())
	}
	f.SetDeaf(true)
	f.SetPushToTalk(true)
	f.Press(true)
	f.TestMicrophone(true)
	f.SetMuted(false) // without sound one stays muted
	want := node.Switches{Muted: true, Deaf: true, PushToTalk: true, Pressed: true, Testing: true}
	if f.Switches() != want || n.Switches() != want || !f.Sounding().Muted {
		t.Errorf("switches %+v, the node's %+v", f.Switches(), n.Switches())
	}
	until(f, func(s node.Switched) bool { return s.Switches == want })
	bob := room.NodeID{1, 2}
	if err := f.SetVolume(bob, -100); err != nil || f.Volume(bob) != node.Silent || n.Volume(bob) != node.Silent {
		t.Errorf("%v, %v dB, the node's %v", err, f.Volume(bob), n.Volume(bob))
	}
	if err := f.SetVolume(f.ID(), 1); err == nil {
		t.Error("one's own volume was set")
	}
	if _, err := f.Devices(); err == nil {
		t.Error("devices without sound")
	}
	if err := f.UseDevices("x", ""); err == nil {
		t.Error("using devices without sound")
	}
	if l := f.Levels(); l.Microphone != room.LevelSilent {
		t.Errorf("%+v", l)
	}
	attic := n.Room()[:20] + " attic"
	if err := f.Enter(attic); err != nil {
		t.Fatal(err)
	}
	until(f, func(j node.Joined) bool { return j.Room == attic })
	if _, err := f.soon(call{Do: "dance"}); err == nil || !strings.Contains(err.Error(), "dance") {
		t.Errorf("an unknown call: %v", err)
	}

	late := attach(t, n.dir)
	if e := until(late, every[node.Switched]); e.Switches != want || late.Switches() != want {
		t.Errorf("a second face is told %+v", e)
	}
	late.detach()
	if e := until(late, every[node.Left]); !strings.Contains(e.Reason, "goes on") {
		t.Errorf("%+v", e)
	}
	if err := <-late.ended; err != nil {
		t.Error(err)
	}
	go n.stop()
	if e := until(f, every[node.Left]); e.Reason != "asked to leave" {
		t.Errorf("%+v", e)
	}
	if err := <-f.ended; err != nil {
		t.Error(err)
	}
	if _, err := f.Say("anybody?"); !errors.Is(err, ErrEnded) {
		t.Errorf("after the end: %v", err)
	}
}

func TestNodeDiesUnderItsFace(t *testing.T) {
	n := run(t)
	f := attach(t, n.dir)
	until(f, every[node.Joined])
	n.stopServer()
	if e := until(f, every[node.Left]); e.Reason != ErrEnded.Error() {
		t.Errorf("%+v", e)
	}
	if err := <-f.ended; !errors.Is(err, ErrEnded) {
		t.Error(err)
	}
}

// TestFaceThatStandsStill: it costs the node nothing, and is told once it reads again.
func TestFaceThatStandsStill(t *testing.T) {
	n := run(t)
	f := attach(t, n.dir)
	until(f, every[node.Joined])
	for i := range 2 {
		for range 2 * 2048 {
			f.queue.Put(node.Delivered{})
		}
		if _, err := f.Say(fmt.Sprint("nobody reads this ", i)); err != nil {
			t.Fatal(err) // answers come all the same
		}
	}
	if e := until(f, every[node.Left]); !strings.Contains(e.Reason, "did not keep up") {
		t.Errorf("%+v", e)
	}
	if err := <-f.ended; !errors.Is(err, node.ErrBehind) {
		t.Error(err)
	}
}

func TestShortRequests(t *testing.T) {
	n := run(t)
	f := attach(t, n.dir)
	until(f, every[node.Joined])
	d, err := Text(n.dir, "from a script\a")
	if err != nil || d.Room != n.Room() {
		t.Fatal(d, err)
	}
	if m := until(f, every[node.Message]); m.ID != d.ID || m.Text != "from a script" {
		t.Errorf("%+v", m)
	}
	if _, err := Text(n.dir, " "); err == nil {
		t.Error("said nothing")
	}
	for _, c := range []struct {
		do   func(dir, set string) (Did, error)
		set  string
		want node.Switches
	}{
		{PushToTalk, Off, node.Switches{}}, {PushToTalk, On, node.Switches{PushToTalk: true, Pressed: true}},
		{PushToTalk, On, node.Switches{PushToTalk: true, Pressed: true}}, {PushToTalk, Off, node.Switches{PushToTalk: true}},
		{PushToTalk, Toggle, node.Switches{PushToTalk: true, Pressed: true}}, {PushToTalk, Toggle, node.Switches{PushToTalk: true}},
		{PushToTalk, Voice, node.Switches{}}, {Mute, Toggle, node.Switches{}}, {Mute, On, node.Switches{}}, {Mute, Off, node.Switches{}},
	} {
		c.want.Muted = true // without sound
		if d, err := c.do(n.dir, c.set); err != nil || d.Switches != c.want {
			t.Errorf("%s: %+v, %v; want %+v", c.set, d.Switches, err, c.want)
		}
	}
	if _, err := Mute(n.dir, "loudly"); err == nil || !strings.Contains(err.Error(), "loudly") {
		t.Error(err)
	}
	if d, err := Quit(t.Context(), n.dir); err != nil || d.Room != n.Room() {
		t.Error(d, err)
	}
	if e := until(f, every[node.Left]); e.Reason != "asked to leave" {
		t.Errorf("%+v", e)
	}
}

func TestAnswersFitIntoLines(t *testing.T) {
	var r reply
	for i := range 200 {
		r.Messages = append(r.Messages, node.Message{ID: room.ID{byte(i)}, Text: strings.Repeat("x", rand.IntN(room.MaxText))})
	}
	var back []node.Message
	parts := r.parts()
	for i, p := range parts {
		if p.More != (i < len(parts)-1) {
			t.Errorf("part %d of %d: more %v", i, len(parts), p.More)
		}
		size := 0
		for _, m := range p.Messages {
			size += 6 * len(m.Text)
		}
		if size > answerBytes {
			t.Errorf("part %d may take %d bytes", i, size)
		}
		back = append(back, p.Messages...)
	}
	if !slices.EqualFunc(back, r.Messages, func(a, b node.Message) bool { return a.ID == b.ID }) {
		t.Error("the parts are not the whole")
	}
	if got := (reply{Error: "no"}).parts(); len(got) != 1 || got[0].Error != "no" || got[0].More {
		t.Errorf("%+v", got)
	}
}

// FuzzAttached: whatever the node says, the face is told how it ends.
func FuzzAttached(f *testing.F) {
	for _, s := range []string{
		`{"type":"joined","members":[{"id":"aeaqcaibaeaqcaibaeaqcaibae"}]}` + "\n", `{"type":"left"}` + "\n", `{"answer":1,"more":true}` + "\n{\"answer\":1}\n",
		`{"type":"levels","microphone":300}` + "\n", `{"type":"self","id":"x"}` + "\n", `{"type":"new"}` + "\n", "\n", "[]\n", `{"type":"message","sent":"x"}` + "\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		ours, theirs := net.Pipe()
		a := newAttached(newLines(ours, maxAnswer), room.NodeID{1})
		ended := make(chan error, 1)
		go func() { ended <- a.Run(t.Context()) }()
		go func() {
			theirs.Write(in)
			theirs.Close()
		}()
		var last node.Event
		for e := range a.Events() {
			last = e
		}
		if _, left := last.(node.Left); !left {
			t.Errorf("the last event is %+v", last)
		}
		<-ended
	})
}

// TestKeyIsLetGo when the face goes whose key it was.
func TestKeyIsLetGo(t *testing.T) {
	n := run(t)
	f := attach(t, n.dir)
	until(f, func(node.Joined) bool { return true })
	f.SetPushToTalk(true)
	f.Press(true)
	if !n.Switches().Pressed {
		t.Fatal("not pressed")
	}
	f.detach()
	for end := time.Now().Add(10 * time.Second); n.Switches().Pressed; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("still pressed, by a face that has gone")
		}
	}
}
