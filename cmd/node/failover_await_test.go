//go:build linux

package main_test

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// What trials wait for: that nodes agree, see one another, hear one another, and have nothing left to tell.

// look takes in what the nodes told since the last time.
func (c *crowd) look() {
	for _, r := range c.runs {
		events, _, _ := r.feed.snapshot()
		r.take(events)
	}
}

// live gives the records of the nodes that run, without those at some seats.
func (c *crowd) live(without ...*seat) (all []*record) {
	for _, s := range c.seats {
		if s.now != nil && !slices.Contains(without, s) {
			all = append(all, s.now.record)
		}
	}
	return all
}

// seat gives the seat of a live node by its id.
func (c *crowd) seat(id string) *seat {
	i := slices.IndexFunc(c.seats, func(s *seat) bool { return s.now != nil && s.now.id == id })
	return c.seats[i]
}

// hold is how long nodes must agree before it counts.
const hold = 700 * time.Millisecond

// agree waits until the nodes are with one host among them and stay there, and tells how long after from that was.
// It gives up at limit after from, and then found is false.
func (c *crowd) agree(from time.Time, limit time.Duration, all func() []*record) (took time.Duration, host string, found bool) {
	for {
		c.look()
		now := time.Now()
		if since, host, ok := agreed(from, now, all()); ok && now.Sub(since) >= hold {
			return since.Sub(from), host, true
		}
		if now.Sub(from) > limit {
			return 0, "", false
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// whole waits until all live nodes are with one host and see one another, and gives the time since from and the host.
// It fails the test at the limit.
func (c *crowd) whole(what string, from time.Time, limit time.Duration) (time.Duration, *seat) {
	c.t.Helper()
	for {
		c.look()
		now := time.Now()
		since, host, ok := agreed(from, now, c.live())
		if ok && full(c.live()) && now.Sub(since) >= hold {
			return since.Sub(from), c.seat(host)
		}
		if now.Sub(from) > limit {
			c.t.Fatalf("after %v still waiting for %s: %s", limit, what, c.where())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// where tells with whom each live node is, how long, and how many it sees.
func (c *crowd) where() string {
	now := time.Now()
	var all []string
	for _, r := range c.live() {
		s := r.at(now)
		all = append(all, fmt.Sprintf("%s with %q for %v, sees %d", r.who, s.host, now.Sub(s.at).Round(time.Millisecond), len(r.roster)))
	}
	return strings.Join(all, "; ")
}

// heard waits until every live node shows a word of tag by each of the others, so that what
// follows falls into the middle of their talk.
func (c *crowd) heard(tag string) {
	c.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		c.look()
		all, missing := c.live(), ""
		for _, r := range all {
			from := make(map[string]bool)
			for _, w := range r.shown[max(0, len(r.shown)-1000):] { // more than anybody says meanwhile
				if run, _, ok := author(w.text); ok && strings.HasPrefix(w.text, tag+" ") {
					from[run] = true
				}
			}
			if len(from) < len(all) {
				missing = r.who
			}
		}
		if missing == "" {
			return
		}
		if time.Now().After(end) {
			c.t.Fatalf("%s does not hear everybody", missing)
		}
	}
}

// quiet silences all, waits until nothing is wrong with what the nodes show of a tag, and gives the verdict: the last
// one, when something still is after limit.
func (c *crowd) quiet(tag string, limit time.Duration) verdict {
	c.t.Helper()
	c.speak("")
	for end := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		c.look()
		v := judge(c.records(), tag+" ")
		if len(v.lost)+len(v.waiting) == 0 || time.Now().After(end) {
			return v
		}
	}
}

func (c *crowd) records() (all []*record) {
	for _, r := range c.runs {
		all = append(all, r.record)
	}
	return all
}
