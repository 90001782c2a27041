package room

import (
	"crypto/ed25519"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Clones of one author say different things at one place of a run, and hosts of both halves stamp the same
// message: after two exchanges all logs are the same. The first may tell one side only that there is a fork.
func TestForksAndStampsConverge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		logs := []*Log{NewLog(), NewLog(), NewLog()}
		said := map[[2]int]uint64{} // by log and author: twins count each for themselves
		var all []*Entry
		for range rapid.IntRange(1, 40).Draw(t, "n") {
			at, author := rapid.IntRange(0, 2).Draw(t, "log"), rapid.IntRange(0, 1).Draw(t, "author")
			switch rapid.IntRange(0, 5).Draw(t, "what") {
			case 0:
				exchange(logs[at], logs[(at+1)%3])
			case 1: // said again to another host, after an exchange as always
				if len(all) > 0 {
					e := all[rapid.IntRange(0, len(all)-1).Draw(t, "again")]
					if logs[at].Vector()[e.RunKey()].High >= e.Msg.Seq-1 {
						logs[at].Append(e, NodeID{byte(at + 1)})
					}
				}
			default:
				key := [2]int{at, author}
				said[key]++
				e, err := Sign(testKeys[author], Message{Room: "lobby", Run: 7, Seq: said[key], Kind: Text, Name: "ada", Text: fmt.Sprint(at, said[key])})
				if err != nil {
					t.Fatal(err)
				}
				logs[at].Append(e, NodeID{byte(at + 1)})
				all = append(all, e)
			}
		}
		for range 2 {
			exchange(logs[0], logs[1])
			exchange(logs[1], logs[2])
			exchange(logs[2], logs[0])
		}
		for i, l := range logs[1:] {
			if l.Totals() != logs[0].Totals() {
				t.Fatalf("log %d: %v, log 0: %v", i+1, l.Totals(), logs[0].Totals())
			}
		}
		for i, l := range logs {
			var sum Totals
			for _, e := range l.Entries() {
				sum.Add(e)
			}
			if sum != l.Totals() {
				t.Fatalf("log %d: its sums are not those of its entries", i)
			}
			if !slices.IsSortedFunc(l.Entries(), (*Entry).Compare) {
				t.Fatalf("log %d is out of order", i)
			}
		}
	})
}

// A host whose clock is days ahead orders what it hears after what is said later elsewhere; a run still comes by
// its numbers, or nobody could take it.
func TestMissingKeepsRunsInOrderUnderWrongClocks(t *testing.T) {
	l := NewLog()
	now := physical(time.Now())
	for seq, hlc := range []uint64{now + 72*3600_000<<16, now, now + 1} {
		l.Add(testEntry(t, 0, 1, uint64(seq+1)).Stamped(Stamp{HLC: hlc, Host: NodeID{1}, N: uint64(seq)}))
	}
	fresh := NewLog()
	got, _ := l.Missing(Vector{}, 100)
	for _, e := range got {
		if res := fresh.Add(e); res != Added {
			t.Errorf("number %d: %v", e.Msg.Seq, res)
		}
	}
	if fresh.Totals() != l.Totals() {
		t.Error("the logs differ")
	}
}

// A host that lives in 1970 still has its words shown, and they don't empty a log.
func TestClockIn1970EmptiesNoLog(t *testing.T) {
	l := NewLog()
	for seq := range uint64(5) {
		l.Add(testEntry(t, 0, 1, seq+1).Stamped(Stamp{HLC: 1000 + seq, Host: NodeID{1}, N: seq}))
	}
	if n := len(l.Entries()); n != 5 {
		t.Errorf("%d of 5 are left", n)
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
