package relay

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"parley.lan/identity"
	"parley.lan/room"
	"parley.lan/wire"
)

// Standing by, opening, and the warm connections between the two.

// standingBy is a server without a reign; allowed may keep connections warm.
func standingBy(t *testing.T, hint wire.Peer, allowed ...*peer) (*Server, *Ports) {
	t.Helper()
	return testServer(t, func(c *Config) {
		c.Reign = room.Reign{}
		c.Hint = func() wire.Peer { return hint }
		c.Warm = func(id room.NodeID) bool {
			return slices.ContainsFunc(allowed, func(p *peer) bool { return p.cfg.Identity.ID == id })
		}
	})
}

func reignOf(s *Server, epoch uint64) room.Reign {
	return room.Reign{Epoch: epoch, Host: s.cfg.Identity.ID}
}

func peerOf(epoch uint64, host byte, addrs ...string) wire.Peer {
	id := room.NodeID{host}
	return wire.Peer{Epoch: epoch, Host: id[:], Addrs: addrs}
}

func (s *Server) warmths() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.warm)
}

// watched is a warm connection being watched: what its node claimed, and how it ended.
type watched struct {
	*Warm
	claims chan Host
	end    func() error
}

func warmTo(t *testing.T, p *peer, expect room.NodeID, addr netip.AddrPort) *watched {
	t.Helper()
	cfg := p.cfg
	cfg.Expect = expect
	w, err := DialWarm(t.Context(), []netip.AddrPort{addr}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	out := &watched{Warm: w, claims: make(chan Host, 4)}
	done := make(chan error, 1)
	go func() { done <- w.Watch(ctx, func(h Host) { out.claims <- h }) }()
	out.end = sync.OnceValue(func() error { return <-done })
	t.Cleanup(func() { cancel(); out.end() })
	return out
}

func redirectOf(t *testing.T, err error) Host {
	t.Helper()
	to, ok := errors.AsType[*RedirectError](err)
	if !ok {
		t.Fatalf("got %v, want a redirect", err)
	}
	return to.To
}

func TestStandingByRefersToTheHost(t *testing.T) {
	_, ports := standingBy(t, peerOf(5, 9, "10.0.0.9:2222"))
	at := loopbacks(ports)
	_, err := Dial(t.Context(), at, newPeer(t, "ada").cfg)
	to := redirectOf(t, err)
	if (to.Reign != room.Reign{Epoch: 5, Host: room.NodeID{9}}) || len(to.Addrs) != 1 || to.Addrs[0].String() != "10.0.0.9:2222" {
		t.Errorf("sent to %+v", to)
	}
	for _, addr := range []net.Addr{ports.Text.Addr(), ports.PlainWire.Addr()} {
		conn, err := net.Dial("tcp", loopback(port(addr)).String())
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		if got, err := io.ReadAll(conn); err != nil || len(got) > 0 { // silence, as a plain client keeps it
			t.Errorf("a plain client at %s was told %q, %v", addr, got, err)
		}
		conn.Close()
	}
}

func TestOnlyTheAllowedStayWarm(t *testing.T) {
	ada, eve := newPeer(t, "ada"), newPeer(t, "eve")
	s, ports := standingBy(t, wire.Peer{}, ada)
	at := loopback(ports.TextPort())
	good, bad := warmTo(t, ada, s.cfg.Identity.ID, at), warmTo(t, eve, s.cfg.Identity.ID, at)
	if bad.end() == nil { // when the time for a greeting is up
		t.Error("the stranger's connection ended without an error")
	}
	s.Open(reignOf(s, 2), nil, 0)
	select {
	case <-good.claims:
	case <-time.After(10 * time.Second):
		t.Error("the member's connection is there no more")
	}
	if len(bad.claims) > 0 {
		t.Error("the stranger was told of the claim")
	}
}

func TestWarmConnectionHearsTheClaimAndJoins(t *testing.T) {
	ada := newPeer(t, "ada")
	s, ports := standingBy(t, wire.Peer{}, ada)
	w := warmTo(t, ada, s.cfg.Identity.ID, loopback(ports.TextPort()))
	eventually(t, "warm", func() bool { return s.warmths() == 1 })
	s.Open(reignOf(s, 7), nil, 0)
	h := <-w.claims
	if h.Reign != reignOf(s, 7) || len(h.Addrs) != 1 || h.Addrs[0] != loopback(ports.TextPort()) {
		t.Errorf("claimed %+v", h)
	}
	ada.cfg.Warm = w.Warm
	ada.joinAt(t) // no address: there is only the warm connection
	if ada.Reign != reignOf(s, 7) {
		t.Errorf("joined %+v", ada.Reign)
	}
	eventually(t, "not warm, but a member's", func() bool { return s.warmths() == 0 && s.Members() == 1 })
	ada.say(t, "hello")
	eventually(t, "what it says", func() bool { return len(s.cfg.Log.Entries()) == 1 })
}

// Who joins before it has read the claim finds that in front of the welcome.
func TestWarmConnectionJoinsWithTheClaimUnread(t *testing.T) {
	ada := newPeer(t, "ada")
	s, ports := standingBy(t, wire.Peer{}, ada)
	w, err := DialWarm(t.Context(), loopbacks(ports), ada.cfg)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "warm", func() bool { return s.warmths() == 1 })
	s.Open(reignOf(s, 2), nil, 0)
	close(w.idle) // nobody watches
	ada.cfg.Warm = w
	ada.joinAt(t)
}

func TestBrokenWarmConnectionFallsBackToANewOne(t *testing.T) {
	ada := newPeer(t, "ada")
	s, ports := testServer(t, nil)

	// A node of the same key that takes connections and never says a word.
	silent, err := tls.Listen("tcp", "127.0.0.1:0", s.cfg.Identity.ServerTLS())
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := silent.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { defer conn.Close(); io.Copy(io.Discard, conn) })
		}
	})
	defer wg.Wait()
	defer silent.Close()

	for what, spoil := range map[string]func(*watched){
		"silent": func(*watched) {},
		"closed": func(w *watched) { w.c.Close(); w.end() },
		"taken":  func(w *watched) { w.take(); w.end(); w.c.Close() },
	} {
		w := warmTo(t, ada, s.cfg.Identity.ID, loopback(port(silent.Addr())))
		spoil(w)
		ada.cfg.Warm = w.Warm
		c, err := Dial(t.Context(), loopbacks(ports), ada.cfg)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if c.Addr() != loopback(ports.TextPort()) {
			t.Errorf("%s: joined at %s", what, c.Addr())
		}
		c.Close()
	}
}

// A member can't fill up what is kept for all; one that has lost its connection unnoticed gets another at once.
func TestWarmConnectionsOfOneNodeAreFew(t *testing.T) {
	ada, bob := newPeer(t, "ada"), newPeer(t, "bob")
	s, ports := standingBy(t, wire.Peer{}, ada, bob)
	at := loopback(ports.TextPort())
	bobs := warmTo(t, bob, s.cfg.Identity.ID, at)
	eventually(t, "bob's is warm", func() bool { return s.warmths() == 1 })
	first := warmTo(t, ada, s.cfg.Identity.ID, at)
	eventually(t, "ada's is warm", func() bool { return s.warmths() == 2 })
	second, third := warmTo(t, ada, s.cfg.Identity.ID, at), warmTo(t, ada, s.cfg.Identity.ID, at)
	if first.end() == nil {
		t.Error("the oldest connection ended without an error")
	}
	s.Open(reignOf(s, 2), nil, 0)
	for _, w := range []*watched{bobs, second, third} {
		select {
		case <-w.claims:
		case <-time.After(10 * time.Second):
			t.Fatal("a connection that should be there is not")
		}
	}
	if len(first.claims) > 0 {
		t.Error("the oldest connection heard the claim")
	}

	// They have the time of a greeting, like everybody else.
	for _, w := range []*watched{bobs, second, third} {
		w.end()
	}
	eventually(t, "nobody is left", func() bool { return s.warmths() == 0 })
}

func TestStandingByEndsWithItsWarmConnections(t *testing.T) {
	ada := newPeer(t, "ada")
	ports, err := Listen(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(Config{
		Identity: newPeer(t, "host").cfg.Identity, Room: "lobby", Log: room.NewLog(), Ports: ports,
		Warm: func(room.NodeID) bool { return true },
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	w := warmTo(t, ada, s.cfg.Identity.ID, loopback(ports.TextPort()))
	eventually(t, "warm", func() bool { return s.warmths() == 1 })
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	w.end()
}

// heldBy gives the peer a message that an earlier host has ordered.
func (p *peer) heldBy(t *testing.T, text string, host room.NodeID) {
	t.Helper()
	p.seq++
	e, err := room.Sign(p.cfg.Identity.Key, room.Message{Room: "lobby", Run: p.run, Seq: p.seq, Kind: room.Text, Name: p.cfg.Name, Text: text})
	if err != nil {
		t.Fatal(err)
	}
	p.cfg.Log.Append(e, host)
}

func TestFloorOpensWhenAllHaveHandedIn(t *testing.T) {
	ada, bob, cy := newPeer(t, "ada"), newPeer(t, "bob"), newPeer(t, "cy")
	s, ports := standingBy(t, wire.Peer{})
	s.Open(reignOf(s, 2), []room.NodeID{ada.cfg.Identity.ID, bob.cfg.Identity.ID}, time.Hour)
	ada.join(t, ports)
	ada.say(t, "fresh")
	ada.synced(t)
	cy.join(t, ports).synced(t) // who is not expected opens nothing
	if got := texts(s.cfg.Log); len(got) != 0 {
		t.Fatalf("ordered before all have handed in: %q", got)
	}
	bob.heldBy(t, "held", room.NodeID{1})
	bob.join(t, ports)
	eventually(t, "the fresh message", func() bool { return len(s.cfg.Log.Entries()) == 2 })
	if got := texts(s.cfg.Log); got[0] != "bob: held" || got[1] != "ada: fresh" {
		t.Errorf("the order is %q", got)
	}
}

func TestFloorOpensAfterItsTime(t *testing.T) {
	ada := newPeer(t, "ada")
	s, ports := standingBy(t, wire.Peer{})
	s.Open(reignOf(s, 2), []room.NodeID{{1}}, 100*time.Millisecond)
	ada.join(t, ports)
	ada.say(t, "fresh")
	eventually(t, "the fresh message", func() bool { return len(s.cfg.Log.Entries()) == 1 })
}

func TestProbe(t *testing.T) {
	ada, bob := newPeer(t, "ada"), newPeer(t, "bob")
	s, ports := standingBy(t, peerOf(5, 9, "10.0.0.9:2222"))
	probe := func(p *peer) Probed {
		t.Helper()
		got, err := Probe(t.Context(), loopbacks(ports), p.cfg)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := probe(ada); got.Hosts || got.Yours || got.Host.Reign.Host != (room.NodeID{9}) || len(got.Host.Addrs) != 1 {
		t.Errorf("of one that stands by: %+v", got)
	}
	s.Open(reignOf(s, 6), nil, 0)
	ada.join(t, ports)
	if got := probe(ada); !got.Hosts || !got.Yours || got.Host.Reign != reignOf(s, 6) || got.Host.Addrs[0] != loopback(ports.TextPort()) {
		t.Errorf("a member got %+v", got)
	}
	if got := probe(bob); !got.Hosts || got.Yours {
		t.Errorf("a stranger got %+v", got)
	}
	other := bob.cfg
	other.Room = "attic"
	if got, err := Probe(t.Context(), loopbacks(ports), other); err == nil {
		t.Errorf("another room's answer: %+v", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.Retire(ctx, peerOf(8, 3, "10.0.0.3:2222"))
	if got := probe(ada); got.Hosts || got.Yours || got.Host.Reign.Epoch != 8 {
		t.Errorf("of one that has retired: %+v", got)
	}
}

// TestLook: from outside a room is seen as it is, and nobody comes in.
func TestLook(t *testing.T) {
	ada, stranger := newPeer(t, "ada"), newPeer(t, "stranger")
	s, ports := standingBy(t, peerOf(5, 9, "10.0.0.9:2222"))
	if got, err := Look(t.Context(), loopbacks(ports), stranger.cfg); !errors.Is(err, errNotHere) {
		t.Errorf("of one that stands by: %+v, %v", got, err)
	}
	s.Open(reignOf(s, 6), nil, 0)
	ada.join(t, ports)
	for range 2 {
		got, err := Look(t.Context(), loopbacks(ports), stranger.cfg)
		if err != nil || !got.Known || got.Count != 1 || !got.PlainDoor || got.Locked || got.RTT <= 0 {
			t.Fatalf("%+v, %v", got, err)
		}
		if m := got.Members; len(m) != 1 || m[0].Name != "ada" || m[0].ID != ada.cfg.Identity.ID || m[0].Control.IsValid() {
			t.Errorf("members %+v", m)
		}
	}
	stranger.cfg.Expect = room.NodeID{7}
	if got, err := Look(t.Context(), loopbacks(ports), stranger.cfg); err == nil {
		t.Errorf("another host's answer: %+v", got)
	}
	_, shut := testServer(t, func(c *Config) { c.NoPlain = true })
	stranger.cfg.Expect = room.NodeID{}
	if got, err := Look(t.Context(), loopbacks(shut), stranger.cfg); err != nil || got.PlainDoor || got.Count != 0 {
		t.Errorf("with the plain door shut: %+v, %v", got, err)
	}
}

// TestLookAtAnOlderHost, which answers one probe, and nothing of the room: its round trip alone is known.
func TestLookAtAnOlderHost(t *testing.T) {
	id, err := identity.New()
	if err != nil {
		t.Fatal(err)
	}
	ln, err := tls.Listen("tcp", "127.0.0.1:0", id.ServerTLS())
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	var older sync.WaitGroup
	older.Go(func() {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		if typ, _, err := wire.Read(bufio.NewReader(conn), wire.MaxGreeting); err != nil || typ != wire.TProbe {
			t.Errorf("frame type %d, %v", typ, err)
		}
		conn.Write(mustAppend(wire.TProbed, wire.Probed{Hosts: true, Host: wire.Here(room.Reign{Epoch: 1, Host: id.ID}, false, 1)}))
	})
	got, err := Look(t.Context(), []netip.AddrPort{netip.MustParseAddrPort(ln.Addr().String())}, newPeer(t, "stranger").cfg)
	older.Wait()
	if err != nil || got.Known || got.RTT <= 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestTwins(t *testing.T) {
	host, err := identity.New()
	if err != nil {
		t.Fatal(err)
	}
	_, ports := testServer(t, func(c *Config) {
		c.Identity, c.Run, c.Reign = host, 5, room.Reign{Epoch: 1, Host: host.ID}
	})
	bob := newPeer(t, "bob").join(t, ports)

	again := func(p *peer, run uint64) *peer {
		q := newPeer(t, p.cfg.Name)
		q.cfg.Identity, q.cfg.Run = p.cfg.Identity, run
		return q.join(t, ports)
	}
	first := newPeer(t, "ada").join(t, ports)
	second := again(first, first.run) // as after a moment without network
	if err := first.over(); errors.Is(err, ErrTwin) || errors.Is(err, ErrDropped) {
		t.Errorf("the same run's first session ended with: %v", err)
	}
	third := again(first, first.run+1)
	if err := second.over(); !errors.Is(err, ErrTwin) {
		t.Errorf("another run's session ended with: %v", err)
	}
	third.say(t, "I stay")
	eventually(t, "the newest speaks", func() bool { return len(bob.cfg.Log.Entries()) == 1 })
	if told(bob, func(l MemberLeft) bool { return true }) >= 0 {
		t.Error("bob was told that somebody left")
	}

	copied := newPeer(t, "host")
	copied.cfg.Identity, copied.cfg.Run = host, 6
	_, err = Dial(t.Context(), loopbacks(ports), copied.cfg)
	if no, ok := errors.AsType[*RefusedError](err); !ok || no.Code != wire.RefusedTwin {
		t.Errorf("a copy of the host: %v", err)
	}
	copied.cfg.Run = 5
	copied.join(t, ports)
}
