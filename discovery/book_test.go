package discovery

import (
	"net/netip"
	"testing"
	"time"
)

func near(netip.Addr) bool { return true }

// drain takes all updates that wait.
func drain(b *book) []Update {
	var out []Update
	for u, ok := b.peek(); ok; u, ok = b.peek() {
		b.took(u)
		out = append(out, u)
	}
	return out
}

func TestBookCoalesces(t *testing.T) {
	b := newBook(near)
	r := hostRecord(1)
	for epoch := range uint64(100) {
		r.Epoch = epoch
		b.hearFrom(ViaBeacon, r, testAddr, addrSource, t0, beaconTTL)
	}
	got := drain(b)
	if len(got) != 1 || got[0].Peer.Epoch != 99 || got[0].Gone {
		t.Fatalf("updates %+v", got)
	}
	b.hearFrom(ViaBeacon, r, testAddr, addrSource, t0.Add(time.Second), beaconTTL)
	if got := drain(b); len(got) != 0 {
		t.Errorf("told again what is known: %+v", got)
	}
	b.leave(r.ID, t0.Add(time.Second))
	b.expire(t0.Add(time.Second))
	if got := drain(b); len(got) != 1 || !got[0].Gone || got[0].Peer.ID != r.ID {
		t.Errorf("goodbye: %+v", got)
	}
	if len(b.peers) != 0 {
		t.Error("kept after it was reported gone")
	}
	b.hearFrom(ViaBeacon, r, testAddr, addrSource, t0, beaconTTL)
	b.expire(t0.Add(beaconTTL))
	if got := drain(b); len(got) != 0 || len(b.peers) != 0 {
		t.Errorf("came and went before anybody looked: %+v", got)
	}
}

// A peer that one way has lost is there as long as another way hears it; the newest record counts.
func TestBookMergesWays(t *testing.T) {
	b := newBook(near)
	r := hostRecord(1)
	v6 := netip.MustParseAddr("fe80::9%eth0")
	b.hearFrom(ViaBeacon, r, v6, addrSource, t0, beaconTTL)
	b.hearFrom(ViaBeacon, r, testAddr, addrListed, t0, beaconTTL)
	newer := r
	newer.Epoch = 5
	b.hear(ViaMDNS, r.ID, testAddr, sighting{rec: newer, heard: t0.Add(time.Second), until: t0.Add(time.Hour),
		addrs: map[netip.Addr]addrSeen{testAddr: {t0.Add(time.Hour), addrSource}}})
	got := drain(b)
	if len(got) != 1 || got[0].Peer.Epoch != 5 || got[0].Peer.Via != ViaMDNS {
		t.Fatalf("%+v", got)
	}
	if a := got[0].Peer.Addrs; len(a) != 2 || a[0].Addr() != testAddr || a[1].Addr() != v6 {
		t.Errorf("addresses %v", a)
	}
	b.expire(t0.Add(beaconTTL))
	if got := drain(b); len(got) != 1 || got[0].Gone || len(got[0].Peer.Addrs) != 1 {
		t.Errorf("after the beacon's time: %+v", got)
	}
}

// What a member says of its host counts only while the host is silent.
func TestBookPrefersFirstHand(t *testing.T) {
	b := newBook(near)
	own := Record{ID: testID(1), Room: "lobby", Epoch: 9}
	b.hearFrom(ViaBeacon, own, testAddr, addrSource, t0, beaconTTL)
	b.hearFrom(ViaTold, hostRecord(1), netip.MustParseAddr("10.0.0.1"), addrListed, t0.Add(time.Minute), beaconTTL)
	if got := drain(b); len(got) != 1 || got[0].Peer.Record != own {
		t.Errorf("%+v", got)
	}
	b.expire(t0.Add(beaconTTL))
	if got := drain(b); len(got) != 1 || got[0].Peer.Via != ViaTold || got[0].Peer.Role != Host {
		t.Errorf("%+v", got)
	}
}

func TestBookTargets(t *testing.T) {
	b := newBook(near)
	at := netip.MustParseAddrPort("10.0.0.1:2222")
	b.target(ViaJoin, at)
	b.target(ViaRemembered, at)
	got := drain(b)
	if len(got) != 1 || got[0].Peer.Via != ViaJoin || !got[0].Peer.ID.IsZero() || got[0].Peer.Addrs[0] != at {
		t.Errorf("%+v", got)
	}
	b.expire(t0.Add(1000 * time.Hour))
	if len(b.peers) != 1 {
		t.Error("a target went")
	}
}

func TestBookIsBounded(t *testing.T) {
	b := newBook(near)
	r := hostRecord(1)
	for n := range 2 * maxPeers {
		r.ID = testID(1 + n)
		b.hearFrom(ViaBeacon, r, netip.AddrFrom4([4]byte{10, 0, byte(n >> 4), 1}), addrSource, t0, beaconTTL)
	}
	if len(b.peers) != maxPeers || len(b.queue) != maxPeers {
		t.Errorf("%d peers, %d updates", len(b.peers), len(b.queue))
	}
	for n := range 100 {
		b.hearFrom(ViaBeacon, hostRecord(1), netip.AddrFrom4([4]byte{10, 9, 9, byte(n)}), addrSource, t0, beaconTTL)
	}
	if p := b.peers[bookKey{id: testID(1)}]; len(p.heard[ViaBeacon].addrs) > maxAddrs+1 {
		t.Errorf("%d addresses of one peer", len(p.heard[ViaBeacon].addrs))
	}
}
