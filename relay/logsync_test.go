package relay

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"parley.lan/identity"
	"parley.lan/room"
	"parley.lan/wire"
)

// runOf signs n messages of one author's run, the first with the number from.
func runOf(t *testing.T, key ed25519.PrivateKey, run, from uint64, n int) (out []*room.Entry) {
	t.Helper()
	for i := range n {
		e, err := room.Sign(key, room.Message{
			Room: "lobby", Run: run, Seq: from + uint64(i), Sent: time.Now().UnixNano(), Kind: room.Text, Name: "eve", Text: fmt.Sprint(i),
		})
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

func newKey(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	id, err := identity.New()
	if err != nil {
		t.Fatal(err)
	}
	return id.Key
}

func TestShortMessagesFitIntoTheirFrames(t *testing.T) {
	log := room.NewLog()
	for _, e := range runOf(t, newKey(t), 1<<60, 1, 1500) {
		log.Append(e, room.NodeID{1})
	}
	b := bufio.NewReader(bytes.NewReader(appendEntries(nil, log.Entries(), false)))
	got := 0
	for {
		typ, body, err := wire.Read(b, wire.MaxFrame)
		if err != nil {
			break
		}
		var pack wire.Entries
		if err := wire.Decode(body, &pack); err != nil || typ != wire.TEntries {
			t.Fatalf("frame type %d: %v", typ, err)
		}
		got += len(pack.List)
	}
	if got != 1500 {
		t.Errorf("%d messages in the frames, want 1500", got)
	}
}

func TestPastAndNewsKeepTheirOrderAndTheirMarks(t *testing.T) {
	var arrivals []room.Arrival
	for i, e := range stamped(runOf(t, newKey(t), 1, 1, 6), 1) {
		arrivals = append(arrivals, room.Arrival{Entry: e, Past: i == 1 || i == 2 || i == 5})
	}
	b := bufio.NewReader(bytes.NewReader(appendArrivals(nil, arrivals)))
	got := ""
	for {
		_, body, err := wire.Read(b, wire.MaxFrame)
		if err != nil {
			break
		}
		log := room.NewLog()
		if _, n, err := readEntries("lobby", log, body); err != nil || n == 0 {
			t.Fatal(n, err)
		}
		for _, a := range must(log.After(0, 10)) {
			got += fmt.Sprint(a.Msg.Seq, a.Past, " ")
		}
	}
	if want := "1 false 2 true 3 true 4 false 5 false 6 true "; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func must(got []room.Arrival, _ uint64, _ <-chan struct{}, _ bool) []room.Arrival { return got }

// stamped gives each entry a stamp a minute old, in steps of gap milliseconds.
func stamped(entries []*room.Entry, gap int) (out []*room.Entry) {
	for i, e := range entries {
		at := time.Now().Add(-time.Minute).UnixMilli() + int64(i*gap)
		out = append(out, e.Stamped(room.Stamp{HLC: uint64(at) << 16, Host: room.NodeID{1}, N: uint64(i + 1)}))
	}
	return out
}

// synced waits until a peer's log has been compared with the host's; it fails when the connection ends before.
func (p *peer) synced(t *testing.T) {
	t.Helper()
	eventually(t, p.cfg.Name+" is synced", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, n := range p.notices {
			if _, ok := n.(Synced); ok {
				return true
			}
		}
		return false
	})
}

func TestLogsMeetOverWhatOneOfThemNeverFetched(t *testing.T) {
	run := stamped(runOf(t, newKey(t), 7, 1, 20), 1)
	old, recent := run[:5], run[15:]
	holding := func(lists ...[]*room.Entry) *room.Log {
		log := room.NewLog()
		for _, l := range lists {
			for _, e := range l {
				log.Add(e)
			}
		}
		return log
	}
	t.Run("the host", func(t *testing.T) { // came later than the member, and has become host since
		_, ports := testServer(t, func(c *Config) { c.Log = holding(recent) })
		ada := newPeer(t, "ada")
		ada.cfg.Log = holding(old)
		ada.join(t, ports)
		eventually(t, "ada has both", func() bool { return len(ada.cfg.Log.Entries()) == 10 })
	})
	t.Run("a member", func(t *testing.T) {
		s, ports := testServer(t, func(c *Config) { c.Log = holding(old) })
		ada, bob := newPeer(t, "ada"), newPeer(t, "bob")
		ada.cfg.Log, bob.cfg.Log = holding(recent), holding(run)
		ada.join(t, ports)
		ada.synced(t)
		ada.say(t, "still here")
		eventually(t, "ada is heard", func() bool { return len(s.cfg.Log.Entries()) == 11 })
		bob.join(t, ports) // who has what is between
		eventually(t, "the host has all", func() bool { return len(s.cfg.Log.Entries()) == 21 })
		eventually(t, "ada has all", func() bool { return len(ada.cfg.Log.Entries()) == 21 })
	})
}

// More than goes out on joining follows afterwards, as past: in the end everybody holds everything, whoever had it.
func TestOlderMessagesFollowInTheBackground(t *testing.T) {
	_, ports := testServer(t, nil)
	bob := newPeer(t, "bob").join(t, ports)
	bob.synced(t)
	ada := newPeer(t, "ada")
	const older = 300
	for _, e := range stamped(runOf(t, newKey(t), 7, 1, catchUp+older), 1) {
		ada.cfg.Log.Add(e)
	}
	ada.join(t, ports)
	ada.say(t, "news")
	eventually(t, "bob has all", func() bool { return bob.cfg.Log.Totals().Count == catchUp+older+1 })
	cy := newPeer(t, "cy").join(t, ports)
	cy.synced(t)
	eventually(t, "cy has all", func() bool { return cy.cfg.Log.Totals() == ada.cfg.Log.Totals() })
	for _, p := range []*peer{bob, cy} {
		if p.cfg.Log.Totals() != ada.cfg.Log.Totals() {
			t.Errorf("%s holds something else than ada", p.cfg.Name)
		}
		past := 0
		for cursor := uint64(0); ; {
			got, next, _, _ := p.cfg.Log.After(cursor, 1000)
			if cursor = next; len(got) == 0 {
				break
			}
			for _, a := range got {
				if a.Past {
					past++
				}
			}
		}
		if past < older || past > older+batch {
			t.Errorf("%s takes %d messages for past, want %d", p.cfg.Name, past, older)
		}
	}
}

func TestStampsAgainstTheOrderOfARunKeepNobodyOut(t *testing.T) {
	run := stamped(runOf(t, newKey(t), 7, 1, 6), -1000)
	log := room.NewLog()
	for _, e := range run {
		log.Add(e)
	}
	_, ports := testServer(t, func(c *Config) { c.Log = log })
	ada, bob := newPeer(t, "ada"), newPeer(t, "bob")
	for _, e := range run[:2] {
		ada.cfg.Log.Add(e)
	}
	for _, p := range []*peer{ada, bob} {
		p.join(t, ports)
		p.synced(t)
		if n := len(p.cfg.Log.Entries()); n != 6 {
			t.Errorf("%s has %d messages, want 6", p.cfg.Name, n)
		}
	}
}

func TestAMemberThatReadsNothingDoesNotHoldUpTheEnd(t *testing.T) {
	log := room.NewLog()
	key := newKey(t)
	for seq := range uint64(3000) { // more than the sockets' buffers take
		e, err := room.Sign(key, room.Message{
			Room: "lobby", Run: 1, Seq: seq + 1, Kind: room.Text, Name: "eve", Text: strings.Repeat("x", room.MaxText),
		})
		if err != nil {
			t.Fatal(err)
		}
		log.Append(e, room.NodeID{1})
	}
	ports, err := Listen(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	id, err := identity.New()
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(Config{Identity: id, Room: "lobby", Reign: room.Reign{Epoch: 1, Host: id.ID}, Log: log, Ports: ports})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	c, err := Dial(ctx, []netip.AddrPort{loopback(ports.TextPort())}, newPeer(t, "ada").cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := send(c.conn, appendVector(nil, nil, 0)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(500 * time.Millisecond) // until the host's writes have filled the buffers; sooner, the test is too easy
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(byeTime + 2*time.Second):
		t.Error("the server is still running")
		<-done
	}
}

func TestAnObserverHandsNothingIn(t *testing.T) {
	s, ports := testServer(t, nil)
	spy := newPeer(t, "spy")
	spy.cfg.Observer, spy.cfg.SSRC = true, 0
	e := stamped(runOf(t, spy.cfg.Identity.Key, spy.run, 1, 1), 1)[0]
	spy.cfg.Log.Add(e)
	spy.join(t, ports)
	spy.synced(t)
	newPeer(t, "ada").join(t, ports).say(t, "hello")
	eventually(t, "the spy follows", func() bool { return len(spy.cfg.Log.Entries()) == 2 })
	if s.cfg.Log.Get(e.ID) != nil {
		t.Error("an observer spoke")
	}
}

func TestNothingIsOrderedOnceTheHostIsElsewhere(t *testing.T) {
	s, ports := testServer(t, nil)
	ada := newPeer(t, "ada").join(t, ports)
	ada.synced(t)
	s.mu.Lock()
	s.redirect = &wire.Peer{Host: make([]byte, 16)} // decided; the word has not reached ada yet
	s.mu.Unlock()
	ada.say(t, "on the way")
	time.Sleep(100 * time.Millisecond) // nothing tells that nothing happened
	if n := len(s.cfg.Log.Entries()); n != 0 {
		t.Errorf("%d messages were ordered", n)
	}
	if waiting, _, _ := ada.cfg.Outbox.After(0); len(waiting) != 1 {
		t.Error("the message no longer waits")
	}
}

// TestNewsDoNotOvertakeWhatAForkHoldsBack: the member and the host stamped one message differently, so that the whole run
// has to be exchanged. What is said meanwhile comes after what the member lacks.
func TestNewsDoNotOvertakeWhatAForkHoldsBack(t *testing.T) {
	for range 20 {
		const held, news = 200, 50
		run := runOf(t, newKey(t), 7, 1, held+news)
		log, ours := room.NewLog(), stamped(run, 1)
		for _, e := range ours[:held] {
			log.Add(e)
		}
		_, ports := testServer(t, func(c *Config) { c.Log = log })
		ada := newPeer(t, "ada")
		for _, e := range stamped(run[:3], 1) {
			ada.cfg.Log.Add(e.Stamped(room.Stamp{HLC: e.Stamp.HLC, Host: room.NodeID{255}, N: 77}))
		}
		told := make(chan struct{})
		go func() {
			defer close(told)
			for _, e := range ours[held:] {
				log.Add(e)
				time.Sleep(50 * time.Microsecond)
			}
		}()
		ada.join(t, ports)
		<-told
		eventually(t, "ada has all", func() bool { return ada.cfg.Log.Totals() == log.Totals() })
		last := uint64(0)
		for _, a := range must(ada.cfg.Log.After(0, 1000)) {
			if a.Again {
				continue
			}
			if a.Msg.Seq < last {
				t.Fatalf("message %d came after %d", a.Msg.Seq, last)
			}
			last = a.Msg.Seq
		}
	}
}
