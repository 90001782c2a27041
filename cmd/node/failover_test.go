//go:build linux

package main_test

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"parley.lan/internal/lantest"
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
	took, _, found := tr.agree(tr.since, limit, nil, func() []*record { return tr.live(tr.host) })
	tr.note("fault to survivors joined", goal, took, found)
	tr.report = append(tr.report, "("+course(tr.since, time.Now(), tr.live(tr.host))+")")
	return found
}

// together measures from a moment until all live nodes are in one reign.
func (tr *trial) together(measure string, from time.Time, goal time.Duration) {
	tr.t.Helper()
	took, _, found := tr.agree(from, limit, nil, func() []*record { return tr.live() })
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

// ended: the host's process ends, with or without time to hand over, and is started again.
func (tr *trial) ended(s syscall.Signal, goal time.Duration) {
	tr.fault()
	gone := tr.end(tr.host, s)
	if !tr.survivors(goal, limit) {
		tr.t.Errorf("%s: no host for all survivors after %v: %s", tr.tag, limit, tr.where())
	}
	if code := gone.awaitExit(); s == syscall.SIGTERM && code != 0 {
		tr.t.Errorf("%s: the host left with exit code %d", tr.tag, code)
	}
	tr.start(tr.host)
}

// cable: the host's cable is pulled, and put back after 8 s.
func cable(tr *trial) {
	tr.fault()
	tr.host.host.Cut()
	tr.outage(8*time.Second, tr.survivors(time.Second, 8*time.Second))
	back := time.Now()
	tr.host.host.Plug()
	tr.together("cable back to one reign", back, time.Second)
}

// split: the LAN falls into halves for 10 s; the host is in one of them.
func split(tr *trial) {
	half := append([]*seat{tr.host}, tr.rest[:3]...)
	with, without := hostsOf(half), hostsOf(tr.rest[3:])
	tr.fault()
	tr.lan.Split(with, without)
	took, _, found := tr.agree(tr.since, 10*time.Second, nil, func() []*record { return tr.live(half...) })
	tr.note("split to other half joined", time.Second, took, found)
	took, _, kept := tr.agree(tr.since, 10*time.Second, nil, func() []*record { return tr.live(tr.rest[3:]...) })
	tr.note("split to host's half joined", 0, took, kept)
	tr.outage(10*time.Second, found && kept)
	healed := time.Now()
	tr.lan.Heal()
	tr.together("healed to one reign", healed, time.Second)
}

// freeze: the host's process stands still for 5 s, as a laptop that dozes.
func freeze(tr *trial) {
	frozen := tr.host.now
	frozen.signal(syscall.SIGSTOP)
	tr.fault()
	tr.t.Cleanup(func() { frozen.cmd.Process.Signal(syscall.SIGCONT) }) // or it could not leave
	tr.outage(5*time.Second, tr.survivors(time.Second, 5*time.Second))
	awake := time.Now()
	frozen.signal(syscall.SIGCONT)
	tr.together("awake to one reign", awake, time.Second)
}

// oneWay: for 8 s half of the members are deaf to the host, or the host is deaf to them.
func (tr *trial) oneWay(deaf bool) {
	half := tr.rest[:4]
	from, to := hostsOf([]*seat{tr.host}), hostsOf(half)
	if !deaf {
		from, to = to, from
	}
	tr.fault()
	tr.lan.Block(from, to)
	lasts := 8 * time.Second
	if _, measuring := trials(); !measuring {
		lasts /= 2
	}
	tr.outage(lasts, false)
	tr.look()
	others, _, steady := agreed(tr.since, time.Now(), tr.live(half...))
	tr.note("host's own kept or rejoined", 0, others.Sub(tr.since), steady)
	tr.report = append(tr.report, "("+course(tr.since, time.Now(), tr.live())+")")
	healed := time.Now()
	tr.lan.Unblock()
	tr.together("healed to one reign", healed, time.Second)
}

// takeover: a node with --host comes into the hosted room, and hosts it. It leaves again afterwards.
func takeover(tr *trial) {
	var boss *seat
	if i := slices.IndexFunc(tr.seats, func(s *seat) bool { return s.name == "boss" }); i >= 0 {
		boss = tr.seats[i]
	} else {
		boss = tr.add("boss", "--host")
	}
	tr.fault()
	tr.start(boss)
	tr.together("start of --host to all with it", tr.since, 0)
	tr.look()
	var began time.Time
	for _, s := range boss.now.stays {
		began = s.at
	}
	if boss.now.at(time.Now()).host != boss.name {
		tr.t.Errorf("%s: the node with --host does not host", tr.tag)
	}
	took, _, found := agreed(began, time.Now(), tr.live())
	tr.note("its first reign to all with it", 300*time.Millisecond, took.Sub(began), found)
	tr.heard(tr.tag)
	out := time.Now()
	tr.end(boss, syscall.SIGTERM)
	tr.together("its leaving to all joined", out, 300*time.Millisecond)
}

func hostsOf(seats []*seat) (all []*lantest.Host) {
	for _, s := range seats {
		all = append(all, s.host)
	}
	return all
}
