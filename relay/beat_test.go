package relay

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"parley.lan/room"
	"parley.lan/wire"
)

// beating is a server that beats often, for the tests' sake, and drops who is silent for so long.
func beating(t *testing.T, drop time.Duration) (*Server, *Ports) {
	t.Helper()
	return testServer(t, func(c *Config) { c.Beat, c.Drop, c.WiFi = 20*time.Millisecond, drop, true })
}

func beats(p *peer) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, o := range p.notices {
		if _, ok := o.(Beat); ok {
			n++
		}
	}
	return n
}

// sessionOf is the host's end of a member's voice.
func sessionOf(s *Server, p *peer) *voiceSession {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.members[p.cfg.Identity.ID].life
}

func TestBeatsAreAnswered(t *testing.T) {
	s, ports := beating(t, time.Hour)
	ada := newPeer(t, "ada").join(t, ports)
	life := sessionOf(s, ada)
	eventually(t, "a round trip over UDP", func() bool { return life.addr.Load() != nil && life.rtt.Load() > 0 })
	if c := s.Candidates(); len(c) != 1 || c[0].RTT <= 0 || c[0].RTT > time.Minute {
		t.Errorf("candidates: %+v", c)
	}
	s.Raise(reignOf(s, 7))
	eventually(t, "a beat of the reign", func() bool {
		return told(ada, func(b Beat) bool { return b.Epoch == 7 && b.Members == 1 && b.WiFi }) >= 0
	})

	s.cfg.Ports.Voice.Close() // UDP does not pass any more
	eventually(t, "ada notices", func() bool { return !ada.voice.passes() && life.addr.Load() == nil })
	life.rtt.Store(0)
	eventually(t, "a round trip through the tunnel", func() bool { return life.rtt.Load() > 0 })
}

// Where UDP has never passed, the host must not wait until the member has found that out.
func TestWhoIsReachedThroughTheTunnelAloneStays(t *testing.T) {
	s, ports := beating(t, 300*time.Millisecond)
	s.cfg.Ports.Voice.Close()
	ada := newPeer(t, "ada").join(t, ports)
	eventually(t, "thrice the time of a drop", func() bool { return beats(ada) > 45 })
	ada.stop()
	if err := ada.over(); err != nil {
		t.Errorf("ada's connection ended with: %v", err)
	}
}

// An answer through the tunnel says nothing about UDP: the host goes on with what it knows.
func TestTunnelledAckLeavesThePathAlone(t *testing.T) {
	r := newVoiceRig(t, 1)
	s := r.relay.table.Load().all[0]
	ack := wire.AppendAck(nil, wire.Ack{Sent: 1})
	r.relay.tunnelled(s, ack, nil)
	if s.addr.Load() == nil {
		t.Error("the address is forgotten")
	}
	if s.rtt.Load() == 0 {
		t.Error("the answer counts for nothing")
	}
	r.relay.tunnelled(s, []byte{wire.PacketPing}, nil)
	if s.addr.Load() != nil {
		t.Error("a ping through the tunnel says that UDP does not pass")
	}
}

func TestSilentMemberIsDropped(t *testing.T) {
	s, ports := beating(t, 300*time.Millisecond)
	ada := newPeer(t, "ada").join(t, ports)
	eve := newPeer(t, "eve")
	c, err := Dial(t.Context(), loopbacks(ports), eve.cfg)
	if err != nil {
		t.Fatal(err)
	}
	wake := make(chan struct{})
	over := make(chan error, 1)
	go func() { over <- c.Run(context.Background(), func(Notice) { <-wake }) }() // a program that hangs
	eventually(t, "eve is gone", func() bool {
		return told(ada, func(l MemberLeft) bool { return l.ID == eve.cfg.Identity.ID }) >= 0
	})
	close(wake)
	if err := <-over; !errors.Is(err, ErrDropped) {
		t.Errorf("eve's connection ended with: %v", err)
	}
	if got := s.Members(); got != 1 {
		t.Errorf("%d members are left", got)
	}
}

// A member that has pulled its cable takes no goodbye: its queue and the socket's buffers are full of what it has
// not read.
func TestStuckMemberIsDropped(t *testing.T) {
	logged := make(lines, 64)
	s, ports := testServer(t, func(c *Config) {
		c.Beat, c.Drop, c.Logger = 20*time.Millisecond, time.Second, slog.New(slog.NewTextHandler(logged, nil))
	})
	eve := newPeer(t, "eve")
	c, err := Dial(t.Context(), loopbacks(ports), eve.cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.conn.Write(mustAppend(wire.TSynced, struct{}{}))
	stop := make(chan struct{})
	defer close(stop)
	go func() { // alive to all but the beats
		tick := time.NewTicker(beat)
		defer tick.Stop()
		for n := uint64(0); ; n++ {
			select {
			case <-stop:
				return
			case <-tick.C:
				c.conn.Write(mustAppend(wire.TPing, wire.Ping{N: n}))
			}
		}
	}()
	key, text := newKey(t), strings.Repeat("x", room.MaxText)
	for i := range 1500 {
		e, err := room.Sign(key, room.Message{Room: "lobby", Run: 1, Seq: uint64(i + 1), Kind: room.Text, Name: "x", Text: text})
		if err != nil {
			t.Fatal(err)
		}
		s.cfg.Log.Append(e, room.NodeID{1})
	}
	eventually(t, "eve is gone", func() bool { return s.Members() == 0 })
	for line := range logged {
		if strings.Contains(line, "member gone") {
			if !strings.Contains(line, "hears nothing") {
				t.Error(line) // the write itself ends too, much later
			}
			break
		}
	}
}

// lines is a log's output.
type lines chan string

func (l lines) Write(b []byte) (int, error) { l <- string(b); return len(b), nil }

// While the host itself stands still nobody can be heard; when it goes on, all of them are given their time anew.
func TestHostsOwnStallDropsNobody(t *testing.T) {
	const drop = 400 * time.Millisecond
	s, ports := beating(t, drop)
	var all []*peer
	for range 10 {
		all = append(all, newPeer(t, "ada").join(t, ports))
	}
	for _, p := range all {
		eventually(t, "beats", func() bool { return beats(p) > 3 })
	}
	s.mu.Lock() // the beats stand still with whatever else asks for the reign
	time.Sleep(3 * drop)
	s.mu.Unlock()
	n := beats(all[0])
	eventually(t, "beats again", func() bool { return beats(all[0]) > n+30 })
	for _, p := range all {
		if told(p, anyOf[MemberLeft]) >= 0 {
			t.Fatal("somebody was dropped")
		}
	}
	if got := s.Members(); got != len(all) {
		t.Errorf("%d members are left", got)
	}
}

func TestAnswersOfTheFutureDoNotCount(t *testing.T) {
	var s voiceSession
	s.ack(wire.AppendAck(nil, wire.Ack{Sent: 2000}), 1000)
	s.ack([]byte{wire.PacketAck, 1, 2}, 1000)
	if s.acked.Load() != 0 || s.rtt.Load() != 0 {
		t.Errorf("counted: %d, %d", s.acked.Load(), s.rtt.Load())
	}
	s.ack(wire.AppendAck(nil, wire.Ack{Sent: 200}), 1000)
	s.ack(wire.AppendAck(nil, wire.Ack{Sent: 1000}), 2600) // 1600 after 800: smoothed by an eighth
	if s.acked.Load() != 2600 || s.rtt.Load() != 900 {
		t.Errorf("last %d, round trip %d", s.acked.Load(), s.rtt.Load())
	}
}
