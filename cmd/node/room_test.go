//go:build linux

package main_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"parley.lan/internal/lantest"
)

// What several tests ask about a room: who is in it by a node's events, and what was said there.

// startAll starts one node on a host of its own for each name and returns them in that order.
func startAll(t *testing.T, lan *lantest.LAN, names ...string) []*proc {
	t.Helper()
	var all []*proc
	for _, h := range hosts(lan, names...) {
		all = append(all, start(t, h, h.Name()))
	}
	return all
}

func hosts(lan *lantest.LAN, names ...string) []*lantest.Host {
	var all []*lantest.Host
	for _, name := range names {
		all = append(all, lan.Host(name))
	}
	return all
}

// gather starts a node for each name, the first of them as host, and waits until each sees all.
func gather(t *testing.T, lan *lantest.LAN, names ...string) []*proc {
	t.Helper()
	first := start(t, lan.Host(names[0]), names[0])
	await[hosting](first, "being the host", nil)
	all := append([]*proc{first}, startAll(t, lan, names[1:]...)...)
	for _, p := range all {
		p.awaitRoster(names...)
	}
	return all
}

// settled gives the newest joined event; ok is false when there is none or the host was lost since.
func settled(events []event) (j joined, ok bool) {
	for _, e := range events {
		switch body := e.Body.(type) {
		case joined:
			j, ok = body, true
		case hostLost:
			ok = false
		}
	}
	return j, ok
}

// roster gives the names of the room's members by a node's events, sorted.
func roster(events []event) []string {
	in := make(map[string]string)
	for _, e := range events {
		switch body := e.Body.(type) {
		case joined:
			clear(in)
			for _, m := range body.Members {
				in[m.ID] = m.Name
			}
		case memberJoined:
			in[body.Member.ID] = body.Member.Name
		case renamed:
			in[body.Member.ID] = body.Member.Name
		case memberLeft:
			delete(in, body.Member.ID)
		}
	}
	return slices.Sorted(maps.Values(in))
}

// awaitRoster waits until the node is in a room that holds just these members.
func (p *proc) awaitRoster(names ...string) {
	p.t.Helper()
	want := slices.Sorted(slices.Values(names))
	p.until(fmt.Sprintf("a room with %v", want), func(events []event) bool {
		_, ok := settled(events)
		return ok && slices.Equal(roster(events), want)
	})
}

// awaitOneHost waits until every node is settled at the same host, and returns that host's process.
func awaitOneHost(t *testing.T, all ...*proc) *proc {
	t.Helper()
	var names []string
	for _, p := range all {
		names = append(names, p.name)
	}
	for _, p := range all {
		p.awaitRoster(names...)
	}
	at := make(map[string][]string)
	var host *proc
	for _, p := range all {
		events, _, _ := p.feed.snapshot()
		j, _ := settled(events)
		at[j.Host.ID] = append(at[j.Host.ID], p.name)
		if j.Host.Name == p.name {
			host = p
		}
	}
	if len(at) != 1 || host == nil {
		t.Fatalf("not one host for all: %v", at)
	}
	return host
}

// texts gives what the node has shown of the room so far, in the order shown, where keep accepts it.
func (p *proc) texts(keep func(message) bool) []string {
	var out []string
	for _, m := range all[message](p) {
		if keep(m) {
			out = append(out, m.Text)
		}
	}
	return out
}

func beginning(prefix string) func(message) bool {
	return func(m message) bool { return strings.HasPrefix(m.Text, prefix) }
}

// awaitText waits until the node shows a message.
func (p *proc) awaitText(text string) message {
	p.t.Helper()
	m, _ := await(p, fmt.Sprintf("the message %.60q", text), func(m message) bool { return m.Text == text })
	return m
}

// awaitTexts waits until the node has shown each text, and fails when one came twice.
func (p *proc) awaitTexts(want []string) {
	p.t.Helper()
	missing := make(map[string]bool)
	for _, text := range want {
		missing[text] = true
	}
	seen := 0 // events looked at so far; the closure is called with ever more of them
	p.until(fmt.Sprintf("%d messages", len(want)), func(events []event) bool {
		for _, e := range events[seen:] {
			if m, ok := e.Body.(message); ok {
				delete(missing, m.Text)
			}
		}
		seen = len(events)
		return len(missing) == 0
	})
	count := make(map[string]int)
	for _, m := range all[message](p) {
		count[m.Text]++
	}
	for _, text := range want {
		if count[text] > 1 {
			p.t.Errorf("%s shows %q %d times", p.name, text, count[text])
		}
	}
}

// talk checks that each node's word reaches all of them.
func talk(t *testing.T, word string, all ...*proc) {
	t.Helper()
	var said []string
	for _, p := range all {
		text := fmt.Sprintf("%s from %s", word, p.name)
		said = append(said, text)
		p.write(text)
	}
	for _, p := range all {
		p.awaitTexts(said)
	}
}
