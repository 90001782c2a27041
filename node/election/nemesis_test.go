package election

import (
	"testing"
	"time"

	"parley.lan/room"
)

// nemesis is everything at once, then peace: I1, I4 and I6 must come back within 15 s, or, with forced nodes, once
// none is damped any more.
func nemesis(seed uint64, mutant string) {
	l := newLAN(3+int(seed%6), seed)
	l.mutant = mutant
	if seed%2 == 1 {
		l.low, l.high = time.Millisecond, 20*time.Millisecond
	}
	if seed%3 > 0 {
		l.loss = l.rand.Float64() / 4
	}
	for _, n := range l.nodes {
		n.wifi = seed%4 == 3
	}
	l.startAll(3*time.Second, 0)
	anyForced := false
	for range 12 {
		for range l.rand.IntN(4) {
			l.run(l.between(0, time.Second))
			l.nodes[l.rand.IntN(len(l.nodes))].say()
		}
		n := l.nodes[l.rand.IntN(len(l.nodes))]
		l.calm = l.now
		switch l.rand.IntN(12) {
		case 0, 1:
			n.crash()
		case 2:
			n.power()
		case 3, 4:
			if n.m == nil {
				f := l.rand.IntN(6) == 0
				anyForced = anyForced || f
				n.start(f)
			}
		case 5:
			n.paused = n.m != nil
			life := n.life
			l.after(l.between(100*time.Millisecond, 8*time.Second), func() {
				l.calm = l.now
				if n.life == life {
					n.resume()
				}
			})
		case 6:
			n.off = n.m != nil || n.off
			l.after(l.between(100*time.Millisecond, 8*time.Second), func() { n.off, l.calm = false, l.now })
		case 7:
			cut := l.rand.IntN(1 << len(l.nodes))
			l.split(func(i int) int { return cut >> i & 1 })
		case 8, 9: // one way, and not transitive
			for range 1 + l.rand.IntN(4) {
				l.cut[[2]int{n.index, l.rand.IntN(len(l.nodes))}] = true
			}
		case 10:
			clear(l.cut)
		case 11:
			if !n.paused {
				n.step(Stop{})
			}
		}
	}
	clear(l.cut)
	l.loss = 0
	for _, n := range l.nodes {
		n.off = false
		n.resume()
		switch {
		case n.m == nil:
			n.start(false)
		case n.m.State() == Stopped || n.m.leaving != 0:
			n.crash()
			n.start(false)
		}
	}
	l.run(15 * time.Second)
	if anyForced {
		l.run(dampTime)
	}
	l.settled()
}

func TestNemesis(t *testing.T) {
	seeds(t, howMany(2000), func(seed uint64) { nemesis(seed, "") })
}

// mutate is what makes a mutant of the machine itself: the moment before a step it is told a lie, or forgets.
func mutate(l *lan, m *Machine) {
	switch l.mutant {
	case "no merge":
		if m.state == Host {
			m.serve.lock = m.now + time.Minute
		}
	case "no successor slots":
		if m.state == Orphan {
			m.search.until, m.search.asked = m.now, m.now
		}
	case "claims although a peer hears the host":
		m.query = 0
	case "deaf to silence":
		m.link.silent = false
	case "forgets its reign":
		if m.state == Looking {
			m.reign = room.Reign{}
		}
	case "forced is forgotten":
		m.cfg.Forced = false
	}
}

// The simulation must notice what would be wrong, in the machine, in its driver or on the LAN.
func TestMutantsAreCaught(t *testing.T) {
	if raceEnabled {
		t.Skip("slow, and nothing new for the race detector")
	}
	for _, mutant := range mutants {
		caught := uint64(0)
		for seed := uint64(1); seed < 200 && caught == 0; seed++ {
			for _, scenario := range []func(uint64, string){nemesis, worstPath, quietSplit, steps} {
				if breaks(func() { scenario(seed, mutant) }) != "" {
					caught = seed
					break
				}
			}
		}
		t.Logf("%s: seed %d", mutant, caught)
		if caught == 0 {
			t.Errorf("%s: nothing broke", mutant)
		}
	}
}

var mutants = []string{
	// The LAN and the drivers.
	"no fence", "hosts are deaf", "forgets epochs", "raises in silence", "no exchange", "nobody asks",
	"PONG without membership", "nobody is sent on",
	// The machine.
	"no merge", "no successor slots", "claims although a peer hears the host", "deaf to silence",
	"forgets its reign", "forced is forgotten",
}

// worstPath is one member that can't reach the host, while the others can: I7.
func worstPath(seed uint64, mutant string) {
	l := newLAN(6, seed)
	l.mutant = mutant
	l.startAll(time.Second, 0)
	l.run(5 * time.Second)
	host, served := l.settled(), l.served
	n := l.nodes[int(seed)%6]
	if n == host {
		return
	}
	from, to := n, host
	if seed/6%2 == 0 {
		from, to = to, from
	}
	l.cut[[2]int{from.index, to.index}] = true
	l.run(30 * time.Second)
	clear(l.cut)
	l.run(15 * time.Second)
	if l.settled() != host || l.served != served {
		l.fail("I7: a change of host because of one bad path")
	}
}

// quietSplit is two halves, each with its host, that meet again: I9.
func quietSplit(seed uint64, mutant string) {
	l := newLAN(6, seed)
	l.mutant = mutant
	l.startAll(time.Second, 0)
	l.run(5 * time.Second)
	l.settled()
	l.split(func(i int) int { return i % 2 })
	l.run(5 * time.Second)
	clear(l.cut)
	l.run(5 * time.Second)
	l.settled()
}

// steps is I10, coarsely: a crash, a power cut and a hand-over each cost one claim, and little time.
func steps(seed uint64, mutant string) {
	l := newLAN(8, seed)
	l.mutant = mutant
	l.startAll(time.Second, 0)
	l.run(5 * time.Second)
	for i, limit := range []time.Duration{300 * time.Millisecond, time.Second, 50 * time.Millisecond} {
		host, served, began := l.settled(), l.served, l.now
		switch i {
		case 0:
			host.crash()
		case 1:
			host.power()
		case 2:
			host.step(Stop{})
		}
		if !l.until(l.now+limit, func() bool { return l.apart(host) }) {
			l.fail("I10: no new host within %v", limit)
		}
		if l.served != served+1 {
			l.fail("I10: %d claims at %v", l.served-served, began)
		}
		l.run(2 * time.Second)
		host.power()
	}
}

// apart tells whether all but one follow one host.
func (l *lan) apart(gone *node) bool {
	var h *node
	for _, n := range l.live() {
		if n == gone {
			continue
		}
		if h == nil {
			if h = l.hostOf(n); h == nil || h == gone {
				return false
			}
		}
		if !l.follows(n, h) {
			return false
		}
	}
	return h != nil
}

// The scenarios that find mutants find nothing where there is none.
func TestScenariosHold(t *testing.T) {
	seeds(t, howMany(100), func(seed uint64) {
		worstPath(seed, "")
		quietSplit(seed, "")
		steps(seed, "")
	})
}
