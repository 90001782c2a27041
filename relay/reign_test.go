package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"parley.lan/room"
	"parley.lan/wire"
)

// What a host tells its members of hosts: itself, the next one, another one.

func TestHeirsReachMembersAndNewcomers(t *testing.T) {
	s, ports := testServer(t, nil)
	ada := newPeer(t, "ada").join(t, ports)
	if len(ada.Heirs) != 0 {
		t.Errorf("heirs before there are any: %v", ada.Heirs)
	}
	s.SetHeirs([]wire.Peer{peerOf(0, 3, "10.0.0.3:2222"), peerOf(0, 4)})
	want := fmt.Sprint([]Host{
		{Reign: room.Reign{Host: room.NodeID{3}}, Addrs: []netip.AddrPort{netip.MustParseAddrPort("10.0.0.3:2222")}},
		{Reign: room.Reign{Host: room.NodeID{4}}},
	})
	eventually(t, "ada knows the heirs", func() bool {
		return told(ada, func(n Succession) bool { return fmt.Sprint(n.Heirs) == want }) >= 0
	})
	if bob := newPeer(t, "bob").join(t, ports); fmt.Sprint(bob.Heirs) != want {
		t.Errorf("bob's welcome names %v", bob.Heirs)
	}
}

func TestRaiseReachesMembersAndNewcomers(t *testing.T) {
	s, ports := testServer(t, nil)
	ada := newPeer(t, "ada").join(t, ports)
	s.Raise(reignOf(s, 7))
	eventually(t, "ada's reign is raised", func() bool {
		return told(ada, func(n Raised) bool { return n.Reign == reignOf(s, 7) }) >= 0
	})
	if bob := newPeer(t, "bob").join(t, ports); bob.Reign != reignOf(s, 7) {
		t.Errorf("bob joined %+v", bob.Reign)
	}
}

// fill has the host's log hold n more messages; it returns the last one's id.
func fill(t *testing.T, s *Server, n int) (last room.ID) {
	t.Helper()
	for _, e := range runOf(t, newKey(t), room.Random(), 1, n) {
		s.cfg.Log.Append(e, s.cfg.Identity.ID)
		last = e.ID
	}
	return last
}

func TestHandOverComesAfterAllOfTheLog(t *testing.T) {
	s, ports := testServer(t, nil)
	last := fill(t, s, 10*batch)
	ada := newPeer(t, "ada")
	ada.dialAt(t, loopback(ports.TextPort()))
	s.HandOver(ada.cfg.Identity.ID)
	s.HandOver(room.NodeID{1}) // who is not here
	ada.follow(t)
	eventually(t, "the hand-over", func() bool { return told(ada, anyOf[HandOver]) >= 0 })
	if at := told(ada, func(n Arrived) bool { return n.Last == last }); at < 0 || at > told(ada, anyOf[HandOver]) {
		t.Errorf("the last message came as notice %d, the hand-over as %d", at, told(ada, anyOf[HandOver]))
	}
}

func TestRetiring(t *testing.T) {
	s, ports := testServer(t, nil)
	ada, bob := newPeer(t, "ada").join(t, ports), newPeer(t, "bob").join(t, ports)
	ada.synced(t)
	to := peerOf(9, 9, "10.0.0.9:2222")
	retired := make(chan struct{})
	go func() { s.Retire(context.Background(), to); close(retired) }()
	for _, p := range []*peer{ada, bob} {
		eventually(t, p.cfg.Name+" is sent on", func() bool {
			return told(p, func(n Moved) bool { return n.To.Reign.Epoch == 9 && len(n.To.Addrs) == 1 }) >= 0
		})
	}
	_, err := Dial(t.Context(), loopbacks(ports), newPeer(t, "cy").cfg)
	if h := redirectOf(t, err); h.Reign.Host != (room.NodeID{9}) {
		t.Errorf("a newcomer was sent to %+v", h)
	}
	bob.say(t, "too late")
	ada.FollowElsewhere()
	var seq uint16
	eventually(t, "voice goes on", func() bool { // of one who follows elsewhere, to one who does not yet
		seq++
		ada.SendVoice([]room.VoiceFrame{{Seq: seq, Opus: []byte{1}}})
		bob.mu.Lock()
		defer bob.mu.Unlock()
		return len(bob.frames) > 3
	})
	select {
	case <-retired:
		t.Error("retired before all have followed")
	default:
	}
	bob.FollowElsewhere()
	<-retired
	if got := texts(s.cfg.Log); len(got) != 0 {
		t.Errorf("ordered after the end of the reign: %q", got)
	}
}

// What the old host has ordered must not stay behind with it: its members bring it to the other one, which asks them for
// what they hold when they come.
func TestMembersAreSentOnAfterAllOfTheLog(t *testing.T) {
	s, ports := testServer(t, nil)
	last := fill(t, s, 10*batch)
	ada := newPeer(t, "ada")
	ada.dialAt(t, loopback(ports.TextPort()))
	s.Retire(ended(t), peerOf(9, 9))
	ada.follow(t)
	eventually(t, "ada is sent on", func() bool { return told(ada, anyOf[Moved]) >= 0 })
	if at := told(ada, func(n Arrived) bool { return n.Last == last }); at < 0 || at > told(ada, anyOf[Moved]) {
		t.Errorf("the last message came as notice %d, the redirect as %d", at, told(ada, anyOf[Moved]))
	}
}

// ended is a context that allows no waiting.
func ended(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// A message may wait for the floor, and a newcomer for the machine's verdict, while the reign ends.
func TestWhatWaitsWhileTheReignEnds(t *testing.T) {
	knocked, verdict := make(chan struct{}), make(chan struct{})
	s, ports := testServer(t, func(c *Config) {
		c.Floor = time.Hour
		c.Knock = func(context.Context, Knock) (bool, wire.Peer) {
			close(knocked)
			<-verdict
			return true, wire.Peer{}
		}
	})
	said := make(chan error, 1)
	go func() { said <- s.say(runOf(t, newKey(t), 1, 1, 1)[0]) }()
	greeted := make(chan error, 1)
	go func() {
		cfg := newPeer(t, "ada").cfg
		cfg.Terms = &wire.Terms{Members: 1}
		_, err := Dial(t.Context(), loopbacks(ports), cfg)
		greeted <- err
	}()
	<-knocked
	s.Retire(ended(t), peerOf(9, 9, "10.0.0.9:2222"))
	close(verdict)
	if to := redirectOf(t, <-greeted); to.Reign.Host != (room.NodeID{9}) || len(to.Addrs) != 1 {
		t.Errorf("the newcomer was sent to %+v", to)
	}
	s.openFloor()
	if err := <-said; !errors.Is(err, errElsewhere) || len(s.cfg.Log.Entries()) > 0 {
		t.Errorf("the message was taken: %v", err)
	}
}

// Plain members can't be sent on. What one says now would stay here unseen, so its connection ends instead.
func TestRetiredHostTakesNothingFromPlainMembers(t *testing.T) {
	s, ports := testServer(t, nil)
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", loopback(ports.TextPort()).String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		return conn
	}
	old := dial()
	io.WriteString(old, "nora\n")
	eventually(t, "nora is in", func() bool { return s.Members() == 1 })
	s.Retire(ended(t), peerOf(9, 9))
	if got, err := io.ReadAll(dial()); err != nil || len(got) > 0 {
		t.Errorf("a newcomer was told %q, %v", got, err)
	}
	io.WriteString(old, "hello\n")
	if _, err := io.ReadAll(old); err != nil {
		t.Error(err)
	}
	if got := texts(s.cfg.Log); len(got) > 0 {
		t.Errorf("ordered: %q", got)
	}
}

func TestRetiringHasAnEnd(t *testing.T) {
	s, ports := testServer(t, nil)
	newPeer(t, "ada").join(t, ports)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	s.Retire(ctx, peerOf(9, 9))
}

// Who leaves instead of following holds up nobody.
func TestRetiringEndsWhenTheLastOneLeaves(t *testing.T) {
	s, ports := testServer(t, nil)
	ada := newPeer(t, "ada").join(t, ports)
	retired := make(chan struct{})
	go func() { s.Retire(context.Background(), peerOf(9, 9)); close(retired) }()
	eventually(t, "ada is sent on", func() bool { return told(ada, anyOf[Moved]) >= 0 })
	ada.stop()
	<-retired
}

func TestSaw(t *testing.T) {
	saw := make(chan Host, 8)
	_, ports := testServer(t, func(c *Config) { c.Saw = func(h Host) { saw <- h } })
	ada := newPeer(t, "ada").join(t, ports)
	ada.Saw(Host{Reign: room.Reign{Epoch: 3}, Addrs: []netip.AddrPort{loopback(1)}}) // nobody's: dropped
	ada.Saw(Host{Reign: room.Reign{Epoch: 3, Host: room.NodeID{9}}})                 // nowhere: dropped
	other := Host{
		Reign: room.Reign{Epoch: 3, Host: room.NodeID{9}}, Forced: true,
		Addrs: []netip.AddrPort{netip.MustParseAddrPort("10.0.0.9:2222"), netip.MustParseAddrPort("[fd00::9]:2222")},
	}
	ada.Saw(other)
	if got := <-saw; fmt.Sprint(got) != fmt.Sprint(other) {
		t.Errorf("the host was told of %+v, want %+v", got, other)
	}
	ada.Claim(room.Reign{Epoch: 4, Host: ada.cfg.Identity.ID}, false, 4444) // at an unspecified address: its own
	if got := <-saw; got.Reign.Epoch != 4 || len(got.Addrs) != 1 || got.Addrs[0] != loopback(4444) {
		t.Errorf("ada claims %+v", got)
	}
}

func TestReadyIsACandidatesAddress(t *testing.T) {
	changed := make(chan struct{}, 64)
	s, ports := testServer(t, func(c *Config) { c.Changed = func() { changed <- struct{}{} } })
	ada := newPeer(t, "ada")
	ada.cfg.WiFi, ada.cfg.Battery = true, true
	ada.join(t, ports)
	text := func() netip.AddrPort {
		c := s.Candidates()
		if len(c) != 1 || c[0].ID != ada.cfg.Identity.ID || !c[0].WiFi || !c[0].Battery || c[0].Since.IsZero() {
			t.Fatalf("candidates: %+v", c)
		}
		return c[0].Text
	}
	<-changed
	if got := text(); got.IsValid() {
		t.Errorf("stands by at %s before it said so", got)
	}
	ada.Ready(4444)
	<-changed
	if got := text(); got != loopback(4444) {
		t.Errorf("stands by at %s", got)
	}
	ada.Ready(0)
	<-changed
	if got := text(); got.IsValid() {
		t.Errorf("stands by at %s although it does no more", got)
	}
}
