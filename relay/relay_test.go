package relay

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"parley.lan/identity"
	"parley.lan/room"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testServer runs a server on free ports of the loopback until the test ends.
func testServer(t *testing.T, change func(*Config)) (*Server, *Ports) {
	t.Helper()
	ports, err := Listen(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	id, err := identity.New()
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{
		Identity: id, Room: "lobby", Reign: room.Reign{Epoch: 1, Host: id.ID},
		Log: room.NewLog(), Ports: ports,
	}
	if change != nil {
		change(&cfg)
	}
	s := NewServer(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s, ports
}

func loopback(port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port)
}

func loopbacks(ports *Ports) []netip.AddrPort {
	return []netip.AddrPort{loopback(ports.TextPort())}
}

// peer is a client with everything around it, its notices kept.
type peer struct {
	*Client
	cfg  ClientConfig
	run  uint64
	seq  uint64
	stop func() error // leaves
	over func() error // waits for the end of the connection: why

	mu      sync.Mutex
	notices []Notice
	frames  []room.VoiceFrame
}

func newPeer(t *testing.T, name string) *peer {
	t.Helper()
	id, err := identity.New()
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{run: room.Random()}
	p.cfg = ClientConfig{
		Identity: id, Room: "lobby", Name: name, Run: p.run, SSRC: uint32(room.Random()),
		Log: room.NewLog(), Outbox: room.NewOutbox(),
		Hear: func(f room.VoiceFrame) {
			p.mu.Lock()
			defer p.mu.Unlock()
			f.Opus = append([]byte(nil), f.Opus...)
			p.frames = append(p.frames, f)
		},
	}
	return p
}

// join connects to a server and follows it.
func (p *peer) join(t *testing.T, ports *Ports) *peer {
	t.Helper()
	return p.joinAt(t, loopback(ports.TextPort()))
}

func (p *peer) joinAt(t *testing.T, addrs ...netip.AddrPort) *peer {
	t.Helper()
	p.dialAt(t, addrs...)
	p.follow(t)
	return p
}

func (p *peer) dialAt(t *testing.T, addrs ...netip.AddrPort) {
	t.Helper()
	c, err := Dial(t.Context(), addrs, p.cfg)
	if err != nil {
		t.Fatal(err)
	}
	p.Client = c
}

// follow takes what the host tells; it has kept all since the welcome.
func (p *peer) follow(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	c := p.Client
	done := make(chan error, 1)
	go func() {
		done <- c.Run(ctx, func(n Notice) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.notices = append(p.notices, n)
		})
	}()
	p.over = sync.OnceValue(func() error { return <-done })
	p.stop = func() error { cancel(); return p.over() }
	t.Cleanup(func() { p.stop() })
}

func (p *peer) say(t *testing.T, text string) *room.Entry {
	t.Helper()
	p.seq++
	e, err := room.Sign(p.cfg.Identity.Key, room.Message{
		Room: "lobby", Run: p.run, Seq: p.seq, Sent: time.Now().UnixNano(), Kind: room.Text, Name: p.cfg.Name, Text: text,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cfg.Outbox.Put(e); err != nil {
		t.Fatal(err)
	}
	return e
}

// told finds the first of a host's notices that passes; -1: there is none.
func told[N Notice](p *peer, pass func(N) bool) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.IndexFunc(p.notices, func(n Notice) bool {
		got, ok := n.(N)
		return ok && pass(got)
	})
}

func anyOf[N Notice](N) bool { return true }

// eventually waits for what must become true.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("still not: %s", what)
		}
	}
}

func texts(l *room.Log) (out []string) {
	for _, e := range l.Entries() {
		out = append(out, e.Msg.Name+": "+e.Msg.Text)
	}
	return out
}

func TestEveryoneHasEveryMessageInOneOrder(t *testing.T) {
	_, ports := testServer(t, nil)
	peers := []*peer{newPeer(t, "ada"), newPeer(t, "bob"), newPeer(t, "cy")}
	for _, p := range peers {
		p.join(t, ports)
	}
	for i := range 50 {
		for _, p := range peers {
			p.say(t, fmt.Sprint(i))
		}
	}
	for _, p := range peers {
		eventually(t, p.cfg.Name+" has all", func() bool { return len(p.cfg.Log.Entries()) == 150 })
		if got, want := fmt.Sprint(texts(p.cfg.Log)), fmt.Sprint(texts(peers[0].cfg.Log)); got != want {
			t.Errorf("orders differ:\n%s\n%s", got, want)
		}
	}
}

func TestNewcomerCatchesUpAndHandsIn(t *testing.T) {
	_, ports := testServer(t, nil)
	ada := newPeer(t, "ada").join(t, ports)
	ada.say(t, "before")
	eventually(t, "said", func() bool { return len(ada.cfg.Log.Entries()) == 1 })

	// Bob comes from an earlier host with a message that this one has never seen.
	bob := newPeer(t, "bob")
	bob.seq++
	old, err := room.Sign(bob.cfg.Identity.Key, room.Message{Room: "lobby", Run: bob.run, Seq: 1, Kind: room.Text, Name: "bob", Text: "older"})
	if err != nil {
		t.Fatal(err)
	}
	bob.cfg.Log.Append(old, room.NodeID{1})
	bob.join(t, ports)
	bob.say(t, "after")
	for _, p := range []*peer{ada, bob} {
		eventually(t, "all three at "+p.cfg.Name, func() bool { return len(p.cfg.Log.Entries()) == 3 })
	}
	a, _ := ada.cfg.Log.Digest()
	b, _ := bob.cfg.Log.Digest()
	if string(a) != string(b) {
		t.Errorf("logs differ: %q and %q", texts(ada.cfg.Log), texts(bob.cfg.Log))
	}
}

func TestRosterFollowsComingAndGoing(t *testing.T) {
	_, ports := testServer(t, nil)
	ada := newPeer(t, "ada").join(t, ports)
	bob := newPeer(t, "bob").join(t, ports)
	if len(bob.Members) != 2 {
		t.Errorf("bob's welcome has %d members, want 2", len(bob.Members))
	}
	bob.stop()
	has := func(want Notice) bool {
		ada.mu.Lock()
		defer ada.mu.Unlock()
		for _, n := range ada.notices {
			if fmt.Sprint(n) == fmt.Sprint(want) {
				return true
			}
		}
		return false
	}
	eventually(t, "bob's leaving told", func() bool { return has(MemberLeft{bob.cfg.Identity.ID}) })
}

func TestVoiceReachesAllButTheSpeaker(t *testing.T) {
	for _, tunnel := range []bool{false, true} {
		t.Run(fmt.Sprintf("tunnel=%v", tunnel), func(t *testing.T) {
			s, ports := testServer(t, nil)
			ada, bob := newPeer(t, "ada").join(t, ports), newPeer(t, "bob").join(t, ports)
			if tunnel {
				s.cfg.Ports.Voice.Close() // UDP does not pass
				eventually(t, "no pong for long", func() bool { return !ada.voice.passes() && !bob.voice.passes() })
			}
			heard := func(p *peer) int { p.mu.Lock(); defer p.mu.Unlock(); return len(p.frames) }
			var seq uint16
			eventually(t, "bob hears ada", func() bool {
				seq++
				ada.SendVoice([]room.VoiceFrame{{Seq: seq, Timestamp: uint32(seq) * room.FrameSamples, Level: 20, Opus: []byte{1, 2, 3}}})
				return heard(bob) > 5
			})
			bob.mu.Lock()
			f := bob.frames[len(bob.frames)-1]
			bob.mu.Unlock()
			if f.SSRC != ada.cfg.SSRC || f.Level != 20 || string(f.Opus) != "\x01\x02\x03" {
				t.Errorf("frame came as %+v", f)
			}
			if n := heard(ada); n != 0 {
				t.Errorf("ada heard herself %d times", n)
			}
		})
	}
}

func TestSpeakingAsSomebodyElseIsDropped(t *testing.T) {
	s, ports := testServer(t, nil)
	ada, bob := newPeer(t, "ada").join(t, ports), newPeer(t, "bob").join(t, ports)
	ada.Client.cfg.SSRC = bob.cfg.SSRC + 1
	eventually(t, "counted as bad", func() bool {
		ada.SendVoice([]room.VoiceFrame{{Seq: 1, Opus: []byte{1}}})
		return s.Counters.PacketsBad.Load() > 3
	})
	bob.mu.Lock()
	defer bob.mu.Unlock()
	if len(bob.frames) != 0 {
		t.Error("a forged frame was passed on")
	}
}

func TestRefusals(t *testing.T) {
	_, ports := testServer(t, nil)
	bob := newPeer(t, "bob").join(t, ports)
	for name, change := range map[string]func(*ClientConfig){
		"room":  func(c *ClientConfig) { c.Room = "other" },
		"hello": func(c *ClientConfig) { c.Name = "a\x1b[31m" },
		"ssrc":  func(c *ClientConfig) { c.SSRC = bob.cfg.SSRC },
	} {
		p := newPeer(t, "eve")
		change(&p.cfg)
		_, err := Dial(t.Context(), []netip.AddrPort{loopback(ports.TextPort())}, p.cfg)
		if no, ok := err.(*RefusedError); !ok || no.Code != name {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestDeadAddressesDoNotHoldUpDialling(t *testing.T) {
	_, ports := testServer(t, nil)
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	deadPort := port(dead.Addr())
	dead.Close()
	c, err := Dial(t.Context(), []netip.AddrPort{loopback(deadPort), loopback(ports.TextPort())}, newPeer(t, "ada").cfg)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

// A key used twice, as by a cloned machine, and two hosts' stamps for one message: whoever joins, both ends hold the
// same afterwards.
func TestExchangeSettlesForksAndStamps(t *testing.T) {
	s, ports := testServer(t, nil)
	ada := newPeer(t, "ada")
	sign := func(seq uint64, text string) *room.Entry {
		e, err := room.Sign(ada.cfg.Identity.Key, room.Message{Room: "lobby", Run: 7, Seq: seq, Kind: room.Text, Name: "ada", Text: text})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	both := sign(1, "both")
	ada.cfg.Log.Append(both, room.NodeID{1}) // the smaller stamp
	s.cfg.Log.Append(both, room.NodeID{2})
	ada.cfg.Log.Append(sign(2, "here"), room.NodeID{1})
	s.cfg.Log.Append(sign(2, "there"), room.NodeID{2})
	ada.join(t, ports)
	eventually(t, "the same at both ends", func() bool {
		a, _ := ada.cfg.Log.Digest()
		b, _ := s.cfg.Log.Digest()
		return string(a) == string(b)
	})
	if got := texts(ada.cfg.Log); len(got) != 3 || got[0] != "ada: both" {
		t.Errorf("ada holds %q", got)
	}
	bob := newPeer(t, "bob").join(t, ports)
	eventually(t, "bob has all three", func() bool { return len(bob.cfg.Log.Entries()) == 3 })
}

// What has waited since an earlier run, and is in the log already, comes back to its author all the same.
func TestWaitingMessageThatTheRoomHasComesBack(t *testing.T) {
	s, ports := testServer(t, nil)
	ada := newPeer(t, "ada")
	old, err := room.Sign(ada.cfg.Identity.Key, room.Message{Room: "lobby", Run: 7, Seq: 5, Kind: room.Text, Name: "ada", Text: "old"})
	if err != nil {
		t.Fatal(err)
	}
	ada.cfg.Outbox.Put(old)
	ada.say(t, "new")
	s.cfg.Log.Append(old, room.NodeID{1})
	ada.join(t, ports)
	eventually(t, "both at ada", func() bool { return ada.cfg.Log.Get(old.ID) != nil && len(ada.cfg.Log.Entries()) == 2 })
	if n := len(s.cfg.Log.Entries()); n != 2 {
		t.Errorf("the host holds %d", n)
	}
}

// TestNewcomersKnowTheHostByName also when they are faster than its own client.
func TestNewcomersKnowTheHostByName(t *testing.T) {
	_, ports := testServer(t, func(cfg *Config) {
		cfg.Self = room.Member{ID: cfg.Identity.ID, Name: "hostess", SSRC: 7, Key: cfg.Identity.Public()}
	})
	ada := newPeer(t, "ada").join(t, ports)
	names := map[string]bool{}
	for _, m := range ada.Members {
		names[m.Name] = true
	}
	if len(ada.Members) != 2 || !names["hostess"] || !names["ada"] {
		t.Errorf("the welcome lists %v", ada.Members)
	}
}

// TestStateReachesEverybody: who is there, who comes later, the member itself and plain clients learn who records; a state
// that changes without end cuts nobody off.
func TestStateReachesEverybody(t *testing.T) {
	s, ports := testServer(t, nil)
	bob := newPeer(t, "bob").join(t, ports)
	early := dialPlain(t, ports.TextPort())
	early.send(t, "early\n")
	early.expect(t, "Welcome")
	ada := newPeer(t, "ada").join(t, ports)
	now := func(p *peer) (state room.State) {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, m := range p.Members {
			if m.Name == "ada" {
				state = m.State
			}
		}
		for _, n := range p.notices {
			if j, ok := n.(MemberJoined); ok && j.Member.Name == "ada" {
				state = j.Member.State
			}
		}
		return state
	}
	on := room.State{Recording: true}
	ada.SetState(on)
	for _, p := range []*peer{ada, bob} {
		eventually(t, "word that ada records", func() bool { return now(p) == on })
	}
	early.expect(t, "ada is recording.")
	late := newPeer(t, "late").join(t, ports)
	if now(late) != on {
		t.Errorf("who comes later sees %+v", now(late))
	}
	plain := dialPlain(t, ports.TextPort())
	plain.send(t, "plain\n")
	plain.expect(t, "ada is recording.")

	for i := range 10 {
		ada.SetState(room.State{Listening: i%2 == 0})
	}
	eventually(t, "the last state", func() bool { return now(bob) == room.State{} })
	early.expect(t, "ada no longer records.")
	early.send(t, "still here\n")
	early.expect(t, "early>> still here")
	if n := s.Counters.MembersCut.Load(); n != 0 {
		t.Errorf("%d members were cut off", n)
	}

	again := newPeer(t, "eve")
	again.cfg.State = room.State{Recording: true, Listening: true}
	again.join(t, ports)
	eventually(t, "word that eve came recording", func() bool {
		return told(bob, func(j MemberJoined) bool { return j.Member.Name == "eve" && j.Member.State == again.cfg.State }) >= 0
	})
}

// TestRenameReachesEverybody: at once, and then the last of several names within a second. A name that is none ends the connection.
func TestRenameReachesEverybody(t *testing.T) {
	_, ports := testServer(t, nil)
	bob, ada := newPeer(t, "bob").join(t, ports), newPeer(t, "ada").join(t, ports)
	plain := dialPlain(t, ports.TextPort())
	plain.send(t, "plain\n")
	plain.expect(t, "Welcome")
	called := func(name string) func(MemberJoined) bool {
		return func(j MemberJoined) bool { return j.Member.Name == name && j.Member.ID == ada.cfg.Identity.ID }
	}
	ada.SetName("ada the first")
	for _, p := range []*peer{ada, bob} {
		eventually(t, "the new name", func() bool { return told(p, called("ada the first")) >= 0 })
	}
	plain.expect(t, "ada is called ada the first now.")
	for i := range 100 {
		ada.SetName(fmt.Sprint("ada ", i))
	}
	eventually(t, "the last name", func() bool { return told(bob, called("ada 99")) >= 0 })
	bob.mu.Lock()
	names := 0
	for _, n := range bob.notices {
		if j, ok := n.(MemberJoined); ok && strings.HasPrefix(j.Member.Name, "ada ") {
			names++
		}
	}
	bob.mu.Unlock()
	if names > 3 {
		t.Errorf("bob was told %d names", names)
	}
	ada.SetName("ada\n")
	eventually(t, "the end of who calls itself by no name", func() bool {
		return told(bob, func(l MemberLeft) bool { return l.ID == ada.cfg.Identity.ID }) >= 0
	})
}
