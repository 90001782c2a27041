//go:build linux

package main_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// PARLEY_TRIALS=20 turns the failover tests from a check into a measurement: that many trials of each scenario, and the
// table at the end. PARLEY_SEED repeats the random choices of an earlier run.
func trials() (n int, measuring bool) {
	n, err := strconv.Atoi(os.Getenv("PARLEY_TRIALS"))
	return max(n, 1), err == nil
}

func seed(t *testing.T) uint64 {
	n, err := strconv.ParseUint(os.Getenv("PARLEY_SEED"), 10, 64)
	if err != nil {
		n = uint64(time.Now().UnixNano()) % 1_000_000
	}
	t.Logf("PARLEY_SEED=%d", n)
	return n
}

// table is what the trials measured: rows of times, and what each scenario's nodes showed wrongly.
type table struct {
	mu   sync.Mutex
	rows []*row
}

// row is one measure of one scenario.
type row struct {
	scenario, measure string
	goal              time.Duration // 0: there is none
	took              []time.Duration
	never             int // trials in which it did not happen in time

	counted                                 bool // the scenario's first row: has what follows
	trials                                  int
	lost, twice, disorder, waiting, strange int
	died, moved                             int
}

// the one table of this process, printed when all scenarios are done.
var figures table

func (f *table) row(scenario, measure string, goal time.Duration) *row {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.rows {
		if r.scenario == scenario && r.measure == measure {
			return r
		}
	}
	r := &row{scenario: scenario, measure: measure, goal: goal}
	at := len(f.rows)
	for i, o := range f.rows {
		if o.scenario == scenario {
			at = i + 1
		}
	}
	r.counted = at == 0 || f.rows[at-1].scenario != scenario
	f.rows = slices.Insert(f.rows, at, r)
	return r
}

func (r *row) add(took time.Duration, found bool) {
	if found {
		r.took = append(r.took, took)
	} else {
		r.never++
	}
}

// count adds what a verdict found.
func (r *row) count(v verdict) {
	r.trials++
	r.lost += len(v.lost)
	r.twice += len(v.twice)
	r.disorder += len(v.disorder)
	r.waiting += len(v.waiting)
	r.strange += len(v.strange)
	r.died += len(v.died)
	r.moved += len(v.moved)
}

// percentile is the nearest rank: the smallest value that p percent of all don't exceed.
func percentile(all []time.Duration, p int) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[max(0, (len(sorted)*p+99)/100-1)]
}

func (r *row) met() bool {
	return r.goal == 0 || r.never == 0 && percentile(r.took, 99) <= r.goal
}

func (f *table) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	short := func(d time.Duration) string { return d.Round(time.Millisecond).String() }
	var b strings.Builder
	fmt.Fprintf(&b, "%-14s %-34s %4s %5s %8s %8s %8s %8s %-6s | %5s %5s %8s %7s %7s | %5s %5s\n", "scenario", "time from … to …", "n", "never",
		"p50", "p99", "worst", "goal", "met", "lost", "twice", "disorder", "waiting", "strange", "died", "moved")
	for _, r := range f.rows {
		goal, met, p50, p99, worst := "", "", "-", "-", "-"
		if r.goal > 0 {
			goal, met = short(r.goal), "yes"
			if !r.met() {
				met = "NO"
			}
		}
		if len(r.took) > 0 {
			p50, p99, worst = short(percentile(r.took, 50)), short(percentile(r.took, 99)), short(slices.Max(r.took))
		}
		name := ""
		if r.counted {
			name = r.scenario
		}
		fmt.Fprintf(&b, "%-14s %-34s %4d %5d %8s %8s %8s %8s %-6s |", name, r.measure, len(r.took), r.never, p50, p99, worst, goal, met)
		if r.trials > 0 {
			fmt.Fprintf(&b, " %5d %5d %8d %7d %7d | %5d %5d", r.lost, r.twice, r.disorder, r.waiting, r.strange, r.died, r.moved)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// save writes the table where PARLEY_TABLE says, for make to show it last.
func (f *table) save(t *testing.T) {
	t.Logf("\n%v", f)
	if path := os.Getenv("PARLEY_TABLE"); path != "" {
		if err := os.WriteFile(path, []byte(f.String()), 0o644); err != nil {
			t.Error(err)
		}
	}
}

func TestTable(t *testing.T) {
	var f table
	var all []time.Duration
	for i := range 20 {
		all = append(all, time.Duration(20-i)*time.Millisecond)
	}
	for p, want := range map[int]time.Duration{50: 10, 99: 20, 1: 1, 100: 20} {
		if got := percentile(all, p); got != want*time.Millisecond {
			t.Errorf("percentile %d of 1 to 20 ms is %v", p, got)
		}
	}
	r := f.row("kill", "kill to joined", 15*time.Millisecond)
	f.row("pull", "pull to joined", 0)
	for _, d := range all {
		r.add(d, true)
	}
	if f.row("kill", "kill to joined", 0) != r || r.met() {
		t.Error("a worst of 20 ms meets a goal of 15 ms")
	}
	r.goal = 20 * time.Millisecond
	if !r.met() {
		t.Error("a worst of 20 ms misses a goal of 20 ms")
	}
	r.add(0, false)
	if r.met() {
		t.Error("a goal is met although it was never reached once")
	}
	r.count(verdict{lost: []string{"a", "b"}, died: []string{"c"}})
	f.row("kill", "another", 0)
	lines := strings.Split(strings.TrimSpace(f.String()), "\n")
	if len(lines) != 4 || !strings.Contains(lines[1], " NO ") || !strings.HasSuffix(lines[1], "2     0        0       0       0 |     1     0") ||
		!strings.HasPrefix(lines[2], " ") || !strings.HasPrefix(lines[3], "pull") {
		t.Errorf("the table:\n%v", &f)
	}
}
