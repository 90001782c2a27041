package history

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"parley.lan/room"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// author says things.
type author struct {
	t    testing.TB
	key  ed25519.PrivateKey
	host room.NodeID
	run  uint64
	seq  uint64
}

func newAuthor(t testing.TB, n byte, run uint64) *author {
	seed := make([]byte, ed25519.SeedSize)
	seed[0] = n
	return &author{t: t, key: ed25519.NewKeyFromSeed(seed), host: room.NodeID{n}, run: run}
}

func (a *author) message(text string) *room.Entry {
	a.t.Helper()
	a.seq++
	return a.sign(room.Message{Kind: room.Text, Text: text})
}

func (a *author) sign(m room.Message) *room.Entry {
	a.t.Helper()
	m.Room, m.Run, m.Seq, m.Sent, m.Name = "lobby", a.run, a.seq, time.Now().UnixNano(), "ada"
	e, err := room.Sign(a.key, m)
	if err != nil {
		a.t.Fatal(err)
	}
	return e
}

// desk is a log that is kept in a folder.
type desk struct {
	t        testing.TB
	log      *room.Log
	outbox   *room.Outbox
	pending  []*room.Entry
	keeper   *Keeper
	stop     func()
	mu       sync.Mutex
	troubles []Trouble
}

func sit(t testing.TB, dir string, keep room.Keep) *desk {
	t.Helper()
	d := &desk{t: t, log: room.NewLog(), outbox: room.NewOutbox()}
	if keep != (room.Keep{}) {
		d.log = room.NewLogKeeping(keep)
	}
	d.keeper, d.pending, d.troubles = Open(t.Context(), Config{Dir: dir, Room: "lobby", Keep: keep, Log: d.log, Outbox: d.outbox})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		d.keeper.Run(ctx, func(tr Trouble) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.troubles = append(d.troubles, tr)
		})
	})
	d.stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(d.stop)
	return d
}

func (d *desk) told() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return fmt.Sprint(d.troubles)
}

func (d *desk) quiet() {
	d.t.Helper()
	if len(d.troubles) > 0 {
		d.t.Fatalf("trouble: %v", d.troubles)
	}
}

func (d *desk) say(a *author, text string) *room.Entry {
	d.t.Helper()
	e, res := d.log.Append(a.message(text), a.host)
	if res != room.Added {
		d.t.Fatalf("%q: %v", text, res)
	}
	return e
}

func texts(entries []*room.Entry) (out []string) {
	for _, e := range entries {
		out = append(out, e.Msg.Text)
	}
	return out
}

func TestReopenedLogIsTheSame(t *testing.T) {
	dir := t.TempDir()
	d := sit(t, dir, room.Keep{})
	d.quiet()
	ada, bob := newAuthor(t, 1, 7), newAuthor(t, 2, 1<<63+5)
	for i := range 600 {
		d.say([]*author{ada, bob}[i%2], fmt.Sprint("message ", i))
	}
	ada.seq--
	if _, res := d.log.Append(ada.message("at a place that is held"), ada.host); res != room.Added {
		t.Fatal(res)
	}
	first := d.log.Entries()[0]
	if res := d.log.Add(first.Stamped(room.Stamp{HLC: first.Stamp.HLC - 1, Host: ada.host})); res != room.Restamped {
		t.Fatal(res)
	}
	want, digest, vector := d.log.Entries(), d.log.Totals(), d.log.Vector()
	d.stop()

	d = sit(t, dir, room.Keep{})
	d.quiet()
	if got := d.log.Entries(); !slices.EqualFunc(got, want, func(a, b *room.Entry) bool { return a.ID == b.ID && a.Stamp == b.Stamp }) {
		t.Errorf("%d entries, want %d; begins with %q", len(got), len(want), got[0].Msg.Text)
	}
	if d.log.Totals() != digest {
		t.Errorf("sums %+v, want %+v", d.log.Totals(), digest)
	}
	if got := d.log.Vector(); len(got) != len(vector) {
		t.Errorf("vector %v, want %v", got, vector)
	} else {
		for k, r := range vector {
			if got[k] != r {
				t.Errorf("run %v: %v, want %v", k, got[k], r)
			}
		}
	}
	d.say(ada, "goes on")
	got, err := Read(t.Context(), dir, "lobby", Query{Limit: 2}) // while the node runs
	if err != nil || len(got) != 2 {
		t.Errorf("read beside the node: %v, %v", texts(got), err)
	}
	if _, err := Read(t.Context(), dir, "garden", Query{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a room never entered: %v", err)
	}
	if _, err := Read(t.Context(), t.TempDir(), "lobby", Query{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty folder: %v", err)
	}
}

func TestWaitingMessagesOutliveTheProcess(t *testing.T) {
	dir := t.TempDir()
	d := sit(t, dir, room.Keep{})
	ada := newAuthor(t, 1, 7)
	d.say(ada, "delivered")
	var waiting []*room.Entry
	for i := range 3 {
		e := ada.message(fmt.Sprint("waiting ", i))
		waiting = append(waiting, e)
		if err := d.outbox.Put(e); err != nil {
			t.Fatal(err)
		}
	}
	d.log.Append(waiting[0], ada.host)
	d.outbox.Delivered(waiting[0].ID)
	d.stop()

	d = sit(t, dir, room.Keep{})
	if got := texts(d.pending); !slices.Equal(got, []string{"waiting 1", "waiting 2"}) || d.pending[0].ID != waiting[1].ID {
		t.Errorf("waiting after a restart: %q", got)
	}
	again, _, _ := d.outbox.After(0)
	if len(again) != 2 {
		t.Errorf("%d in the outbox", len(again))
	}
	d.stop()

	// An older copy of the file may hold as waiting what the log has.
	d = sit(t, dir, room.Keep{})
	for _, e := range d.pending {
		d.log.Append(e, ada.host)
	}
	d.stop() // not taken out of the outbox, as by a crash
	if d = sit(t, dir, room.Keep{}); len(d.pending) != 0 {
		t.Errorf("said again though delivered: %q", texts(d.pending))
	}
}

func TestPrunedMessagesDoNotReturn(t *testing.T) {
	dir := t.TempDir()
	keep := room.Keep{Messages: 50, Bytes: 1 << 30, For: time.Hour, Runs: 100}
	d := sit(t, dir, keep)
	ada := newAuthor(t, 1, 7)
	var all []*room.Entry
	for i := range 200 {
		all = append(all, d.say(ada, fmt.Sprint(i)))
	}
	for range 2 {
		eventually(t, "pruned", func() bool { return d.log.Totals().Count == 50 })
		for _, e := range all[:150] {
			if res := d.log.Add(e); res != room.Known {
				t.Fatalf("%s came back: %v", e.Msg.Text, res)
			}
		}
		d.stop()
		d = sit(t, dir, keep)
		d.quiet()
	}
	if got := texts(d.log.Entries()); len(got) != 50 || got[0] != "150" {
		t.Errorf("%d are left, from %s", len(got), got[0])
	}
	// By age: a message of two hours ago goes as soon as a new one is there.
	bob := newAuthor(t, 2, 1)
	old := bob.message("old").Stamped(room.Stamp{HLC: room.Reading(time.Now().Add(-2 * time.Hour)), Host: bob.host, N: 1})
	d.log.Add(old)
	eventually(t, "pruned by age", func() bool { return d.log.Get(old.ID) == nil })
	if res := d.log.Add(old); res != room.Known {
		t.Errorf("too old, and came back: %v", res)
	}
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("still not: %s", what)
		}
	}
}

func TestSecondNodeOnOneFolderSaysSo(t *testing.T) {
	dir := t.TempDir()
	first, second := sit(t, dir, room.Keep{}), sit(t, dir, room.Keep{})
	first.quiet()
	if !strings.Contains(second.told(), "another node uses this state folder") {
		t.Errorf("it says %q", second.told())
	}
	second.say(newAuthor(t, 1, 7), "in memory")
	second.stop()
	first.say(newAuthor(t, 1, 8), "on disk")
	first.stop()
	if got, err := Read(t.Context(), dir, "lobby", Query{}); err != nil || len(got) != 1 {
		t.Errorf("%q, %v", texts(got), err)
	}
}

// The clock is set back between two runs, by less and by more than a stamp may lie ahead: nothing is lost or too old,
// and what is said afterwards is no late message.
func TestClockSetBackBetweenRuns(t *testing.T) {
	for _, ahead := range []time.Duration{23 * time.Hour, 72 * time.Hour, 400 * 24 * time.Hour} {
		dir := t.TempDir()
		d := sit(t, dir, room.Keep{})
		ada, bob := newAuthor(t, 1, 7), newAuthor(t, 2, 8)
		for i := range 20 {
			d.log.Add(ada.message(fmt.Sprint(i)).Stamped(room.Stamp{HLC: room.Reading(time.Now().Add(ahead)) + uint64(i), Host: ada.host, N: uint64(i)}))
		}
		d.stop()
		d = sit(t, dir, room.Keep{})
		d.quiet()
		cursor := d.log.End()
		e := d.say(bob, "with the right time")
		if got, _, _, _ := d.log.After(cursor, 1); len(got) != 1 || got[0].Late {
			t.Errorf("%v ahead: what is said now is late", ahead)
		}
		if all := d.log.Before(nil, 100); len(all) != 21 || ahead < 24*time.Hour && all[0].ID != e.ID {
			t.Errorf("%v ahead: %d messages, the last %q", ahead, len(all), all[0].Msg.Text)
		}
		d.stop()
		if got, err := Read(t.Context(), dir, "lobby", Query{}); err != nil || len(got) != 21 {
			t.Errorf("%v ahead: %d kept, %v", ahead, len(got), err)
		}
	}
}

// Two copies of one folder go on apart, as after a restored backup; brought together they hold the same.
func TestClonedFolderLosesNothing(t *testing.T) {
	dir, copied := t.TempDir(), t.TempDir()
	d := sit(t, dir, room.Keep{})
	ada := newAuthor(t, 1, 7)
	for i := range 20 {
		d.say(ada, fmt.Sprint("before ", i))
	}
	d.stop()
	copyFiles(t, dir, copied)
	d, clone := sit(t, dir, room.Keep{}), sit(t, copied, room.Keep{})
	twin := *ada // a cloned machine in the midst of a run
	d.say(ada, "the original")
	clone.say(&twin, "the clone")
	d.say(newAuthor(t, 1, 8), "a new run")
	clone.say(newAuthor(t, 1, 9), "another new run")
	exchange(d.log, clone.log)
	if d.log.Totals() != clone.log.Totals() || d.log.Totals().Count != 24 {
		t.Errorf("%+v and %+v", d.log.Totals(), clone.log.Totals())
	}
	d.stop()
	clone.stop()
	a, b := sit(t, dir, room.Keep{}), sit(t, copied, room.Keep{})
	if !slices.Equal(texts(a.log.Entries()), texts(b.log.Entries())) || a.log.Totals() != b.log.Totals() {
		t.Errorf("after reopening:\n%q\n%q", texts(a.log.Entries()), texts(b.log.Entries()))
	}
}

// exchange does with two logs what a member and its host do over the wire.
func exchange(member, host *room.Log) {
	hand := func(g *room.Gift, to *room.Log) {
		for more, got := true, []*room.Entry(nil); more; {
			got, more = g.Next(64)
			for _, e := range got {
				to.Add(e)
			}
		}
	}
	first := host.Compare(member.Vector(), member.Floor(), true)
	second := member.Compare(first.Ask, host.Floor(), false)
	hand(first.Gift, member)
	hand(second.Gift, host)
	hand(host.Compare(second.Ask, member.Floor(), false).Gift, member)
}
