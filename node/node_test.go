package node

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"parley.lan/history"
	"parley.lan/identity"
	"parley.lan/room"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// seat is a node with a face that keeps everything. All of them meet on the loopback only.
type seat struct {
	*Node
	t    *testing.T
	stop func() error

	mu     sync.Mutex
	events []Event
	change chan struct{}
}

// roomOf is a test's room. The loopback is shared with whatever else runs these tests on this machine.
func roomOf(t *testing.T) string { return fmt.Sprintf("%.40s %d", t.Name(), os.Getpid()) }

func sit(t *testing.T, name string, change func(*Config)) *seat {
	t.Helper()
	cfg := Config{Name: name, Room: roomOf(t), StateDir: t.TempDir(), Ifaces: []string{"lo"}, TextPort: 42222, VoicePort: 42255}
	if change != nil {
		change(&cfg)
	}
	n, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := &seat{Node: n, t: t, change: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	var ended error
	wg.Go(func() { ended = n.Run(ctx) })
	wg.Go(func() {
		for e := range n.Events() {
			s.add(e)
		}
	})
	s.stop = sync.OnceValue(func() error { cancel(); wg.Wait(); return ended })
	t.Cleanup(func() { s.stop() })
	return s
}

func (s *seat) add(e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, e)
	close(s.change)
	s.change = make(chan struct{})
}

// wait returns the first event that passes, past or future.
func wait[E Event](s *seat, what string, pass func(E) bool) E {
	s.t.Helper()
	limit := time.After(20 * time.Second)
	for at := 0; ; {
		s.mu.Lock()
		fresh, change := s.events[at:], s.change
		at = len(s.events)
		s.mu.Unlock()
		for _, e := range fresh {
			if e, ok := e.(E); ok && pass(e) {
				return e
			}
		}
		select {
		case <-change:
		case <-limit:
			s.t.Fatalf("%s: no %s; it saw %v", s.cfg.Name, what, s.seen())
		}
	}
}

func (s *seat) seen() (out []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		out = append(out, fmt.Sprintf("%s %+v", e.Type(), e))
	}
	return out
}

func (s *seat) joined() Joined {
	s.t.Helper()
	return wait(s, "joined", func(Joined) bool { return true })
}

func (s *seat) hears(text string) Message {
	s.t.Helper()
	return wait(s, "message "+text, func(m Message) bool { return m.Text == text })
}

func (s *seat) say(text string) {
	s.t.Helper()
	if _, err := s.Say(text); err != nil {
		s.t.Fatal(err)
	}
}

func TestRoomOutlivesItsHost(t *testing.T) {
	ada := sit(t, "ada", nil)
	if host := ada.joined().Host; host.ID != ada.ID() || host.Name != "ada" {
		t.Errorf("alone, but hosted by %+v", host)
	}
	bob, cy := sit(t, "bob", nil), sit(t, "cy", nil)
	bob.joined()
	cy.joined()
	bob.say("one")
	for _, s := range []*seat{ada, bob, cy} {
		if m := s.hears("one"); m.From.Name != "bob" || m.Mine != (s == bob) || m.Late || m.Private {
			t.Errorf("%s got %+v", s.cfg.Name, m)
		}
	}
	if err := ada.stop(); err != nil {
		t.Error(err)
	}
	cy.say("two") // while nobody hosts
	wait(bob, "new host", func(j Joined) bool { return j.Epoch > 1 })
	for _, s := range []*seat{bob, cy} {
		s.hears("two")
		if n := countMessages(s); n != 2 {
			t.Errorf("%s shows %d messages, want 2", s.cfg.Name, n)
		}
	}
	wait(cy, "delivered", func(d Delivered) bool { return true })
	if left := cy.Drain(t.Context()); left != 0 {
		t.Errorf("%d still pending", left)
	}
	dee := sit(t, "dee", nil)
	if m := dee.hears("one"); !m.History {
		t.Error("what was said before dee came is not marked so")
	}
}

func countMessages(s *seat) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		if _, ok := e.(Message); ok {
			n++
		}
	}
	return n
}

func TestPrivateMessagesReachOneOnly(t *testing.T) {
	ada, bob, eve := sit(t, "ada", nil), sit(t, "bob", nil), sit(t, "eve", nil)
	for _, s := range []*seat{ada, bob, eve} {
		s.joined()
	}
	wait(ada, "bob in the roster", func(e Event) bool { return slices.Contains(names(ada), "bob") })
	if _, err := ada.Whisper("bob", "psst"); err != nil {
		t.Fatal(err)
	}
	ada.say("for all")
	if m := bob.hears("psst"); !m.Private || m.From.Name != "ada" || m.To.Name != "bob" || m.Mine {
		t.Errorf("bob got %+v", m)
	}
	if m := ada.hears("psst"); !m.Private || !m.Mine {
		t.Errorf("ada got %+v", m)
	}
	eve.hears("for all")
	if n := countMessages(eve); n != 1 {
		t.Errorf("eve was shown %d messages", n)
	}
	for _, e := range eve.log.Entries() {
		if strings.Contains(string(e.Body), "psst") {
			t.Error("the private text is readable in eve's log")
		}
	}
	if _, err := ada.Whisper("nobody", "x"); err == nil {
		t.Error("whispered to nobody")
	}
}

func names(s *seat) (out []string) {
	for _, m := range s.Members() {
		out = append(out, m.Name)
	}
	return out
}

func TestKnownNameOnANewKeyIsFlaggedOnce(t *testing.T) {
	ada := sit(t, "ada", nil)
	ada.joined()
	for range 2 {
		bob := sit(t, "bob", nil) // each time in a state folder of its own
		bob.joined()
		wait(ada, "bob", func(j MemberJoined) bool { return j.Member.ID == bob.ID() })
		bob.stop()
		wait(ada, "bob's leaving", func(l MemberLeft) bool { return l.Member.ID == bob.ID() })
	}
	wait(ada, "flag", func(e Error) bool { return strings.Contains(e.Error, "new key") })
}

func TestRoomsAndHistoryLookFromOutside(t *testing.T) {
	ada := sit(t, "ada", nil)
	ada.joined()
	ada.say("hello")
	ada.hears("hello")
	cfg := Config{Name: "me", Room: roomOf(t), StateDir: t.TempDir(), Ifaces: []string{"lo"}}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	got, err := History(ctx, cfg, HistoryQuery{})
	if err != nil || len(got) != 1 || got[0].Text != "hello" {
		t.Errorf("history %+v, %v", got, err)
	}
	if n := len(ada.Members()); n != 1 {
		t.Errorf("the observer is seen: %d members", n)
	}
	ctx, cancel = context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	rooms, err := Rooms(ctx, cfg)
	i := slices.IndexFunc(rooms, func(r RoomInfo) bool { return r.Room == roomOf(t) })
	if err != nil || i < 0 || rooms[i].Host.Name != "ada" {
		t.Fatalf("rooms %+v, %v", rooms, err)
	}
	r := rooms[i]
	if r.Inside == nil || r.Count != 1 || len(r.Members) != 1 || r.Members[0].ID != ada.ID() || !r.PlainDoor || r.Passphrase || r.RTT <= 0 || r.RTT > 1000 {
		t.Errorf("the host told %+v, %+v", r.Inside, r)
	}
}

func TestForcedHostTakesOver(t *testing.T) {
	ada := sit(t, "ada", nil)
	ada.joined()
	ada.say("before")
	ada.hears("before")
	bob := sit(t, "bob", func(c *Config) { c.ForceHost = true })
	for _, s := range []*seat{ada, bob} {
		j := wait(s, "bob as host", func(j Joined) bool { return j.Host.ID == bob.ID() })
		if j.Epoch < 2 {
			t.Errorf("%s: epoch %d", s.cfg.Name, j.Epoch)
		}
	}
	ada.say("after")
	bob.hears("before")
	bob.hears("after")
}

func TestSayRefusesWhatIsNoMessage(t *testing.T) {
	ada := sit(t, "ada", nil)
	for _, text := range []string{"", "  ", strings.Repeat("x", room.MaxText+1), "\xff"} {
		if _, err := ada.Say(text); err == nil {
			t.Errorf("%.10q was said", text)
		}
	}
}

func TestEpochOutlivesTheNode(t *testing.T) {
	dir := t.TempDir()
	var last uint64
	for range 3 {
		ada := sit(t, "ada", func(c *Config) { c.StateDir = dir })
		epoch := ada.joined().Epoch
		if epoch <= last {
			t.Errorf("epoch %d after %d", epoch, last)
		}
		last = epoch
		ada.stop()
	}
	for _, damaged := range []string{"", "x", "-1", "99999999999999999999"} {
		if err := os.WriteFile(epochFile(dir), []byte(damaged), 0o600); err != nil {
			t.Fatal(err)
		}
		if n := loadEpoch(dir); n != 0 {
			t.Errorf("%q was read as %d", damaged, n)
		}
	}
}

func TestHistoryOutlivesTheNode(t *testing.T) {
	dir := t.TempDir()
	home := func(c *Config) { c.StateDir = dir }
	ada := sit(t, "ada", home)
	ada.joined()
	for i := range 30 {
		ada.say(fmt.Sprint("before ", i))
	}
	ada.hears("before 29")
	bob := sit(t, "bob", nil)
	bob.joined()
	if err := ada.stop(); err != nil {
		t.Error(err)
	}
	wait(bob, "bob as host", func(j Joined) bool { return j.Host.ID == bob.ID() })
	bob.say("while ada was away")
	bob.hears("while ada was away")

	ada = sit(t, "ada", home)
	if m := ada.hears("while ada was away"); !m.History || m.Mine {
		t.Errorf("what was said meanwhile came as %+v", m)
	}
	ada.say("back")
	ada.hears("back")
	ada.mu.Lock()
	shown := map[string]int{}
	for _, e := range ada.events {
		if m, ok := e.(Message); ok {
			shown[m.Text]++
			if m.History != (m.Text != "back") {
				t.Errorf("%q: history %v", m.Text, m.History)
			}
		}
	}
	ada.mu.Unlock()
	if len(shown) != recall+2 || shown["before 10"] != 1 || shown["before 9"] != 0 || shown["before 29"] != 1 {
		t.Errorf("shown %v", shown)
	}
	ada.stop()
	bob.stop()
	got, err := History(t.Context(), Config{Room: roomOf(t), StateDir: dir}, HistoryQuery{Search: "befo 29"})
	if err != nil || len(got) != 1 || !got[0].Mine {
		t.Errorf("found %+v, %v", got, err)
	}
}

// What nobody hosted the room to hear is said at the next start.
func TestPendingMessagesOutliveTheNode(t *testing.T) {
	dir := t.TempDir()
	home := func(c *Config) { c.StateDir = dir }
	id, err := identity.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	outbox := room.NewOutbox() // of a node that came to no room
	for i, text := range []string{"too early", "and another"} {
		e, err := room.Sign(id.Key, room.Message{Room: roomOf(t), Run: 5, Seq: uint64(i + 1), Sent: time.Now().UnixNano(), Kind: room.Text, Name: "ada", Text: text})
		if err != nil {
			t.Fatal(err)
		}
		outbox.Put(e)
	}
	keeper, _, troubles := history.Open(t.Context(), history.Config{Dir: dir, Room: roomOf(t), Log: room.NewLog(), Outbox: outbox})
	if len(troubles) > 0 {
		t.Fatal(troubles)
	}
	over, end := context.WithCancel(t.Context())
	end()
	keeper.Run(over, func(history.Trouble) {})
	ada := sit(t, "ada", home)
	p := wait(ada, "pending", func(p Pending) bool { return p.Earlier })
	if p.Text != "too early" {
		t.Errorf("pending first: %q", p.Text)
	}
	wait(ada, "delivered", func(d Delivered) bool { return d.ID == p.ID })
	if m := ada.hears("and another"); !m.Mine {
		t.Errorf("came as %+v", m)
	}
	ada.say("new")
	ada.hears("new")
	if n := ada.Drain(t.Context()); n != 0 || countMessages(ada) != 3 {
		t.Errorf("%d still wait, %d shown", n, countMessages(ada))
	}
}

func TestDamagedHistoryComesBackFromTheOthers(t *testing.T) {
	dir := t.TempDir()
	home := func(c *Config) { c.StateDir = dir }
	ada, bob := sit(t, "ada", home), sit(t, "bob", nil)
	ada.joined()
	bob.joined()
	ada.say("one")
	bob.hears("one")
	ada.stop()
	if err := os.WriteFile(filepath.Join(dir, "history.db"), []byte(strings.Repeat("no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	ada = sit(t, "ada", home)
	e := wait(ada, "error", func(e Error) bool { return strings.Contains(e.Error, "damaged") })
	if !strings.Contains(e.Error, "history.db.damaged-1") || e.Hint == "" {
		t.Errorf("told %+v", e)
	}
	ada.hears("one")
	ada.stop()
	if got, err := History(t.Context(), Config{Room: roomOf(t), StateDir: dir}, HistoryQuery{}); err != nil || len(got) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}
