package node

import (
	"context"
	"errors"
	"io"
	"reflect"
	"slices"
	"testing"
	"time"

	"parley.lan/room"
)

func TestSoFarTellsWhatALateObserverMissed(t *testing.T) {
	me, bob := room.Member{ID: room.NodeID{1}, Name: "me"}, room.Member{ID: room.NodeID{2}, Name: "bob"}
	renamed := bob
	renamed.Name, renamed.Recording = "bea", true
	at := HostInfo{Person: Person{me.ID, "me"}, Addr: "10.0.0.1:2222"}
	first := []Event{
		Seeking{"lobby"}, Audio{Input: "mic"}, Hosting{Room: "lobby", Epoch: 1}, Joined{Room: "lobby", Host: at, Members: []room.Member{me}},
		MemberJoined{bob}, Pending{ID: room.ID{1}}, Message{ID: room.ID{1}}, Delivered{ID: room.ID{1}}, Pending{ID: room.ID{2}},
		Renamed{renamed, "bob"}, Recording{renamed, true}, Speaking{me, true}, Speaking{renamed, true}, Speaking{me, false}, Switched{Switches{Muted: true}},
	}
	var s SoFar
	for _, e := range first {
		s.Take(e, me.ID)
	}
	want := []Event{
		Message{ID: room.ID{1}, History: true}, Hosting{Room: "lobby", Epoch: 1}, Joined{Room: "lobby", Host: at, Members: []room.Member{renamed, me}},
		Recording{renamed, true}, Pending{ID: room.ID{2}}, Audio{Input: "mic"}, Switched{Switches{Muted: true}}, Speaking{renamed, true},
	}
	if got := s.Events(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	var late SoFar
	for _, e := range s.Events() {
		late.Take(e, me.ID)
	}
	if got := late.Events(); !reflect.DeepEqual(got, want) {
		t.Errorf("a late observer knows %+v", got)
	}

	s.Take(MemberLeft{renamed}, me.ID)
	s.Take(Joined{Room: "lobby", Host: HostInfo{Person: Person{ID: room.NodeID{9}}}, Members: []room.Member{me}}, me.ID)
	for _, e := range s.Events() {
		switch e.(type) {
		case Hosting, Speaking, Recording:
			t.Errorf("at another host, and alone: %+v", e)
		}
	}
	for i := range 3 * recall {
		s.Take(Message{ID: room.ID{byte(i)}}, me.ID)
	}
	s.Take(HostLost{}, me.ID)
	s.Take(Seeking{"lobby"}, me.ID)
	if got := s.Events(); len(got) != 1+recall+3 || got[0] != (Seeking{"lobby"}) {
		t.Errorf("looking for the room: %+v", got)
	}
	isPending := func(e Event) bool { _, is := e.(Pending); return is }
	if !slices.ContainsFunc(s.Events(), isPending) {
		t.Error("nothing waits any more")
	}
	s.Take(Seeking{"lobby"}, room.NodeID{8})
	if slices.ContainsFunc(s.Events(), isPending) {
		t.Error("what waited under another key still does")
	}
	s.Take(Seeking{"attic"}, room.NodeID{8})
	if got := s.Events(); !reflect.DeepEqual(got, []Event{Seeking{"attic"}, Audio{Input: "mic"}, Switched{Switches{Muted: true}}}) {
		t.Errorf("in another room: %+v", got)
	}
}

// TestQueueIsBounded: what is of the moment goes first; then the reader is told that something is missing.
func TestQueueIsBounded(t *testing.T) {
	q := NewQueue()
	for range queueSize {
		q.Put(Delivered{})
	}
	q.Put(Speaking{})
	for range queueSize {
		q.Put(Safe{})
	}
	q.Put(Left{})
	for i := range 2 * queueSize {
		e, err := q.Next(t.Context())
		if want := []string{"delivered", "safe"}[i/queueSize]; err != nil || e.Type() != want {
			t.Fatalf("event %d is %v, %v", i, e, err)
		}
	}
	if _, err := q.Next(t.Context()); !errors.Is(err, ErrBehind) {
		t.Errorf("at the end: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := NewQueue().Next(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// stayed is a participant with a watch that keeps everything; its Events are read and forgotten.
func stayed(t *testing.T, name string, change func(*Config)) (*Participant, *seat) {
	t.Helper()
	cfg := Config{Name: name, Room: roomOf(t), StateDir: t.TempDir(), Ifaces: []string{"lo"}, TextPort: 42222, VoicePort: 42255}
	if change != nil {
		change(&cfg)
	}
	p, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	n, _ := p.now()
	s := &seat{Node: n, t: t, change: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	ended, read, forgotten := make(chan error, 1), make(chan struct{}), make(chan struct{})
	w := p.Watch()
	go func() { ended <- p.Run(ctx) }()
	go func() {
		defer close(forgotten)
		for range p.Events() {
		}
	}()
	go func() {
		defer close(read)
		for {
			e, err := w.Next(context.Background())
			if err != nil {
				if err != io.EOF {
					t.Error(err)
				}
				return
			}
			s.add(e)
		}
	}()
	s.stop = func() error {
		cancel()
		<-read
		<-forgotten
		err := <-ended
		ended <- err
		return err
	}
	t.Cleanup(func() { s.stop() })
	return p, s
}

// TestEnterAnotherRoom: the participant hands its room over, is in the other one with the same sound, and may come back.
func TestEnterAnotherRoom(t *testing.T) {
	sound := &fakeSound{}
	p, seen := stayed(t, "ada", func(c *Config) { c.Sound = sound })
	first, second := roomOf(t), roomOf(t)[:20]+" attic"
	wait(seen, "first room", func(j Joined) bool { return j.Room == first })
	bob := sit(t, "bob", nil)
	bob.joined()
	cy := sit(t, "cy", func(c *Config) { c.Room = second })
	cy.joined()
	wait(seen, "bob", func(MemberJoined) bool { return true })
	if err := p.SetVolume(bob.ID(), -6); err != nil {
		t.Fatal(err)
	}
	p.SetMuted(true)
	if _, err := p.Say("a word before I go"); err != nil {
		t.Fatal(err)
	}
	if p.Enter(first) == nil || p.Enter(" ") == nil {
		t.Error("entered the room in which it is, or one without a name")
	}
	if err := p.Enter(second); err != nil {
		t.Fatal(err)
	}
	bob.hears("a word before I go")
	wait(bob, "ada gone", func(e Event) bool { // said by itself, or by who is here under the next host
		switch e := e.(type) {
		case MemberLeft:
			return e.Member.Name == "ada"
		case Joined:
			return e.Host.ID == bob.ID() && !slices.ContainsFunc(e.Members, func(m room.Member) bool { return m.Name == "ada" })
		}
		return false
	})
	wait(seen, "seeking", func(s Seeking) bool { return s.Room == second })
	wait(seen, "second room", func(j Joined) bool { return j.Room == second && j.Host.ID == cy.ID() })
	if p.Room() != second || !p.Switches().Muted || sound.volume(bob.ssrc.Load()) != 0 {
		t.Errorf("in %s, %+v, bob at %v dB", p.Room(), p.Switches(), sound.volume(bob.ssrc.Load()))
	}
	if _, err := p.Say("hello up here"); err != nil {
		t.Fatal(err)
	}
	cy.hears("hello up here")
	wait(seen, "its own words", func(m Message) bool { return m.Text == "hello up here" })
	if got, err := p.Earlier(t.Context(), room.ID{}, 9); err != nil || len(got) != 1 {
		t.Errorf("the second room's history: %+v, %v", got, err)
	}
	if err := p.Enter(first); err != nil {
		t.Fatal(err)
	}
	up := false
	wait(seen, "first room again", func(j Joined) bool {
		up = up || j.Room == second
		return up && j.Room == first
	})
	if got := sound.volume(bob.ssrc.Load()); got != -6 {
		t.Errorf("bob is heard at %v dB", got)
	}
	late := p.Watch()
	defer late.Close()
	if e, err := late.Next(t.Context()); err != nil || e.Type() != "message" {
		t.Errorf("a late observer is first told %+v, %v", e, err)
	}
	if err := seen.stop(); err != nil {
		t.Error(err)
	}
	if err := p.Enter(second); err == nil {
		t.Error("entered a room after the end")
	}
	left := 0
	for _, e := range seen.events {
		if _, ok := e.(Left); ok {
			left++
		}
	}
	if left != 1 || seen.events[len(seen.events)-1].Type() != "left" {
		t.Errorf("left %d times: %v", left, seen.seen())
	}
}

// TestSecondWishWhileLeaving: of two rooms entered in a row the second holds, and the participant goes on.
func TestSecondWishWhileLeaving(t *testing.T) {
	p, seen := stayed(t, "ada", nil)
	wait(seen, "first room", func(Joined) bool { return true })
	second, third := roomOf(t)[:20]+" two", roomOf(t)[:20]+" three"
	if err := p.Enter(second); err != nil {
		t.Fatal(err)
	}
	time.Sleep(10 * time.Millisecond) // it leaves meanwhile, or not: either must do
	if err := p.Enter(third); err != nil {
		t.Fatal(err)
	}
	wait(seen, "third room", func(j Joined) bool { return j.Room == third })
	if _, err := p.Say("still here"); err != nil {
		t.Fatal(err)
	}
	wait(seen, "a word", func(m Message) bool { return m.Text == "still here" })
	time.Sleep(2 * leaveTime)
	select {
	case <-p.done:
		t.Error("the participant has ended by itself")
	default:
	}
}

// TestSayAfterTheEnd fails and does not wait for ever.
func TestSayAfterTheEnd(t *testing.T) {
	p, seen := stayed(t, "ada", nil)
	wait(seen, "room", func(Joined) bool { return true })
	seen.stop()
	if _, err := p.Say("too late"); !errors.Is(err, errLeft) {
		t.Errorf("said with %v", err)
	}
}
