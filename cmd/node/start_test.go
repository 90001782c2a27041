//go:build linux

package main_test

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"parley.lan/internal/lantest"
)

func median(d []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(d))
	return sorted[len(sorted)/2]
}

// TestFirstNodeIsAloneInItsRoom: nobody answers, so the node hosts, after the 0.75 to 1.25 s that it takes to
// be sure. The goal is 1.4 s from the start of the process; the median must meet it, since a busy machine may
// hold up any single start.
func TestFirstNodeIsAloneInItsRoom(t *testing.T) {
	lan := lantest.New(t)
	var took []time.Duration
	for i := range 5 {
		p := start(t, lan.Host(fmt.Sprintf("first%d", i)), "Ada")
		j, e := await[joined](p, "its room", nil)
		took = append(took, e.At.Sub(p.started))
		h1, _ := await[hosting](p, "hosting", nil)
		if j.Host.Name != "Ada" || j.Room != "lobby" || len(j.Members) != 1 || j.Epoch == 0 || h1.Epoch != j.Epoch {
			t.Errorf("joined %+v, hosting %+v", j, h1)
		}
		if len(h1.Text) == 0 || len(h1.Voice) == 0 {
			t.Errorf("hosting at no address: %+v", h1)
		}
		talk(t, "alone", p)
		p.signal(syscall.SIGTERM)
		p.awaitExit() // the next one is to find nobody
	}
	t.Logf("from the start of the process to its room: %v", took)
	if m := median(took); m > 1400*time.Millisecond {
		t.Errorf("median %v, want 1.4 s or less", m)
	}
}

// TestNewcomersJoinAHostedRoomFast: from starting the process to its joined event, 150 ms in the median of 20.
func TestNewcomersJoinAHostedRoomFast(t *testing.T) {
	lan := lantest.New(t)
	names := []string{"host"}
	host := start(t, lan.Host("host"), "host")
	await[hosting](host, "being the host", nil)
	var took []time.Duration
	var last *proc
	for i := range 20 {
		name := fmt.Sprintf("guest%02d", i)
		names = append(names, name)
		last = start(t, lan.Host(name), name)
		j, e := await[joined](last, "the room", nil)
		if j.Host.Name != "host" {
			t.Fatalf("%s joined the room of %q", name, j.Host.Name)
		}
		took = append(took, e.At.Sub(last.started))
	}
	host.awaitRoster(names...)
	talk(t, "hello", host, last)
	t.Logf("from the start of the process to the room: median %v, slowest %v, all %v", median(took), slices.Max(took), took)
	if m := median(took); m > 150*time.Millisecond {
		t.Errorf("median %v, want 150 ms or less", m)
	}
}

// TestNodesStartedTogetherAgreeOnOneHost starts five at once, several times, as after a power cut.
func TestNodesStartedTogetherAgreeOnOneHost(t *testing.T) {
	for round := range 3 {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			lan := lantest.New(t)
			at := hosts(lan, "ada", "bob", "carl", "dora", "emil")
			var all []*proc
			begin := time.Now()
			for _, h := range at {
				all = append(all, start(t, h, h.Name()))
			}
			host := awaitOneHost(t, all...)
			t.Logf("%s hosts all five after %v", host.name, time.Since(begin))
			talk(t, "together", all...)
		})
	}
}

// TestHostFlagHosts: --host hosts at once, and also where somebody else is the host already.
func TestHostFlagHosts(t *testing.T) {
	lan := lantest.New(t)
	bob := start(t, lan.Host("bob"), "bob", "--host")
	_, e := await[hosting](bob, "hosting", nil)
	t.Logf("--host on a silent LAN hosts after %v", e.At.Sub(bob.started))
	carl := start(t, lan.Host("carl"), "carl")
	carl.awaitRoster("bob", "carl")
	talk(t, "first", bob, carl)
}

func TestHostFlagTakesOver(t *testing.T) {
	lan := lantest.New(t)
	all := gather(t, lan, "bob", "carl")
	talk(t, "before", all...)
	ada := start(t, lan.Host("ada"), "ada", "--host")
	await[hosting](ada, "hosting, whatever others do", nil)
	for _, p := range all {
		await(p, "the room that ada hosts", func(j joined) bool { return j.Host.Name == "ada" })
	}
	all = append(all, ada)
	if host := awaitOneHost(t, all...); host != ada {
		t.Errorf("%s hosts, want ada, who was told to", host.name)
	}
	talk(t, "after", all...)
	ada.awaitTexts([]string{"before from bob", "before from carl"}) // what was said before she came
}
