//go:build linux

package main_test

import (
	"testing"
	"time"
)

// TestFailoverStart starts many nodes together, each with a fresh state folder, as when the power comes back to an
// office: one of them hosts, and all others are with it. The clock runs from the moment at which the last process has
// been started, and in a row of its own from the first, for on few cores the starting itself takes a while.
func TestFailoverStart(t *testing.T) {
	n, measuring := trials()
	many := 12
	if measuring {
		many = 50
	}
	c := seatCrowd(t, seed(t), names(many)...)
	for range n {
		begin := time.Now()
		for _, s := range c.seats {
			s.dir = c.folder()
			c.start(s)
		}
		all := time.Now()
		_, host := c.whole("one host for all", begin, patience)
		since, _, ok := agreed(begin, time.Now(), c.live())
		claims := 0
		for _, s := range c.seats {
			claims += len(s.now.claims)
		}
		figures.row("start", "last started to one host", 1500*time.Millisecond).add(since.Sub(all), ok)
		figures.row("start", "first started to one host", 0).add(since.Sub(begin), ok)
		t.Logf("%d nodes: %s hosts all %v after the first was started, %v after the last; %d claimed the room",
			many, host.name, since.Sub(begin).Round(time.Millisecond), since.Sub(all).Round(time.Millisecond), claims)
		c.endAll()
	}
	figures.save(t)
}
