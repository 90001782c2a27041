package room

import (
	"crypto/ed25519"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// exchange does with two logs what a member and its host do over the wire, and returns how many entries went.
func exchange(member, host *Log) (given int) {
	hand := func(g *Gift, to *Log) {
		for more, got := true, []*Entry(nil); more; {
			got, more = g.Next(5)
			for _, e := range got {
				to.Add(e)
			}
			given += len(got)
		}
	}
	first := host.Compare(member.Vector(), member.Floor(), true)
	second := member.Compare(first.Ask, host.Floor(), false)
	hand(first.Gift, member)
	hand(second.Gift, host)
	if len(second.Ask) > 0 {
		third := host.Compare(second.Ask, member.Floor(), false)
		hand(third.Gift, member)
	}
	return given
}

func same(t interface{ Fatalf(string, ...any) }, logs ...*Log) {
	for i, l := range logs {
		var sum Totals
		runs := Vector{}
		for _, e := range l.Entries() {
			sum.Add(e)
			r := runs[e.RunKey()]
			r.Take(e)
			runs[e.RunKey()] = r
		}
		if sum != l.Totals() {
			t.Fatalf("log %d: its sums are not those of its entries", i)
		}
		for key, r := range l.Vector() {
			if want := runs[key]; r.Count != want.Count || r.Sum != want.Sum || r.High < want.High || r.Low > want.Low {
				t.Fatalf("log %d: run %v is %+v, its entries make %+v", i, key, r, want)
			}
		}
		if len(runs) != len(l.Vector()) {
			t.Fatalf("log %d: %d runs, its entries make %d", i, len(l.Vector()), len(runs))
		}
		if !slices.IsSortedFunc(l.Entries(), (*Entry).Compare) {
			t.Fatalf("log %d is out of order", i)
		}
		if l.Totals() != logs[0].Totals() {
			t.Fatalf("log %d: %v, log 0: %v", i, l.Totals(), logs[0].Totals())
		}
	}
}

// Whatever two logs hold, one exchange makes them the same: holes in runs, clones that say different things at one
// number, hosts of both halves that stamp the same message.
func TestOneExchangeMakesTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		logs := []*Log{NewLog(), NewLog(), NewLog()}
		said := map[[2]int]uint64{} // by log and author: twins count each for themselves
		var all []*Entry
		for range rapid.IntRange(1, 40).Draw(t, "n") {
			at, author := rapid.IntRange(0, 2).Draw(t, "log"), rapid.IntRange(0, 1).Draw(t, "author")
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0:
				exchange(logs[at], logs[(at+1)%3])
			case 1: // another stamp, or one that the log did not know, out of its run's order
				if len(all) > 0 {
					e := all[rapid.IntRange(0, len(all)-1).Draw(t, "again")]
					logs[at].Add(e.Stamped(Stamp{HLC: e.Stamp.HLC + uint64(rapid.IntRange(-3, 3).Draw(t, "by")), Host: NodeID{byte(at)}, N: 1}))
				}
			default:
				key := [2]int{at, author}
				said[key]++
				e, err := Sign(testKeys[author], Message{Room: "lobby", Run: 7, Seq: said[key], Kind: Text, Name: "ada", Text: fmt.Sprint(at, said[key])})
				if err != nil {
					t.Fatal(err)
				}
				e, _ = logs[at].Append(e, NodeID{byte(at + 1)})
				all = append(all, e)
			}
		}
		exchange(logs[0], logs[1])
		same(t, logs[0], logs[1])
		exchange(logs[1], logs[2])
		exchange(logs[2], logs[0])
		exchange(logs[0], logs[1])
		same(t, logs...)
		if n := exchange(logs[0], logs[2]); n != 0 {
			t.Fatalf("%d entries went between equal logs", n)
		}
	})
}

// What is a part of the other's is not given back to it: who holds the beginning, the end or the middle of a run gets the
// rest, and nothing goes the other way.
func TestNothingIsGivenTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := NewLog(), NewLog()
		want := 0
		for author := range 4 {
			n, to := rapid.IntRange(0, 9).Draw(t, "n"), []*Log{a, b}
			one, from := rapid.IntRange(0, 1).Draw(t, "one"), rapid.IntRange(0, n).Draw(t, "from")
			until := rapid.IntRange(from, n).Draw(t, "until")
			for seq := range n {
				e, _ := to[one].Append(testEntry(t, author, 7, uint64(seq+1)), NodeID{1})
				if seq >= from && seq < until {
					to[1-one].Add(e)
				} else {
					want++
				}
			}
		}
		if n := exchange(a, b); n != want {
			t.Fatalf("%d entries went, %d were missing", n, want)
		}
		same(t, a, b)
	})
}

// What one has pruned does not return, and keeps nobody from seeing that all else is the same.
func TestExchangeLeavesWhatIsPruned(t *testing.T) {
	small, large := NewLogKeeping(Keep{Messages: 5, Bytes: 1 << 30, For: time.Hour, Runs: 100}), NewLog()
	for seq := range uint64(20) {
		e, _ := large.Append(testEntry(t, int(seq%2), 7, seq/2+1), NodeID{1})
		small.Add(e)
	}
	for range 2 {
		for _, pair := range [][2]*Log{{small, large}, {large, small}} {
			if n := exchange(pair[0], pair[1]); n != 0 {
				t.Errorf("%d entries went", n)
			}
		}
		if n := len(small.Entries()); n != 5 {
			t.Errorf("%d of 5 are left", n)
		}
		for _, e := range large.Entries()[:15] {
			if res := small.Add(e); res != Known {
				t.Errorf("%d came back: %v", e.Msg.Seq, res)
			}
		}
		e, _ := large.Append(testEntry(t, 2, 7, 1), NodeID{1})
		small.Add(e)
	}
}

// More than a gift collects at once is found on a walk: the newest first, each once, all in the end.
func TestLargeGiftComesNewestFirst(t *testing.T) {
	l, peer := NewLog(), NewLog()
	const n = windowMessages/2 + 500
	for i := range n {
		e := &Entry{Author: NodeID{byte(i % 3)}, Msg: Message{Run: 1, Seq: uint64(i/3 + 1)}}
		e.ID = ID{byte(i), byte(i >> 8), 1}
		e, _ = l.Append(e, NodeID{9})
		if i%3 == 2 && i < n/2 {
			peer.Add(e) // the beginning of one run
		}
	}
	g := l.Compare(peer.Vector(), peer.Floor(), true).Gift
	last := l.Entries()[n-1]
	first, more := g.Next(100)
	if len(first) != 100 || !more || first[99] != last {
		t.Fatalf("begins with %d entries", len(first))
	}
	for _, e := range first {
		peer.Add(e)
	}
	for more {
		var got []*Entry
		if got, more = g.Next(64); len(got) == 0 {
			continue
		}
		if got[len(got)-1].Compare(first[0]) >= 0 {
			t.Fatal("an older entry came before a newer one")
		}
		for _, e := range got {
			if peer.AddPast(e) != Added {
				t.Fatal("given twice")
			}
		}
		first = got
	}
	same(t, l, peer)
	if got, _, _, _ := peer.After(peer.End()-1, 1); !got[0].Past {
		t.Error("not marked as what completes the history")
	}
}

func TestDuplicateStampsAreTwoPlaces(t *testing.T) {
	l := NewLog()
	stamp := Stamp{HLC: physical(time.Now()), Host: NodeID{1}, N: 1}
	a, b := testEntry(t, 0, 1, 1).Stamped(stamp), testEntry(t, 1, 1, 1).Stamped(stamp)
	l.Add(a)
	l.Add(b)
	earlier := stamp
	earlier.HLC--
	for _, e := range []*Entry{a, b} {
		l.Add(e.Stamped(earlier))
	}
	if got := l.Entries(); len(got) != 2 || got[0].ID == got[1].ID {
		t.Errorf("%d entries", len(got))
	}
	if l.Vector()[RunKey{IDOf(testKeys[0].Public().(ed25519.PublicKey)), 1}].High != 1 {
		t.Error("the run is gone")
	}
}
