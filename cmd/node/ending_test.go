//go:build linux

package main_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"parley.lan/internal/lantest"
)

// TestHostKilledWhileAllTalk: a SIGKILL at the host while the others talk on. Everybody is in a room again,
// and every word said before, meanwhile and after is shown once by each of them.
func TestHostKilledWhileAllTalk(t *testing.T) {
	lan := lantest.New(t)
	all4 := gather(t, lan, "host", "bob", "carl", "dora")
	host, rest := all4[0], all4[1:]

	// A word goes out every few milliseconds, so that some are on their way whenever the host dies.
	const words = 100
	var want []string
	var writers sync.WaitGroup
	half := make(chan struct{}, len(rest))
	for _, p := range rest {
		var said []string
		for i := range words {
			said = append(said, fmt.Sprintf("%s says %03d", p.name, i))
		}
		want = append(want, said...)
		writers.Go(func() {
			tick := time.NewTicker(10 * time.Millisecond)
			defer tick.Stop()
			for i, text := range said {
				<-tick.C
				p.write(text)
				if i == words/2 {
					half <- struct{}{}
				}
			}
		})
	}
	for range rest {
		<-half
	}
	var marks []int
	for _, p := range rest {
		marks = append(marks, p.mark())
	}
	killed := time.Now()
	host.kill()
	writers.Wait()
	var back []time.Duration
	for i, p := range rest {
		_, e := awaitAfter(p, marks[i], "a room with another host", func(j joined) bool { return j.Host.Name != "host" })
		back = append(back, e.At.Sub(killed))
	}
	t.Logf("from the kill to a room again: %v", back)
	for _, p := range rest {
		p.awaitTexts(want)
		if own := p.texts(beginning(p.name + " says")); !slices.IsSorted(own) {
			t.Errorf("%s's own words are out of order: %q", p.name, own)
		}
	}
	awaitOneHost(t, rest...)
	talk(t, "recovered", rest...)
}

// TestTermLeavesPolitely, as a member and as the host: exit code 0, left as the last event, the others told.
func TestTermLeavesPolitely(t *testing.T) {
	lan := lantest.New(t)
	trio := gather(t, lan, "ada", "bob", "carl")
	ada, bob, carl := trio[0], trio[1], trio[2]
	leave := func(p *proc, s syscall.Signal) {
		t.Helper()
		begin := time.Now()
		p.signal(s)
		if code := p.awaitExit(); code != 0 {
			t.Errorf("%s left with exit code %d", p.name, code)
		}
		t.Logf("%s left after %v", p.name, time.Since(begin))
		events, _, _ := p.feed.snapshot()
		if last := events[len(events)-1]; last.Type != "left" {
			t.Errorf("the last event of %s is %s", p.name, last.raw)
		}
	}
	leave(bob, syscall.SIGTERM)
	for _, p := range []*proc{ada, carl} {
		await(p, "bob's leaving", func(m memberLeft) bool { return m.Member.Name == "bob" })
		p.awaitRoster("ada", "carl")
		if lost := all[hostLost](p); len(lost) > 0 {
			t.Errorf("a member's leaving cost %s its host: %v", p.name, lost)
		}
	}
	leave(ada, syscall.SIGINT)
	carl.awaitRoster("carl")
	talk(t, "alone", carl)
}

// TestEndOfInputLeavesOnceAllIsDelivered: `echo … | node` must not lose its last words.
func TestEndOfInputLeavesOnceAllIsDelivered(t *testing.T) {
	lan := lantest.New(t)
	pair := gather(t, lan, "ada", "bob")
	ada, bob := pair[0], pair[1]
	var want []string
	for i := range 50 {
		want = append(want, fmt.Sprintf("last words %02d", i))
	}
	bob.write(strings.Join(want, "\n"))
	bob.stdin.Close()
	if code := bob.awaitExit(); code != 0 {
		t.Errorf("exit code %d at the end of input", code)
	}
	ada.awaitTexts(want)
	await[left](bob, "left", nil)

	// A script's node that has not found its room yet when its input ends.
	hasty := start(t, lan.Host("hasty"), "hasty")
	hasty.write("in a hurry")
	hasty.stdin.Close()
	if code := hasty.awaitExit(); code != 0 {
		t.Errorf("exit code %d at the end of input", code)
	}
	ada.awaitText("in a hurry")
}

func TestQuitLeaves(t *testing.T) {
	p := start(t, lantest.New(t).Host("ada"), "ada")
	await[joined](p, "its room", nil)
	p.write("/quit")
	if code := p.awaitExit(); code != 0 {
		t.Errorf("exit code %d after /quit", code)
	}
	await[left](p, "left", nil)
}

// TestCableCutAndBack pulls a member's cable. The room goes on, and once the cable is back all are in one
// room and have all that was said on either side.
func TestCableCutAndBack(t *testing.T) {
	lan := lantest.New(t)
	trio := gather(t, lan, "ada", "bob", "carl")
	ada, bob, carl := trio[0], trio[1], trio[2]
	mark := bob.mark()
	cut := time.Now()
	bob.host.Cut()
	bob.write("said by bob without a cable")
	ada.write("said by ada while bob is away")
	carl.awaitText("said by ada while bob is away")
	_, e := awaitAfter[hostLost](bob, mark, "noticing that the host is gone", nil)
	t.Logf("the member noticed after %v", e.At.Sub(cut))
	plugged := time.Now()
	bob.host.Plug()
	host := awaitOneHost(t, trio...)
	t.Logf("one room again, hosted by %s, %v after the cable was back", host.name, time.Since(plugged))
	for _, p := range trio {
		p.awaitTexts([]string{"said by bob without a cable", "said by ada while bob is away"})
	}
	talk(t, "back", trio...)
}
