package relay

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"parley.lan/room"
)

// safe tells whether a peer was told that a message is safe.
func (p *peer) safe(id room.ID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range p.notices {
		if s, ok := n.(Safe); ok {
			for _, got := range s.IDs {
				if got == id {
					return true
				}
			}
		}
	}
	return false
}

func TestSafeOnceTheFirstSuccessorHasIt(t *testing.T) {
	s, ports := testServer(t, nil)
	ada, cy := newPeer(t, "ada").join(t, ports), newPeer(t, "cy").join(t, ports)
	first := ada.say(t, "first")
	eventually(t, "cy has it", func() bool { return cy.cfg.Log.Get(first.ID) != nil })
	bob := newPeer(t, "bob") // is welcomed, and takes nothing yet
	c, err := Dial(t.Context(), []netip.AddrPort{loopback(ports.TextPort())}, bob.cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.SetSuccessor(bob.cfg.Identity.ID)
	second := ada.say(t, "second")
	time.Sleep(4 * haveTime) // nothing tells that nothing happened
	if ada.safe(first.ID) || ada.safe(second.ID) {
		t.Fatal("safe, though the successor has nothing")
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { c.Run(ctx, func(Notice) {}); close(ended) }()
	defer func() { cancel(); <-ended }()
	eventually(t, "both safe", func() bool { return ada.safe(first.ID) && ada.safe(second.ID) })
	third := ada.say(t, "third")
	eventually(t, "what comes later too", func() bool { return ada.safe(third.ID) })
	if cy.safe(first.ID) {
		t.Error("told to somebody else")
	}
}

func TestNothingIsSafeAloneAndAllOnceASuccessorComes(t *testing.T) {
	s, ports := testServer(t, nil)
	ada := newPeer(t, "ada").join(t, ports)
	e := ada.say(t, "alone")
	eventually(t, "delivered", func() bool { return ada.cfg.Log.Get(e.ID) != nil })
	for range 2 * maxUnsafe {
		s.safety.said(e, s.cfg.Log)
	}
	if n := len(s.safety.waiting); n != maxUnsafe {
		t.Errorf("%d wait", n)
	}
	if ada.safe(e.ID) {
		t.Error("safe in one place")
	}
	bob := newPeer(t, "bob").join(t, ports)
	bob.synced(t)
	s.SetSuccessor(bob.cfg.Identity.ID)
	eventually(t, "safe", func() bool { return ada.safe(e.ID) })
	if err := bob.stop(); err != nil {
		t.Error(err)
	}
	eventually(t, "bob is forgotten", func() bool {
		s.safety.mu.Lock()
		defer s.safety.mu.Unlock()
		_, held := s.safety.held[bob.cfg.Identity.ID]
		return !held
	})
	later := ada.say(t, "alone again")
	eventually(t, "delivered", func() bool { return ada.cfg.Log.Get(later.ID) != nil })
	time.Sleep(4 * haveTime)
	if ada.safe(later.ID) {
		t.Error("safe with one who is gone")
	}
}

// The next host is told again what was delivered and not safe; that it holds it already changes nothing.
func TestWhatIsNotSafeIsSaidToTheNextHost(t *testing.T) {
	_, ports := testServer(t, nil)
	ada := newPeer(t, "ada").join(t, ports)
	e := ada.say(t, "hello")
	eventually(t, "delivered", func() bool { return ada.cfg.Log.Get(e.ID) != nil })
	if was, safe := ada.cfg.Outbox.Delivered(e.ID); !was || safe {
		t.Fatal("not waiting, or safe")
	}
	ada.stop()
	next, ports := testServer(t, nil)
	bob := newPeer(t, "bob").join(t, ports)
	bob.synced(t)
	next.SetSuccessor(bob.cfg.Identity.ID)
	ada.join(t, ports)
	eventually(t, "safe", func() bool { return ada.safe(e.ID) })
	if stamp := next.cfg.Log.Get(e.ID).Stamp; stamp != ada.cfg.Log.Get(e.ID).Stamp || len(next.cfg.Log.Entries()) != 1 {
		t.Errorf("stamped anew: %+v", stamp)
	}
	if !ada.cfg.Outbox.Safe(e.ID) || ada.cfg.Outbox.Safe(e.ID) {
		t.Error("safe not once")
	}
}
