//go:build linux

package main_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"parley.lan/internal/lantest"
)

// nemesis does harm to a crowd at random, and mends it. Each harm lasts a random while; several may overlap.
type nemesis struct {
	*crowd
	rand  *rand.Rand
	begin time.Time
	harms []harm
	count map[string]int
}

// harm is what is not mended yet.
type harm struct {
	kind string
	on   *seat // nil: on the LAN
	end  time.Time
	mend func()
}

// TestNemesis: nodes that talk all the while are killed and started again with their state folders, sent away, stopped,
// cut off, split and made deaf at random. When all is mended and quiet, all of them must agree on all that was said:
// judge says what that means. PARLEY_NEMESIS=5m is the long form with 20 nodes; PARLEY_SEED repeats the choices.
func TestNemesis(t *testing.T) {
	many, lasts, calm := 6, 25*time.Second, time.Duration(0)
	if long, err := time.ParseDuration(os.Getenv("PARLEY_NEMESIS")); err == nil {
		many, lasts, calm = 20, long, 15*time.Second
	}
	first := seed(t)
	c := seatCrowd(t, first, names(many)...)
	c.pause = time.Duration(many) * time.Second / 20 // 20 messages a second in all
	for _, s := range c.seats {
		c.start(s)
	}
	c.whole("all to come together", time.Now(), patience)
	n := &nemesis{crowd: c, rand: rand.New(rand.NewPCG(first, 1)), begin: time.Now(), count: make(map[string]int)}
	n.speak("nemesis")
	for next := time.Now(); time.Since(n.begin) < lasts; time.Sleep(20 * time.Millisecond) {
		n.mend(time.Now())
		if time.Now().After(next) {
			n.strike()
			next = time.Now().Add(n.between(300, 2500))
		}
	}
	n.mend(time.Now().Add(time.Hour))
	mended := time.Now()
	n.speak("")
	took, host := c.whole("one room after all is mended", mended, patience)
	v := c.quiet("nemesis", patience)
	time.Sleep(time.Until(mended.Add(calm)))
	c.look()
	if late := judge(c.records(), "nemesis"); !late.ok() {
		v = late
	}
	said, shown := 0, 0
	for _, r := range c.records() {
		said += len(r.said)
	}
	for _, r := range c.live() {
		shown = max(shown, len(r.shown))
	}
	t.Logf("%v of %v; %d lives of %d nodes said %d messages, one shows %d; %s hosts all %v after the last was mended; died %d, moved %d",
		lasts, n.count, len(c.runs), many, said, shown, host.name, took.Round(time.Millisecond), len(v.died), len(v.moved))
	if said == 0 || shown == 0 || len(n.count) == 0 {
		t.Error("nothing happened")
	}
	if !v.ok() {
		t.Errorf("seed %d: %v", first, v)
	}
	c.histories("nemesis")
}

func (n *nemesis) between(low, high int) time.Duration {
	return time.Duration(low+n.rand.IntN(high-low)) * time.Millisecond
}

// strike does one harm that is possible now. The host suffers as often as all others together.
func (n *nemesis) strike() {
	n.look()
	var sound []*seat // nodes that nothing befell
	for _, s := range n.seats {
		if !slices.ContainsFunc(n.harms, func(h harm) bool { return h.on == s }) {
			sound = append(sound, s)
		}
	}
	shared := slices.ContainsFunc(n.harms, func(h harm) bool { return h.on == nil })
	if len(sound) <= len(n.seats)/2 { // enough is broken
		return
	}
	victim := sound[n.rand.IntN(len(sound))]
	hosts := slices.DeleteFunc(slices.Clone(sound), func(s *seat) bool { return s.now.at(time.Now()).host != s.now.id })
	if len(hosts) > 0 && n.rand.IntN(2) == 0 {
		victim = hosts[n.rand.IntN(len(hosts))]
	}
	some := func() (in, out []*lantest.Host) {
		shuffled := slices.Clone(n.seats)
		n.rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		k := 1 + n.rand.IntN(len(shuffled)-1)
		return hostsOf(shuffled[:k]), hostsOf(shuffled[k:])
	}
	switch kind := n.rand.IntN(7); {
	case kind <= 1:
		n.end(victim, syscall.SIGKILL)
		n.harm("kill", victim, n.between(200, 4000), func() { n.start(victim) })
	case kind == 2:
		gone := n.end(victim, syscall.SIGTERM)
		gone.killed = true // it may leave from where it could hand nothing over to anybody
		n.harm("leave", victim, n.between(1000, 4000), func() {
			gone.awaitExit()
			n.start(victim)
		})
	case kind == 3:
		victim.host.Cut()
		n.harm("cable", victim, n.between(200, 8000), victim.host.Plug)
	case kind == 4:
		frozen := victim.now
		frozen.signal(syscall.SIGSTOP)
		n.t.Cleanup(func() { frozen.cmd.Process.Signal(syscall.SIGCONT) }) // or it could not leave
		n.harm("freeze", victim, n.between(100, 6000), func() { frozen.signal(syscall.SIGCONT) })
	case kind == 5 && !shared:
		one, other := some()
		n.lan.Split(one, other)
		n.harm(fmt.Sprintf("split %d:%d", len(one), len(other)), nil, n.between(1000, 10000), n.lan.Heal)
	case kind == 6 && !shared:
		from, to := some()
		n.lan.Block(from, to)
		n.harm(fmt.Sprintf("deaf %d:%d", len(from), len(to)), nil, n.between(1000, 8000), n.lan.Unblock)
	}
}

func (n *nemesis) harm(kind string, on *seat, lasts time.Duration, mend func()) {
	name := "the LAN"
	if on != nil {
		name = on.name
	}
	n.count[kind[:4]]++
	n.t.Logf("%7v %s %s for %v", time.Since(n.begin).Round(time.Millisecond), kind, name, lasts)
	n.harms = append(n.harms, harm{kind, on, time.Now().Add(lasts), mend})
}

// mend ends the harms that are over by now.
func (n *nemesis) mend(now time.Time) {
	n.harms = slices.DeleteFunc(n.harms, func(h harm) bool {
		if h.end.After(now) {
			return false
		}
		h.mend()
		return true
	})
}
