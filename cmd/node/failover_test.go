//go:build linux

package main_test

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A scenario is one kind of fault at the host of eight nodes that all talk. Each trial begins and ends with all of them
// in one room.
type scenario struct {
	name  string
	trial func(*trial)
}

var scenarios = []scenario{
	{"kill", func(tr *trial) { tr.ended(syscall.SIGKILL, 300*time.Millisecond) }},
	{"leave", func(tr *trial) { tr.ended(syscall.SIGTERM, 300*time.Millisecond) }},
	{"cable", cable},
	{"split", split},
	{"freeze", freeze},
	{"deaf", func(tr *trial) { tr.oneWay(true) }},
	{"unheard", func(tr *trial) { tr.oneWay(false) }},
	{"takeover", takeover},
}

// limit is how long anything may take before a trial counts as failed. The goals are far below; they are printed with
// what was measured, not asserted, for a test's machine may be slow.
const limit = 10 * time.Second

// TestFailover plays each scenario and asserts what must hold however long it takes: nothing lost, nothing shown twice,
// one order, in the end one host with all.
func TestFailover(t *testing.T) {
	n, measuring := trials()
	first := seed(t)
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			c := newCrowd(t, first, names(8)...)
			for i := range n {
				tr := &trial{crowd: c, scenario: s.name, tag: fmt.Sprintf("%s%02d", s.name, i)}
				tr.play(s.trial)
				if t.Failed() && !measuring {
					break // the first failure is the one to look at
				}
			}
			if v := judge(c.records(), s.name); !v.ok() && !t.Failed() {
				t.Errorf("after all trials: %v", v)
			}
			if measuring {
				c.histories(s.name)
			}
		})
	}
	figures.save(t)
}

// trial is one fault and what came of it.
type trial struct {
	*crowd
	scenario, tag string
	host          *seat // at the beginning
	since         time.Time
	rest          []*seat // without the host at the beginning
	report        []string
}

func (tr *trial) play(do func(*trial)) {
	tr.t.Helper()
	begin := time.Now()
	_, tr.host = tr.whole("one room before the fault", begin, patience)
	tr.rest = slices.DeleteFunc(slices.Clone(tr.seats), func(s *seat) bool { return s == tr.host })
	tr.speak(tr.tag)
	tr.heard(tr.tag)
	time.Sleep(time.Duration(tr.rand.Int64N(int64(tr.pause)))) // anywhere between two words
	do(tr)
	tr.whole("one room after all is mended", time.Now(), patience)
	tr.heard(tr.tag)
	v := tr.quiet(tr.tag, limit)
	tr.row("longest wait of a word", 0).add(longestWait(tr.since, time.Now(), tr.live(tr.host)), true)
	tr.firstRow().count(v)
	tr.t.Logf("%s: %s; took %v; died %d, moved %d", tr.tag, strings.Join(tr.report, " "), time.Since(begin).Round(time.Millisecond), len(v.died), len(v.moved))
	if !v.ok() {
		tr.t.Errorf("%s: %v", tr.tag, v)
	}
}

func (tr *trial) row(measure string, goal time.Duration) *row {
	return figures.row(tr.scenario, measure, goal)
}

func (tr *trial) firstRow() *row {
	for _, r := range figures.rows {
		if r.scenario == tr.scenario && r.counted {
			return r
		}
	}
	panic("the scenario has measured nothing")
}

// fault marks the moment that times count from.
func (tr *trial) fault() time.Time {
	tr.since = time.Now()
	return tr.since
}

// note files a measure.
func (tr *trial) note(measure string, goal, took time.Duration, found bool) {
	tr.row(measure, goal).add(took, found)
	s := fmt.Sprintf("%s %v", measure, took.Round(time.Millisecond))
	if !found {
		s = measure + " never"
	}
	tr.report = append(tr.report, s)
}

// survivors measures until those that are not the host at the beginning agree on one of them.
func (tr *trial) survivors(goal, limit time.Duration) bool {
	took, _, found := tr.agree(tr.since, limit, func() []*record { return tr.live(tr.host) })
	tr.note("fault to survivors joined", goal, took, found)
	tr.report = append(tr.report, "("+course(tr.since, time.Now(), tr.live(tr.host))+")")
	return found
}

// together measures from a moment until all live nodes are in one reign.
func (tr *trial) together(measure string, from time.Time, goal time.Duration) {
	tr.t.Helper()
	took, _, found := tr.agree(from, limit, func() []*record { return tr.live() })
	tr.note(measure, goal, took, found)
	tr.report = append(tr.report, "("+course(from, time.Now(), tr.live())+")")
	if !found {
		tr.t.Errorf("%s: %s: not in one reign %v later: %s", tr.tag, measure, limit, tr.where())
	}
}

// outage lets a fault last until d after its beginning. In the short form it ends early, a second after what was to
// happen did.
func (tr *trial) outage(d time.Duration, happened bool) {
	rest := d - time.Since(tr.since)
	if _, measuring := trials(); !measuring && happened {
		rest = min(rest, time.Second)
	}
	time.Sleep(max(0, rest))
}
