package election

import (
	"slices"
	"testing"
	"time"
)

// TestFailoverTimes measures how long a room is without a host that everybody follows, on a wired LAN of 0.2 to 2 ms,
// and holds it to the goals of the design (I10). -v prints the figures.
func TestFailoverTimes(t *testing.T) {
	runs := howMany(200)
	for _, c := range []struct {
		name string
		n    int
		p99  time.Duration
		do   func(l *lan, host *node) (done func() bool)
	}{
		{"SIGTERM, hand-over", 8, 50 * time.Millisecond, func(l *lan, host *node) func() bool {
			host.step(Stop{})
			return func() bool { return l.apart(host) }
		}},
		{"--host takes over", 8, 50 * time.Millisecond, func(l *lan, host *node) func() bool {
			n := l.nodes[0]
			if n == host {
				n = l.nodes[1]
			}
			n.crash()
			l.run(time.Second)
			n.start(true)
			l.until(l.now+time.Second, func() bool { return n.relay != nil && n.relay.open })
			return func() bool { return l.one() && l.hostOf(host) == n }
		}},
		{"crash", 8, 300 * time.Millisecond, func(l *lan, host *node) func() bool {
			host.crash()
			return l.one
		}},
		{"crash and the first successor's too", 8, 600 * time.Millisecond, func(l *lan, host *node) func() bool {
			next := l.nodes[host.relay.successors[0].ID[1]]
			host.crash()
			next.crash()
			return l.one
		}},
		{"power off", 8, time.Second, func(l *lan, host *node) func() bool {
			host.power()
			return l.one
		}},
		{"cable out", 8, time.Second, func(l *lan, host *node) func() bool {
			host.off = true
			return func() bool { return l.apart(host) }
		}},
		{"cable out, 5 % loss", 8, 1500 * time.Millisecond, func(l *lan, host *node) func() bool {
			l.loss = 0.05
			host.off = true
			return func() bool { return l.apart(host) }
		}},
		{"cable out, Wi-Fi", 8, 2 * time.Second, func(l *lan, host *node) func() bool {
			host.off = true
			return func() bool { return l.apart(host) }
		}},
		{"SIGSTOP", 8, time.Second, func(l *lan, host *node) func() bool {
			host.paused = true
			return func() bool { return l.apart(host) }
		}},
		{"SIGCONT after 5 s", 8, time.Second, func(l *lan, host *node) func() bool {
			host.paused = true
			l.run(5 * time.Second)
			host.resume()
			return l.one
		}},
		{"merge after a split of 10 s", 8, time.Second, func(l *lan, host *node) func() bool {
			l.split(func(i int) int { return i % 2 })
			l.run(10 * time.Second)
			clear(l.cut)
			return l.one
		}},
	} {
		var times []time.Duration
		for seed := range uint64(runs) {
			l := newLAN(c.n, seed)
			for _, n := range l.nodes {
				n.wifi = c.name == "cable out, Wi-Fi"
			}
			l.startAll(500*time.Millisecond, 0)
			l.run(4*time.Second + l.between(0, time.Second))
			host := l.settled()
			done := c.do(l, host)
			began := l.now
			if !l.until(l.now+20*time.Second, done) {
				t.Fatalf("%s, seed %d: never", c.name, seed)
			}
			times = append(times, l.now-began)
		}
		report(t, c.name, times, c.p99)
	}
	var times []time.Duration
	for seed := range uint64(max(runs/10, 2)) {
		l := newLAN(50, seed)
		l.startAll(100*time.Millisecond, 0)
		if !l.until(10*time.Second, func() bool { return len(l.live()) == 50 && l.one() }) {
			t.Fatalf("50 nodes, seed %d: never", seed)
		}
		times = append(times, l.now)
	}
	report(t, "50 nodes started within 0.1 s", times, 1600*time.Millisecond)
}

func report(t *testing.T, name string, times []time.Duration, p99 time.Duration) {
	t.Helper()
	slices.Sort(times)
	at := func(p int) time.Duration { return times[(len(times)-1)*p/100].Round(100 * time.Microsecond) }
	t.Logf("%-38s p50 %-9v p99 %-9v max %v", name, at(50), at(99), at(100))
	if at(99) > p99 {
		t.Errorf("%s: p99 is %v, the goal %v", name, at(99), p99)
	}
}
