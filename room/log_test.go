package room

import (
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var testKeys = func() (keys []ed25519.PrivateKey) {
	for i := range 4 {
		seed := make([]byte, ed25519.SeedSize)
		seed[0] = byte(i + 1)
		keys = append(keys, ed25519.NewKeyFromSeed(seed))
	}
	return keys
}()

func testEntry(t interface{ Fatal(...any) }, author int, run, seq uint64) *Entry {
	e, err := Sign(testKeys[author], Message{Room: "lobby", Run: run, Seq: seq, Kind: Text, Name: "ada", Text: fmt.Sprint(author, run, seq)})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestAppendOrdersAndAfterFollows(t *testing.T) {
	l := NewLog()
	_, _, changed, _ := l.After(0, 10)
	for seq := range uint64(5) {
		if _, res := l.Append(testEntry(t, 0, 1, seq+1), NodeID{9}); res != Added {
			t.Fatalf("append %d: %v", seq+1, res)
		}
	}
	select {
	case <-changed:
	default:
		t.Error("nobody was told of an arrival")
	}
	got, next, _, ok := l.After(2, 2)
	if !ok || next != 4 || len(got) != 2 || got[0].Msg.Seq != 3 || got[0].Late {
		t.Errorf("after 2: %v next %d", got, next)
	}
	if e, res := l.Append(testEntry(t, 0, 1, 2), NodeID{9}); res != Known || e.Stamp.N != 2 {
		t.Errorf("repeated: %v %+v", res, e.Stamp)
	}
	if _, res := l.Append(testEntry(t, 0, 1, 7), NodeID{9}); res != Gap {
		t.Errorf("with a gap: %v", res)
	}
	other, err := Sign(testKeys[0], Message{Room: "lobby", Run: 1, Seq: 3, Kind: Text, Name: "ada", Text: "another third"})
	if err != nil {
		t.Fatal(err)
	}
	if _, res := l.Append(other, NodeID{9}); res != Added {
		t.Errorf("a second message at one place: %v", res)
	}
	v := l.Vector()
	if r := v[RunKey{IDOf(testKeys[0].Public().(ed25519.PublicKey)), 1}]; len(v) != 1 || r.Count != 6 || r.High != 5 {
		t.Errorf("vector %v", v)
	}
	if l.Get(other.ID) == nil || len(l.Entries()) != 6 {
		t.Error("the second message at one place is not held beside the first")
	}
}

func TestLateEntryAndSmallerStamp(t *testing.T) {
	l := NewLog()
	now := physical(time.Now())
	a, b := testEntry(t, 0, 1, 1), testEntry(t, 1, 1, 1)
	l.Add(a.Stamped(Stamp{HLC: now + 100, Host: NodeID{1}, N: 1}))
	l.Add(b.Stamped(Stamp{HLC: now + 50, Host: NodeID{2}, N: 1}))
	got, next, _, _ := l.After(0, 10)
	if len(got) != 2 || got[0].Late || !got[1].Late {
		t.Errorf("late marks: %+v", got)
	}
	if res := l.Add(a.Stamped(Stamp{HLC: now + 10, Host: NodeID{2}, N: 0})); res != Restamped {
		t.Fatalf("smaller stamp: %v", res)
	}
	if res := l.Add(a.Stamped(Stamp{HLC: now + 100, Host: NodeID{1}, N: 1})); res != Known {
		t.Errorf("larger stamp: %v", res)
	}
	if all := l.Entries(); len(all) != 2 || all[0].ID != a.ID {
		t.Errorf("order after the smaller stamp: %v", all)
	}
	if again, _, _, _ := l.After(next, 10); len(again) != 1 || !again[0].Again {
		t.Errorf("the smaller stamp does not travel on: %+v", again)
	}
}

// Two logs that exchange what they lack hold the same in the same order, whatever each began with.
func TestExchangeMakesEqual(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		logs := []*Log{NewLog(), NewLog()}
		var home [4]int // the log at which an author talks: another one only after an exchange
		var said [4]uint64
		for range rapid.IntRange(0, 40).Draw(t, "n") {
			author := rapid.IntRange(0, 3).Draw(t, "author")
			if rapid.IntRange(0, 9).Draw(t, "move") == 0 {
				exchange(logs[0], logs[1])
				home[author] = 1 - home[author]
			}
			said[author]++
			at := home[author]
			if _, res := logs[at].Append(testEntry(t, author, 7, said[author]), NodeID{byte(at + 1)}); res != Added {
				t.Fatalf("append: %v", res)
			}
		}
		exchange(logs[0], logs[1])
		a, _ := logs[0].Digest()
		b, _ := logs[1].Digest()
		if string(a) != string(b) {
			t.Fatalf("digests differ")
		}
		x, y := logs[0].Entries(), logs[1].Entries()
		if len(x) != len(y) {
			t.Fatalf("%d and %d entries", len(x), len(y))
		}
		for i := range x {
			if x[i].ID != y[i].ID || x[i].Stamp != y[i].Stamp {
				t.Fatalf("place %d differs", i)
			}
		}
	})
}

func TestClockNeverFallsAndIgnoresTheFarFuture(t *testing.T) {
	var c Clock
	now := time.UnixMilli(1_000_000)
	first := c.Next(now)
	if again := c.Next(now.Add(-time.Hour)); again <= first {
		t.Error("fell back with the wall clock")
	}
	c.Observe(physical(now.Add(time.Hour)), now)
	ahead := c.Next(now)
	if ahead <= physical(now.Add(time.Hour)) {
		t.Error("fell below a stamp seen")
	}
	c.Observe(physical(now.Add(25*time.Hour)), now)
	if c.Next(now) != ahead+1 {
		t.Error("followed a clock that is a day ahead")
	}
}

func TestForeignMessagesAreVerified(t *testing.T) {
	e := testEntry(t, 0, 1, 1)
	if _, err := OpenEntry("lobby", e.Body, e.Sig); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenEntry("kitchen", e.Body, e.Sig); err == nil {
		t.Error("a message of another room was taken")
	}
	for i := range e.Body {
		b := append([]byte(nil), e.Body...)
		b[i] ^= 1
		if _, err := OpenEntry("lobby", b, e.Sig); err == nil {
			t.Fatalf("changed byte %d was not noticed", i)
		}
	}
}

func FuzzOpenEntry(f *testing.F) {
	for seq := range uint64(3) {
		e := testEntry(f, 0, 1, seq+1)
		f.Add(e.Body, e.Sig)
	}
	f.Add([]byte{0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, make([]byte, 64))
	f.Fuzz(func(t *testing.T, body, sig []byte) {
		if e, err := OpenEntry("lobby", body, sig); err == nil && CheckName(e.Msg.Name) != nil {
			t.Error("a bad name came through")
		}
	})
}

func TestRunsAreBounded(t *testing.T) {
	l := NewLog()
	var last *Entry
	for i := range uint64(DefaultKeep.Runs + DefaultKeep.Runs/4) {
		last = &Entry{Author: NodeID{1}, Msg: Message{Run: i, Seq: 3}}
		binary.BigEndian.PutUint64(last.ID[:], i)
		if _, res := l.Append(last, NodeID{9}); res != Added {
			t.Fatalf("run %d: %v", i, res)
		}
	}
	if n := len(l.Vector()); n > DefaultKeep.Runs || n < DefaultKeep.Runs/2 {
		t.Errorf("%d runs are remembered, want at most %d", n, DefaultKeep.Runs)
	}
	if l.Get(last.ID) == nil || len(l.Entries()) != len(l.Vector()) {
		t.Error("the newest messages are not held")
	}
}

// A stamp from a clock that is days ahead sorts last for good, and marks nobody's message as late.
func TestStampFromTheFutureMakesNothingLate(t *testing.T) {
	l := NewLog()
	l.Add(testEntry(t, 0, 1, 1).Stamped(Stamp{HLC: 1<<64 - 1, Host: NodeID{1}, N: 1}))
	l.Append(testEntry(t, 1, 1, 1), NodeID{2})
	if got, _, _, _ := l.After(1, 1); got[0].Late {
		t.Error("late behind a stamp that can't be true")
	}
}

// A host whose clock says 1970 orders messages that are kept like any others, and they don't empty a log.
func TestHostWithoutAClockLosesNothing(t *testing.T) {
	l := NewLog()
	for seq := range uint64(3) {
		l.Add(testEntry(t, 0, 1, seq+1).Stamped(Stamp{HLC: seq + 1, Host: NodeID{1}, N: seq + 1}))
	}
	if n := len(l.Entries()); n != 3 {
		t.Errorf("%d of 3 messages kept", n)
	}
}
