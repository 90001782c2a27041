//go:build linux

package main_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"parley.lan/internal/lantest"
)

// TestLineTooLongIsRefusedWhole: 8 KiB go through, one byte more is refused with a line that says so, and so
// is a megabyte; nothing is cut, and the next line goes through.
func TestLineTooLongIsRefusedWhole(t *testing.T) {
	const limit = 8192
	lan := lantest.New(t)
	pair := gather(t, lan, "ada", "bob")
	ada, bob := pair[0], pair[1]

	longest := strings.Repeat("k", limit)
	ada.write(longest)
	bob.awaitText(longest)
	for _, n := range []int{limit + 1, 100_000, 1 << 20} {
		mark := ada.mark()
		ada.write(strings.Repeat("x", n))
		e, _ := awaitAfter[failure](ada, mark, "the refusal", nil)
		if !strings.Contains(e.Error+e.Hint, "8192") && !strings.Contains(e.Error+e.Hint, "8 KiB") {
			t.Errorf("the refusal doesn't tell the limit: %+v", e)
		}
		next := "after " + string(rune('0'+len(all[failure](ada))))
		ada.write(next)
		bob.awaitText(next)
	}
	if n := len(all[failure](ada)); n != 3 {
		t.Errorf("%d errors for three lines", n)
	}
	for _, p := range pair {
		if cut := p.texts(beginning("x")); len(cut) > 0 {
			t.Errorf("%s shows %d pieces of a refused line", p.name, len(cut))
		}
	}
}

// TestTextThatATerminalWouldObey: what reaches the others has no control characters left, also where it
// came in as JSON would carry it.
func TestTextThatATerminalWouldObey(t *testing.T) {
	lan := lantest.New(t)
	pair := gather(t, lan, "ada", "bob")
	pair[0].write("start\x1b[2J\x07\u202eend")
	pair[0].write("bytes \xff\xfe that are no UTF-8")
	pair[0].write("the end")
	pair[1].awaitText("the end")
	for _, m := range all[message](pair[1]) {
		if strings.ContainsAny(m.Text, "\x1b\x07\u202e") {
			t.Errorf("bob is shown %q", m.Text)
		}
	}
	if kept := pair[1].texts(beginning("start")); len(kept) != 1 || !strings.HasSuffix(kept[0], "end") {
		t.Errorf("the harmless part of the text is lost: %q", kept)
	}
}

// TestSlashCommands: a line that begins with a slash is a command, two slashes say one.
func TestSlashCommands(t *testing.T) {
	lan := lantest.New(t)
	trio := gather(t, lan, "ada", "bob", "carl")
	ada, bob, carl := trio[0], trio[1], trio[2]
	ada.write("//quit is a word")
	bob.awaitText("/quit is a word")
	mark := ada.mark()
	ada.write("/nosuchcommand")
	awaitAfter[failure](ada, mark, "the unknown command's refusal", nil)
	ada.write("/msg bob for you alone")
	m := bob.awaitText("for you alone")
	if !m.Private || m.From.Name != "ada" {
		t.Errorf("a private message came as %+v", m)
	}
	talk(t, "all", trio...)
	if heard := carl.texts(beginning("for you")); len(heard) > 0 {
		t.Errorf("carl is shown a message to bob: %q", heard)
	}
}

// TestPortsTaken: a host whose ports belong to another program takes free ones, says so and announces them.
func TestPortsTaken(t *testing.T) {
	lan := lantest.New(t)
	h := lan.Host("ada")
	text, err := h.Listen("tcp", ":2222")
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	voiceTCP, err := h.Listen("tcp", ":55555")
	if err != nil {
		t.Fatal(err)
	}
	defer voiceTCP.Close()
	voice, err := h.ListenPacket("udp", ":55555")
	if err != nil {
		t.Fatal(err)
	}
	defer voice.Close()

	ada := start(t, h, "ada")
	open, _ := await[hosting](ada, "hosting", nil)
	for port, addrs := range map[uint16][]string{2222: open.Text, 55555: open.Voice} {
		for _, a := range addrs {
			if at, err := netip.ParseAddrPort(a); err != nil || at.Port() == port || at.Port() == 0 {
				t.Errorf("hosting at %q, %v, though the port is taken", a, err)
			}
		}
		say := map[uint16]string{2222: "2222", 55555: "55555"}[port]
		ada.until("word that port "+say+" is taken", func([]event) bool {
			return strings.Contains(ada.stderr.String(), say) ||
				slices.ContainsFunc(all[failure](ada), func(f failure) bool { return strings.Contains(f.Error+f.Hint, say) })
		})
	}
	bob := start(t, lan.Host("bob"), "bob")
	for _, p := range []*proc{ada, bob} {
		p.awaitRoster("ada", "bob")
	}
	talk(t, "elsewhere", ada, bob)
}
