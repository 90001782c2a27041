package election

import (
	"flag"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"
)

// first is the seed to begin with: a failure's seed alone is `SEEDS=1 go test -run TestNemesis -first=SEED`.
var first = flag.Uint64("first", 0, "the first seed")

// howMany is how many seeds a test runs: SEEDS says so, or there are few where the race detector makes them slow.
func howMany(plain int) int {
	if n, err := strconv.Atoi(os.Getenv("SEEDS")); err == nil {
		return n
	}
	if testing.Short() || raceEnabled {
		return max(plain/20, 3)
	}
	return plain
}

// seeds runs a scenario many times; a failure names the seed.
func seeds(t *testing.T, n int, scenario func(seed uint64)) {
	t.Helper()
	var wg sync.WaitGroup
	work := make(chan uint64)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for seed := range work {
				if why := breaks(func() { scenario(seed) }); why != "" {
					t.Error(why)
				}
			}
		})
	}
	for i := range uint64(n) {
		if t.Failed() {
			break
		}
		work <- *first + i
	}
	close(work)
	wg.Wait()
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

// host is whom everybody on n's side of a cut follows, nil before that.
func (l *lan) hostOf(n *node) *node {
	for _, h := range l.live() {
		if l.follows(n, h) {
			return h
		}
	}
	return nil
}

func (l *lan) follows(n, h *node) bool {
	if n == h {
		return n.m.State() == Host && n.relay != nil && n.relay.open
	}
	return n.m.State() == Member && n.conn != nil && n.conn.host == h && h.relay != nil && h.relay.members[n.index] == n.conn &&
		n.m.Reign() == h.m.Reign()
}

// one tells whether there is one host and everybody follows it.
func (l *lan) one() bool {
	live := l.live()
	if len(live) == 0 {
		return true
	}
	h := l.hostOf(live[0])
	for _, n := range live {
		if h == nil || !l.follows(n, h) {
			return false
		}
	}
	return true
}

func (l *lan) hosts() (n int) {
	for _, x := range l.live() {
		if x.m.State() == Host {
			n++
		}
	}
	return n
}

// settled is I1, I4 and I6: without cuts, one host that everybody follows, forced if anybody is, and one log.
func (l *lan) settled() *node {
	live := l.live()
	if len(live) == 0 {
		return nil
	}
	var host *node
	forced := false
	for _, n := range live {
		forced = forced || n.forced
		if n.m.State() == Host {
			if host != nil {
				l.fail("I1: two hosts, %d and %d", host.index, n.index)
			}
			host = n
		}
	}
	if host == nil {
		l.fail("I1: no host")
	}
	for _, n := range live {
		if !l.follows(n, host) {
			l.fail("I1: node %d is %v, reign %v, and doesn't follow %d, reign %v", n.index, n.m.State(), n.m.Reign(), host.index, host.m.Reign())
		}
		if n.book.pending != n.book.said {
			l.fail("I4: node %d has said %d, and %d came back", n.index, n.book.said, n.book.pending)
		}
		if n.book.shown != host.book.shown {
			l.fail("I4: node %d has %d messages, its host %d has %d", n.index, n.book.shown, host.index, host.book.shown)
		}
		for run, have := range host.book.has {
			if n.book.has[run] != have {
				l.fail("I4: node %d has %d of a run, its host %d has %d", n.index, n.book.has[run], host.index, have)
			}
		}
	}
	if forced && !host.forced {
		l.fail("I6: a node was told to host, and %d hosts", host.index)
	}
	return host
}

func (l *lan) startAll(within time.Duration, forced int) {
	for i, n := range l.nodes {
		l.after(l.between(0, within), func() { n.start(i < forced) })
	}
}

func TestStartTogether(t *testing.T) {
	for _, c := range []struct{ n, runs int }{{1, 5}, {2, 40}, {3, 30}, {5, 20}, {8, 10}, {20, 2}, {50, 1}} {
		seeds(t, c.runs, func(seed uint64) {
			l := newLAN(c.n, seed)
			l.startAll(200*time.Millisecond, 0)
			l.run(4 * time.Second)
			l.settled()
			served := l.served
			l.run(10 * time.Second)
			l.settled()
			if l.served != served {
				l.fail("a change of host without a cause")
			}
		})
	}
}

func TestNewcomersDontDisturb(t *testing.T) {
	seeds(t, howMany(40), func(seed uint64) {
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

// I8: loss alone changes no host.
func TestLossChangesNoHost(t *testing.T) {
	seeds(t, howMany(40), func(seed uint64) {
		l := newLAN(3+int(seed%6), seed)
		l.startAll(time.Second, 0)
		l.run(5 * time.Second)
		host, served := l.settled(), l.served
		l.loss = 0.15
		for range 30 {
			l.nodes[l.rand.IntN(len(l.nodes))].say()
			l.run(time.Second)
		}
		l.loss = 0
		l.run(3 * time.Second)
		if l.settled() != host || l.served != served {
			l.fail("I8: a change of host without a fault")
		}
	})
}

func TestTwoForced(t *testing.T) {
	seeds(t, howMany(40), func(seed uint64) {
		l := newLAN(5, seed)
		l.startAll(2*time.Second, 2)
		l.run(8 * time.Second)
		host := l.settled()
		served := l.served
		l.run(dampTime + 5*time.Second)
		if l.settled() != host || l.served != served {
			l.fail("two forced hosts go on fighting")
		}
		if heirs := l.settled().relay.successors; !heirs[0].Forced {
			l.fail("the forced member isn't the first successor")
		}
		host.crash()
		l.run(10 * time.Second)
		l.settled()
	})
}

// I9: after a split has healed, the hosts grow fewer until there is one.
func TestSplitHeals(t *testing.T) {
	seeds(t, howMany(100), func(seed uint64) {
		l := newLAN(6, seed)
		l.startAll(time.Second, int(seed%3))
		l.run(5 * time.Second)
		sides := make([]int, 6)
		for i := range sides {
			sides[i] = l.rand.IntN(3)
		}
		l.split(func(i int) int { return sides[i] })
		for range 10 {
			l.nodes[l.rand.IntN(6)].say()
			l.run(l.between(100*time.Millisecond, 2*time.Second))
		}
		clear(l.cut)
		end := l.now + 15*time.Second
		for hosts := l.hosts(); l.now < end; {
			l.run(10 * time.Millisecond)
			if h := l.hosts(); seed%3 == 0 && h > hosts {
				l.fail("I9: %d hosts, then %d", hosts, h)
			} else {
				hosts = h
			}
		}
		host := l.settled()
		l.run(dampTime + 5*time.Second)
		if l.settled() != host {
			l.fail("another host, long after")
		}
	})
}

// A member that can't reach the host while others can is alone with its trouble: nobody takes over for it.
func TestOneCantReachTheHost(t *testing.T) {
	seeds(t, howMany(60), func(seed uint64) {
		l := newLAN(6, seed)
		l.startAll(time.Second, 0)
		l.run(5 * time.Second)
		host, served := l.settled(), l.served
		n := l.nodes[l.rand.IntN(6)]
		if n == host {
			return
		}
		if l.rand.IntN(2) == 0 {
			l.cut[[2]int{n.index, host.index}] = true
		} else {
			l.cut[[2]int{host.index, n.index}] = true
		}
		l.run(30 * time.Second)
		clear(l.cut)
		l.run(15 * time.Second)
		if l.settled() != host || l.served != served {
			l.fail("I7: a change of host because of one bad path")
		}
	})
}
