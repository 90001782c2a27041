package history

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parley.lan/room"
)

// A log on disk, with next to nothing in memory and reopened now and then, is the same as one in memory, in what
// it holds and in what it gives away and takes on joining.
func TestStoredLogEqualsOneInMemory(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		open := func() (*room.Log, *Keeper) {
			log := room.NewLog()
			log.SetWindow(4, 1<<20)
			k, _, troubles := Open(t.Context(), Config{Dir: dir, Room: "lobby", Log: log, Outbox: room.NewOutbox()})
			if len(troubles) > 0 {
				rt.Fatal(troubles)
			}
			return log, k
		}
		stored, keeper := open()
		defer func() { keeper.close() }()
		memory, other := room.NewLog(), room.NewLog()
		authors := []*author{newAuthor(t, 1, 7), newAuthor(t, 2, 8), newAuthor(t, 3, 9)}
		var all []*room.Entry
		flush := func() {
			if err := keeper.flush(t.Context()); err != nil {
				rt.Fatal(err)
			}
		}
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			switch rapid.IntRange(0, 12).Draw(rt, "what") {
			case 0:
				flush()
			case 1:
				if rapid.IntRange(0, 2).Draw(rt, "reopen") > 0 {
					break // opening is slow
				}
				flush()
				keeper.close()
				stored, keeper = open()
			case 2: // a smaller stamp for something old
				if len(all) > 0 {
					e := all[rapid.IntRange(0, len(all)-1).Draw(rt, "old")]
					e = e.Stamped(room.Stamp{HLC: e.Stamp.HLC - uint64(rapid.IntRange(0, 99).Draw(rt, "by")), Host: room.NodeID{9}, N: 1})
					if a, b := memory.Add(e), stored.Add(e); a != b {
						rt.Fatalf("restamp: %v in memory, %v on disk", a, b)
					}
				}
			case 3: // another one at an old place
				if len(all) > 0 {
					old := all[rapid.IntRange(0, len(all)-1).Draw(rt, "place")]
					twin := *authors[0]
					twin.run, twin.seq = old.Msg.Run, old.Msg.Seq
					for _, a := range authors {
						if a.run == old.Msg.Run {
							twin.key = a.key
						}
					}
					e := twin.sign(room.Message{Kind: room.Text, Text: fmt.Sprint("twin ", len(all))}).Stamped(room.Stamp{HLC: old.Stamp.HLC, Host: room.NodeID{8}, N: uint64(len(all))})
					if a, b := memory.Add(e), stored.Add(e); a != b {
						rt.Fatalf("fork: %v in memory, %v on disk", a, b)
					}
				}
			case 4: // known already
				if len(all) > 0 {
					e := all[rapid.IntRange(0, len(all)-1).Draw(rt, "again")]
					if a, b := memory.Add(e), stored.Add(e); a != b {
						rt.Fatalf("again: %v in memory, %v on disk", a, b)
					}
				}
			case 5:
				exchange(memory, other)
			default:
				a := authors[rapid.IntRange(0, 2).Draw(rt, "author")]
				e, res := memory.Append(a.message(fmt.Sprint(len(all))), a.host)
				if b := stored.Add(e); res != b {
					rt.Fatalf("append: %v in memory, %v on disk", res, b)
				}
				all = append(all, e)
			}
			if memory.Totals() != stored.Totals() {
				rt.Fatalf("sums: %v in memory, %v on disk", memory.Totals(), stored.Totals())
			}
		}
		page := func(l *room.Log) (ids []room.ID) {
			for e := (*room.Entry)(nil); ; {
				got := l.Before(e, 3)
				if len(got) == 0 {
					return ids
				}
				for _, e := range got {
					ids = append(ids, e.ID)
				}
				e = got[len(got)-1]
			}
		}
		if a, b := page(memory), page(stored); !slices.Equal(a, b) {
			rt.Fatalf("%d in memory, %d on disk, or another order", len(a), len(b))
		}
		for _, vector := range []room.Vector{{}, other.Vector(), memory.Vector()} {
			size := rapid.IntRange(1, 20).Draw(rt, "size")
			floor := room.Reading(time.Now()) * uint64(rapid.IntRange(0, 1).Draw(rt, "floor"))
			for _, opening := range []bool{true, false} {
				a, b := memory.Compare(vector, floor, opening), stored.Compare(vector, floor, opening)
				if !maps.Equal(a.Ask, b.Ask) {
					rt.Fatalf("asked: %v in memory, %v on disk", a.Ask, b.Ask)
				}
				x, y := handed(a.Gift, size), handed(b.Gift, size)
				if !slices.EqualFunc(x, y, func(x, y *room.Entry) bool { return x.ID == y.ID && x.Stamp == y.Stamp }) {
					rt.Fatalf("given: %d in memory, %d on disk, or another order", len(x), len(y))
				}
			}
		}
	})
}

// handed is all that a gift hands out, newest first.
func handed(g *room.Gift, size int) (all []*room.Entry) {
	for more, got := true, []*room.Entry(nil); more; {
		got, more = g.Next(size)
		slices.Reverse(got)
		all = append(all, got...)
	}
	return all
}
