package history

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"parley.lan/room"
)

// big fills a folder with n messages of 40 runs, unsigned: nobody checks that on one's own disk.
func big(t testing.TB, dir string, n int) {
	t.Helper()
	enc, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		t.Fatal(err)
	}
	s, err := open(t.Context(), dir, "lobby", everything, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var authors []*author
	for i := range 40 {
		authors = append(authors, newAuthor(t, byte(i), uint64(i)))
	}
	start := room.Reading(time.Now().Add(-time.Duration(n) * time.Second))
	var group []*room.Entry
	for i := range n {
		a := authors[i%len(authors)]
		a.seq++
		body, err := enc.Marshal(room.Message{
			Domain: "parley/1 message", Room: "lobby", Author: a.key[32:], Run: a.run, Seq: a.seq, Kind: room.Text, Name: "ada",
			Text: fmt.Sprintf("message %d: %s", i, []string{"lunch at noon?", "the build is green again", "wer kommt mit zum Kaffee", "ok"}[i%4]),
		})
		if err != nil {
			t.Fatal(err)
		}
		e, err := room.RestoreEntry("lobby", body, make([]byte, 64), room.Stamp{HLC: start + uint64(i)*1000<<16, Host: a.host, N: uint64(i)})
		if err != nil {
			t.Fatal(err)
		}
		if group = append(group, e); len(group) == 5000 || i == n-1 {
			if err := s.save(t.Context(), group); err != nil {
				t.Fatal(err)
			}
			group = group[:0]
		}
	}
}

var everything = room.Keep{Messages: 1 << 30, Bytes: 1 << 50, For: 1 << 60, Runs: 1 << 20}

// figures measures one opening of a folder and what follows.
func figures(t testing.TB, dir string) map[string]time.Duration {
	t.Helper()
	ctx := context.Background()
	took := map[string]time.Duration{}
	measure := func(what string, f func()) {
		start := time.Now()
		f()
		took[what] = time.Since(start)
	}
	log := room.NewLogKeeping(everything)
	var k *Keeper
	var troubles []Trouble
	measure("open", func() {
		k, _, troubles = Open(ctx, Config{Dir: dir, Room: "lobby", Keep: everything, Log: log, Outbox: room.NewOutbox()})
	})
	if len(troubles) > 0 {
		t.Fatal(troubles)
	}
	defer k.close()
	same := log.Vector()
	measure("nothing missing", func() {
		log.Digest()
		if got, more := log.Compare(same, 0, true).Gift.Next(10_000); len(got) != 0 || more {
			t.Errorf("%d missing", len(got))
		}
	})
	measure("newcomer", func() {
		if got, _ := log.Compare(room.Vector{}, 0, true).Gift.Next(10_000); len(got) != min(10_000, log.Totals().Count) {
			t.Errorf("%d for a newcomer", len(got))
		}
	})
	oldest := log.Entries()[0]
	measure("page", func() {
		if got := log.Before(oldest, 100); len(got) != 100 {
			t.Errorf("a page of %d", len(got))
		}
	})
	far := k.store.some(k.store.read.Query("SELECT "+columns+" FROM messages m WHERE m.room = ? ORDER BY m.stamp LIMIT 1 OFFSET 1000", k.store.room))
	measure("page far back", func() {
		if got := log.Before(far[0], 100); len(got) != 100 {
			t.Errorf("a page of %d", len(got))
		}
	})
	measure("search", func() {
		got, err := Read(ctx, dir, "lobby", Query{Words: "kaffee 1003", Limit: 100})
		if err != nil || len(got) == 0 {
			t.Errorf("found %d, %v", len(got), err)
		}
	})
	return took
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// What a large history costs in memory, and that it is all there; BenchmarkMillion tells how fast it is.
func TestFiftyThousand(t *testing.T) {
	dir := t.TempDir()
	start := time.Now()
	big(t, dir, 50_000)
	built, before := time.Since(start), heap()
	t.Logf("built in %v, %v", built, figures(t, dir))
	d := sit(t, dir, everything)
	if grown := int64(heap()) - int64(before); grown > 64<<20 || len(d.log.Entries()) > 22_500 {
		t.Errorf("%d MB and %d entries in memory", grown>>20, len(d.log.Entries()))
	} else {
		t.Logf("%.1f MB for %d entries in memory", float64(grown)/(1<<20), len(d.log.Entries()))
	}
}

// BenchmarkMillion builds a million messages once, unless PARLEY_BENCH_HISTORY names a folder that holds them.
func BenchmarkMillion(b *testing.B) {
	dir := os.Getenv("PARLEY_BENCH_HISTORY")
	if dir == "" {
		dir = b.TempDir()
	}
	if _, err := os.Stat(path(dir)); err != nil {
		start := time.Now()
		big(b, dir, 1_000_000)
		info, _ := os.Stat(path(dir))
		b.Logf("built in %v, %d MB", time.Since(start), info.Size()>>20)
	}
	before := heap()
	sums := map[string]time.Duration{}
	n := 0
	for b.Loop() {
		n++
		for what, d := range figures(b, dir) {
			sums[what] += d
		}
	}
	for what, d := range sums {
		b.ReportMetric(float64(d.Microseconds())/1000/float64(n), strings.ReplaceAll(what, " ", "-")+"-ms")
	}
	log := room.NewLogKeeping(everything)
	k, _, _ := Open(context.Background(), Config{Dir: dir, Room: "lobby", Keep: everything, Log: log, Outbox: room.NewOutbox()})
	b.ReportMetric(float64(heap()-before)/(1<<20), "heap-MB")
	b.ReportMetric(float64(log.Totals().Count), "messages")
	k.close()
}
