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
		took, host, ok := c.agree(begin, patience, func() []*record { return c.live() })
		if !ok {
			t.Errorf("not one host for all after %v: %s", patience, c.where())
		}
		claims := 0
		for _, s := range c.seats {
			claims += len(s.now.claims)
		}
		figures.row("start", "last started to one host", 1500*time.Millisecond).add(took-all.Sub(begin), ok)
		figures.row("start", "first started to one host", 0).add(took, ok)
		t.Logf("%d nodes: %q hosts all %v after the first was started, %v after the last; %d claimed the room",
			many, host, took.Round(time.Millisecond), (took - all.Sub(begin)).Round(time.Millisecond), claims)
		c.endAll()
	}
	figures.save(t)
}
