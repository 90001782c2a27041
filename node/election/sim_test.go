package election

import (
	"testing"
	"time"
)

// seeds runs a scenario many times; a failure names the seed.
func seeds(t *testing.T, n int, scenario func(seed uint64)) {
	t.Helper()
	for seed := range uint64(n) {
		if why := breaks(func() { scenario(seed) }); why != "" {
			t.Fatal(why)
		}
	}
}

// breaks runs a scenario and tells what it broke.
func breaks(scenario func()) (why broken) {
	defer func() {
		if r := recover(); r != nil {
			var ok bool
			if why, ok = r.(broken); !ok {
				panic(r)
			}
		}
	}()
	scenario()
	return ""
}

// settled is I1 and I6: on each side of a cut, one host that everybody follows, forced if anybody is.
func (l *lan) settled() *node {
	var any *node
	hosts := map[int]*node{}
	forced := map[int]bool{}
	for _, n := range l.nodes {
		if n.m == nil {
			continue
		}
		side := l.side[n.index]
		forced[side] = forced[side] || n.forced
		if n.m.State() == Host {
			if other := hosts[side]; other != nil {
				l.fail("I1: two hosts, %d and %d", other.index, n.index)
			}
			hosts[side], any = n, n
		}
	}
	for _, n := range l.nodes {
		host := hosts[l.side[n.index]]
		switch {
		case n.m == nil || n == host:
		case host == nil:
			l.fail("I1: no host")
		case n.m.State() != Member || n.conn == nil || n.conn.closed || n.conn.host != host:
			l.fail("I1: node %d is %v and doesn't follow %d", n.index, n.m.State(), host.index)
		case n.m.Reign() != host.m.Reign():
			l.fail("I1: node %d follows epoch %d, its host leads %d", n.index, n.m.Reign().Epoch, host.m.Reign().Epoch)
		}
	}
	for side, host := range hosts {
		if forced[side] && !host.forced {
			l.fail("I6: a node was told to host, and %d hosts", host.index)
		}
	}
	return any
}

func (l *lan) startAll(within time.Duration) {
	for _, n := range l.nodes {
		l.after(l.between(0, within), func() { n.start(false) })
	}
}

func TestStartTogether(t *testing.T) {
	for _, c := range []struct{ n, runs int }{{1, 5}, {2, 40}, {3, 30}, {5, 20}, {8, 10}, {20, 2}, {50, 1}} {
		n, double := c.n, 0
		seeds(t, c.runs, func(seed uint64) {
			l := newLAN(n, seed)
			l.startAll(200 * time.Millisecond)
			l.run(4 * time.Second)
			l.settled()
			if l.served > 1 {
				double++
			}
			served := l.served
			l.run(10 * time.Second)
			l.settled()
			if l.served != served {
				l.fail("a change of host without a cause")
			}
		})
		t.Logf("%d nodes, %d runs: %d with more than one claim", n, c.runs, double)
	}
}

func TestNewcomersDontDisturb(t *testing.T) {
	seeds(t, 40, func(seed uint64) {
		l := newLAN(6, seed)
		l.nodes[0].start(false)
		l.run(3 * time.Second)
		for _, n := range l.nodes[1:] {
			n.start(false)
			l.run(l.between(0, time.Second))
		}
		l.run(3 * time.Second)
		if l.settled() != l.nodes[0] || l.served != 1 {
			l.fail("a newcomer took over")
		}
	})
}

func TestHostCrashes(t *testing.T) {
	seeds(t, 60, func(seed uint64) {
		l := newLAN(2+int(seed%7), seed)
		l.loss = 0.1
		l.startAll(time.Second)
		l.run(6 * time.Second)
		for range 3 {
			host := l.settled()
			if host == nil {
				break
			}
			host.crash()
			if l.rand.IntN(2) == 0 {
				l.after(l.between(0, 3*time.Second), func() { host.start(false) })
			}
			l.run(12 * time.Second)
		}
		for _, n := range l.nodes {
			if n.m == nil {
				n.start(false)
			}
		}
		l.run(10 * time.Second)
		l.settled()
	})
}

func TestForcedTakesOver(t *testing.T) {
	seeds(t, 40, func(seed uint64) {
		l := newLAN(5, seed)
		for _, n := range l.nodes[1:] {
			n.start(false)
		}
		l.run(5 * time.Second)
		l.nodes[0].start(true)
		l.run(3 * time.Second)
		if l.settled() != l.nodes[0] {
			l.fail("the forced node doesn't host")
		}
		l.nodes[0].crash()
		l.run(10 * time.Second)
		l.settled()
	})
}

func TestTwoForced(t *testing.T) {
	seeds(t, 25, func(seed uint64) {
		l := newLAN(5, seed)
		for i, n := range l.nodes {
			l.after(l.between(0, 2*time.Second), func() { n.start(i < 2) })
		}
		l.run(8 * time.Second)
		host := l.settled()
		served := l.served
		l.run(dampTime + 5*time.Second)
		if l.settled() != host || l.served != served {
			l.fail("two forced hosts go on fighting")
		}
		host.crash()
		l.run(90 * time.Second)
		l.settled()
	})
}

func TestSplitHeals(t *testing.T) {
	seeds(t, 30, func(seed uint64) {
		l := newLAN(6, seed)
		forced := int(seed % 3)
		for i, n := range l.nodes {
			l.after(l.between(0, time.Second), func() { n.start(i < forced) })
		}
		l.run(8 * time.Second)
		for i := range l.side {
			l.side[i] = l.rand.IntN(2)
		}
		l.run(l.between(time.Second, 30*time.Second))
		clear(l.side)
		l.run(15 * time.Second)
		host := l.settled()
		l.run(dampTime + 5*time.Second)
		if l.settled() != host {
			l.fail("another host, long after")
		}
	})
}

// chaos is everything at once, then peace: I1 and I6 must come back.
func chaos(seed uint64, mutant string) {
	l := newLAN(3+int(seed%6), seed)
	l.mutant = mutant
	l.loss = 0.25
	l.startAll(3 * time.Second)
	for range 30 {
		l.run(l.between(0, 4*time.Second))
		n := l.nodes[l.rand.IntN(len(l.nodes))]
		switch l.rand.IntN(4) {
		case 0:
			if n.m != nil {
				n.crash()
			}
		case 1:
			if n.m == nil {
				n.start(l.rand.IntN(5) == 0)
			}
		case 2:
			for i := range l.side {
				l.side[i] = l.rand.IntN(3)
			}
		case 3:
			clear(l.side)
		}
	}
	clear(l.side)
	l.loss = 0
	for _, n := range l.nodes {
		if n.m == nil {
			n.start(false)
		}
	}
	l.run(dampTime + 15*time.Second)
	l.settled()
}

func TestChaos(t *testing.T) {
	seeds(t, 60, func(seed uint64) { chaos(seed, "") })
}

// The simulation must notice what would be wrong.
func TestMutantsAreCaught(t *testing.T) {
	for _, mutant := range []string{"no fence", "hosts are deaf", "forgets epochs", "raises in silence"} {
		caught := false
		for seed := uint64(0); seed < 100 && !caught; seed++ {
			caught = breaks(func() { chaos(seed, mutant) }) != ""
		}
		if !caught {
			t.Errorf("%s: nothing broke", mutant)
		}
	}
}
