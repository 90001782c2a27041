//go:build linux

package main_test

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// agreed tells since when, at the moment until, all are with one host that is one of them and knows it. What was agreed
// on earlier and given up again does not count, and from bounds the answer from below. A reign goes by its host's id:
// the epoch in a joined event may be raised later without a word. ok is false where they don't agree at until.
func agreed(from, until time.Time, all []*record) (since time.Time, host string, ok bool) {
	var moments []time.Time
	for _, r := range all {
		for _, s := range r.stays {
			if s.at.After(from) && !s.at.After(until) {
				moments = append(moments, s.at)
			}
		}
	}
	slices.SortFunc(moments, time.Time.Compare)
	for _, t := range slices.Insert(moments, 0, from) {
		now, one := oneHost(t, all)
		if !one {
			ok = false
		} else if !ok || now != host {
			since, host, ok = t, now, true
		}
	}
	return since, host, ok
}

// oneHost gives the host that all are with at a moment, when that is one of them.
func oneHost(t time.Time, all []*record) (string, bool) {
	host, present := all[0].at(t).host, false
	for _, r := range all {
		if r.at(t).host != host {
			return "", false
		}
		present = present || r.id == host
	}
	return host, present && host != ""
}

// course tells what happened between two moments: when the first and the last lost its host, who claimed the room, and
// when the first and the last joined a host.
func course(from, until time.Time, all []*record) string {
	var lost, joined []time.Duration
	var claims []string
	within := func(t time.Time) bool { return t.After(from) && !t.After(until) }
	for _, r := range all {
		for _, s := range r.stays {
			switch {
			case !within(s.at):
			case s.host == "":
				lost = append(lost, s.at.Sub(from))
			default:
				joined = append(joined, s.at.Sub(from))
			}
		}
		for _, at := range r.claims {
			if within(at) {
				claims = append(claims, fmt.Sprintf("%s after %d ms", r.who, at.Sub(from).Milliseconds()))
			}
		}
	}
	span := func(d []time.Duration) string {
		if len(d) == 0 {
			return "none"
		}
		return fmt.Sprintf("%d from %d to %d ms", len(d), slices.Min(d).Milliseconds(), slices.Max(d).Milliseconds())
	}
	return fmt.Sprintf("lost %s, claims %v, joined %s", span(lost), claims, span(joined))
}

// full tells whether each node's roster holds just these nodes.
func full(all []*record) bool {
	for _, r := range all {
		if len(r.roster) != len(all) {
			return false
		}
		for _, other := range all {
			if !r.roster[other.who] {
				return false
			}
		}
	}
	return true
}

// longestWait gives the longest time between a node's taking a word and its having a place in the room's order, of
// what the nodes said from a moment on. Words that still wait count up to until.
func longestWait(from, until time.Time, all []*record) (longest time.Duration) {
	for _, r := range all {
		for id, at := range r.pending {
			if at.Before(from) {
				continue
			}
			end, ok := r.delivered[id]
			if !ok {
				end = until
			}
			longest = max(longest, end.Sub(at))
		}
	}
	return longest
}

// TestAgreedMeasure tests the measure itself on made-up stays.
func TestAgreedMeasure(t *testing.T) {
	zero := time.Unix(1000, 0)
	at := func(ms int) time.Time { return zero.Add(time.Duration(ms) * time.Millisecond) }
	node := func(who string, stays ...stay) *record {
		r := newRecord(who)
		r.id, r.stays = who, stays
		return r
	}
	ada, bob := func(ms int) stay { return stay{at(ms), "ada"} }, func(ms int) stay { return stay{at(ms), "bob"} }
	none := func(ms int) stay { return stay{at: at(ms)} }
	for _, c := range []struct {
		name  string
		all   []*record
		since int // -1: not agreed
		host  string
	}{
		{"never left", []*record{node("ada", ada(-9)), node("bob", ada(-5))}, 0, "ada"},
		{"the slowest counts", []*record{node("bob", ada(-5), none(100), bob(200)), node("carl", ada(-5), none(90), bob(310))}, 310, "bob"},
		{"the host is not among them", []*record{node("bob", ada(-5)), node("carl", ada(-5))}, -1, ""},
		{"the host does not know yet", []*record{node("ada", ada(-9), bob(50)), node("bob", ada(-5), bob(80))}, 80, "bob"},
		{"two hosts", []*record{node("ada", ada(-9)), node("bob", none(10), bob(20))}, -1, ""},
		{"given up again", []*record{node("ada", ada(-9), none(500), ada(700)), node("bob", ada(-5))}, 700, "ada"},
		{"another host later", []*record{node("ada", ada(-9), bob(400)), node("bob", ada(-5), bob(300))}, 400, "bob"},
		{"one has lost it", []*record{node("ada", ada(-9)), node("bob", ada(-5), none(600))}, -1, ""},
		{"nowhere yet", []*record{newRecord("ada"), newRecord("bob")}, -1, ""},
		{"after the end of the observation", []*record{node("ada", ada(-9)), node("bob", ada(1500))}, -1, ""},
	} {
		since, host, ok := agreed(zero, at(1000), c.all)
		if c.since < 0 {
			if ok {
				t.Errorf("%s: agreed on %s", c.name, host)
			}
			continue
		}
		if !ok || host != c.host || since.Sub(zero) != time.Duration(c.since)*time.Millisecond {
			t.Errorf("%s: %v, %s after %v; want %s after %d ms", c.name, ok, host, since.Sub(zero), c.host, c.since)
		}
	}

	a, b := node("ada", ada(-9), none(5), bob(40)), node("bob", ada(-5), none(15), bob(30))
	b.claims = []time.Time{at(-200), at(20)}
	if got, want := course(zero, at(35), []*record{a, b}), "lost 2 from 5 to 15 ms, claims [bob after 20 ms], joined 1 from 30 to 30 ms"; got != want {
		t.Errorf("the course is %q, want %q", got, want)
	}
	a, b = node("ada"), node("bob")
	a.roster = map[string]bool{"ada": true, "bob": true}
	b.roster = map[string]bool{"ada": true, "bob": true}
	if !full([]*record{a, b}) {
		t.Error("a full roster is not taken for one")
	}
	b.roster["carl"] = true
	if full([]*record{a, b}) {
		t.Error("a roster with one too many passes")
	}
	b.roster = map[string]bool{"ada": true, "carl": true}
	if full([]*record{a, b}) {
		t.Error("a roster with one wrong passes")
	}

	a.pending = map[string]time.Time{"before": at(-100), "quick": at(10), "slow": at(20), "waits": at(600)}
	a.delivered = map[string]time.Time{"before": at(900), "quick": at(15), "slow": at(320)}
	if got := longestWait(zero, at(1000), []*record{a}); got != 400*time.Millisecond {
		t.Errorf("the longest wait is %v, want 400ms", got)
	}
}
