//go:build linux

package main_test

import (
	"net/netip"
	"testing"

	"parley.lan/internal/lantest"
)

func TestRoomsOnOneLANDoNotMix(t *testing.T) {
	lan := lantest.New(t)
	red1 := start(t, lan.Host("r1"), "r1", "--room", "red")
	blue1 := start(t, lan.Host("b1"), "b1", "--room", "blue")
	await[hosting](red1, "hosting", nil)
	await[hosting](blue1, "hosting", nil)
	red2 := start(t, lan.Host("r2"), "r2", "--room", "red")
	blue2 := start(t, lan.Host("b2"), "b2", "--room", "blue")
	for _, p := range []*proc{red1, red2} {
		p.awaitRoster("r1", "r2")
	}
	for _, p := range []*proc{blue1, blue2} {
		p.awaitRoster("b1", "b2")
	}
	talk(t, "red", red1, red2)
	talk(t, "blue", blue1, blue2) // after red's words went all their way
	for _, p := range []*proc{red1, red2, blue1, blue2} {
		events, _, _ := p.feed.snapshot()
		if j, _ := settled(events); (p == red1 || p == red2) != (j.Room == "red") {
			t.Errorf("%s is in room %q", p.name, j.Room)
		}
		for _, m := range all[message](p) {
			if m.From.Name[0] != p.name[0] {
				t.Errorf("%s shows %q of the other room", p.name, m.Text)
			}
		}
	}
}

// TestJoinWorksWhereMulticastIsCut: on a LAN that drops multicast and broadcast nobody is found, and --join
// is the way in.
func TestJoinWorksWhereMulticastIsCut(t *testing.T) {
	lan := lantest.New(t)
	lan.Filter(func(_, _ *lantest.Host, frame []byte) bool { return !lantest.Parse(frame).GroupUDP() })
	ada := start(t, lan.Host("ada"), "ada")
	await[hosting](ada, "hosting", nil)
	addr := ada.host.Addr()
	bob := start(t, lan.Host("bob"), "bob", "--join", addr.String())
	carl := start(t, lan.Host("carl"), "carl", "--join", "10.77.0.99", "--join", netip.AddrPortFrom(addr, 2222).String())
	alone := start(t, lan.Host("alone"), "alone") // shows that the LAN is as blocked as it should be
	for _, p := range []*proc{ada, bob, carl} {
		p.awaitRoster("ada", "bob", "carl")
	}
	talk(t, "joined", ada, bob, carl)
	alone.awaitRoster("alone")
}

// TestOneWayOfFindingIsEnough: mDNS and the beacon run side by side, and each finds the room by itself.
func TestOneWayOfFindingIsEnough(t *testing.T) {
	const mdns = 5353
	for _, cut := range []struct {
		name string
		port uint16
	}{{"mDNS alone", beaconPort}, {"the beacon alone", mdns}} {
		t.Run(cut.name, func(t *testing.T) {
			lan := lantest.New(t)
			lan.Filter(func(_, _ *lantest.Host, frame []byte) bool { return !lantest.Parse(frame).UDP(cut.port) })
			all := gather(t, lan, "ada", "bob", "carl")
			talk(t, "found", all...)
		})
	}
}

// TestTwoNodesOnOneMachineWithLoopbackAlone: an offline laptop, where multicast has no interface to go to.
func TestTwoNodesOnOneMachineWithLoopbackAlone(t *testing.T) {
	laptop := lantest.New(t).Offline("laptop")
	ada := start(t, laptop, "ada")
	await[hosting](ada, "hosting", nil)
	bob := start(t, laptop, "bob")
	for _, p := range []*proc{ada, bob} {
		p.awaitRoster("ada", "bob")
	}
	talk(t, "offline", ada, bob)
}

// TestTwoNodesOfOneMachineOnALAN share mDNS's port and the machine's address.
func TestTwoNodesOfOneMachineOnALAN(t *testing.T) {
	lan := lantest.New(t)
	machine := lan.Host("machine")
	ada := start(t, machine, "ada")
	await[hosting](ada, "hosting", nil)
	bob, carl := start(t, machine, "bob"), start(t, lan.Host("other"), "carl")
	for _, p := range []*proc{ada, bob, carl} {
		p.awaitRoster("ada", "bob", "carl")
	}
	talk(t, "shared", ada, bob, carl)
}
