//go:build linux

package main_test

import (
	"bytes"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// keepsHistory tells whether the program has a history on disk to ask: before it had, the command knew no --since.
func keepsHistory(t *testing.T) bool {
	t.Helper()
	out, err := exec.Command(program, "history", "--help").CombinedOutput()
	if err != nil {
		t.Fatalf("node history --help: %v\n%s", err, out)
	}
	return bytes.Contains(out, []byte("--since"))
}

// histories ends all nodes and compares what each kept: the same messages in the same order everywhere, and all that a
// live node showed or any called safe.
func (c *crowd) histories(tag string) {
	c.t.Helper()
	if !keepsHistory(c.t) {
		c.t.Log("this program keeps no history on disk yet: only what was shown is judged")
		return
	}
	c.look()
	seats := slices.DeleteFunc(slices.Clone(c.seats), func(s *seat) bool { return s.now == nil })
	for _, s := range seats {
		s.now.signal(syscall.SIGTERM)
	}
	kept := make([][]word, len(seats))
	failed := make([]error, len(seats))
	for _, s := range seats {
		s.now.stop()
		s.now.awaitExit()
	}
	var readers sync.WaitGroup
	for i, s := range seats { // side by side: each looks some seconds for a node that hosts the room
		readers.Go(func() { kept[i], failed[i] = c.readHistory(s) })
	}
	readers.Wait()
	by := make(map[string][]word)
	for i, s := range seats {
		if failed[i] != nil {
			c.t.Fatalf("the history of %s: %v", s.name, failed[i])
		}
		by[s.name] = kept[i]
	}
	wrong := compareHistories(c.records(), by, tag)
	c.t.Logf("%d messages in each history; wrong: %d", len(kept[0]), len(wrong))
	for _, line := range wrong[:min(len(wrong), 20)] {
		c.t.Errorf("history: %s", line)
	}
}

func (c *crowd) readHistory(s *seat) ([]word, error) {
	cmd := s.host.Command(c.t.Context(), program, "history", "--json", "--state-dir", s.dir, "--limit", "100000")
	cmd.Env = environment(s.dir)
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	var f feed
	f.init()
	f.read(bytes.NewReader(out))
	if bad := f.malformed(); len(bad) > 0 {
		return nil, fmt.Errorf("no event: %s", bad[0])
	}
	r := newRecord(s.name)
	events, _, _ := f.snapshot()
	r.take(events)
	return r.shown, nil
}

// compareHistories says what is wrong with what nodes kept, of the texts that begin with tag.
func compareHistories(runs []*record, kept map[string][]word, tag string) (wrong []string) {
	must := make(map[string]string) // and why
	for _, r := range runs {
		for _, w := range r.shown {
			if !r.ended && strings.HasPrefix(w.text, tag) {
				must[w.text] = r.who + " showed"
			}
		}
		for id := range r.safe {
			if text := r.texts[id]; strings.HasPrefix(text, tag) {
				must[text] = r.who + " called safe"
			}
		}
	}
	texts := make(map[string][]string)
	for who, words := range kept {
		has := make(map[string]bool)
		for _, w := range words {
			if !strings.HasPrefix(w.text, tag) {
				continue
			}
			if has[w.text] {
				wrong = append(wrong, fmt.Sprintf("%s keeps %q twice", who, w.text))
			}
			has[w.text] = true
			texts[who] = append(texts[who], w.text)
		}
		for _, text := range slices.Sorted(maps.Keys(must)) {
			if !has[text] {
				wrong = append(wrong, fmt.Sprintf("%s does not keep %q, which %s", who, text, must[text]))
			}
		}
	}
	all := slices.Sorted(maps.Keys(kept))
	for _, who := range all[1:] {
		a, b := texts[all[0]], texts[who]
		if slices.Equal(a, b) {
			continue
		}
		i := 0
		for i < min(len(a), len(b)) && a[i] == b[i] {
			i++
		}
		wrong = append(wrong, fmt.Sprintf("%s keeps %d messages and %s %d, and they differ from number %d on", all[0], len(a), who, len(b), i))
	}
	return wrong
}

// TestCompareHistories tries the comparison on made-up ones.
func TestCompareHistories(t *testing.T) {
	words := func(texts ...string) (all []word) {
		for _, text := range texts {
			all = append(all, word{text: text, at: time.Unix(1, 0)})
		}
		return all
	}
	ada, bob := made("ada", nil, nil, "t 1", "t 2", "u 9"), made("bob", nil, nil, "t 2", "t 1")
	gone := called(killed(made("carl", []string{"t 1", "t 3"}, nil, "t 5")), "t 1")
	if got := compareHistories([]*record{gone}, map[string][]word{"dora": nil}, "t "); len(got) != 1 {
		t.Errorf("what a node called safe before it was killed, and nothing else of it, must be kept: %q", got)
	}
	for _, c := range []struct {
		name     string
		ada, bob []word
		want     int
	}{
		{"the same", words("t 1", "t 2", "u 5"), words("t 1", "t 2"), 0},
		{"another order", words("t 1", "t 2"), words("t 2", "t 1"), 1},
		{"one lacks what both showed", words("t 1", "t 2"), words("t 1"), 2},
		{"twice", words("t 1", "t 2", "t 2"), words("t 1", "t 2", "t 2"), 2},
		{"both lack what both showed", words("t 1"), words("t 1"), 2},
		{"empty", nil, nil, 4},
	} {
		got := compareHistories([]*record{ada, bob, gone}, map[string][]word{"ada": c.ada, "bob": c.bob}, "t ")
		if len(got) != c.want {
			t.Errorf("%s: %d things wrong, want %d: %q", c.name, len(got), c.want, got)
		}
	}
}
