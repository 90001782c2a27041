//go:build linux

package discovery

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/mdns"
	"github.com/miekg/dns"

	"parley.lan/identity"
	"parley.lan/internal/lantest"
)

// Several nodes on one machine find each other and the LAN's, and the LAN's find all of them.
func TestSeveralNodesOnOneMachine(t *testing.T) {
	t.Parallel()
	lan := lantest.New(t)
	a, b := lan.Host("a"), lan.Host("b")
	var all []*watcher
	all = append(all, watch(t, a, 1, rec(hosting(1)), nil))
	for n := 2; n <= 3; n++ {
		all = append(all, watch(t, a, n, rec(looking(n)), nil))
	}
	all = append(all, watch(t, b, 4, rec(looking(4)), nil))
	for i, w := range all {
		for n := 1; n <= 4; n++ {
			if n != i+1 {
				w.waitFor(n, 2*time.Second)
			}
		}
	}
	for _, w := range all[1:] {
		if got, want := w.here()[testID(1)].Addrs, netip.AddrPortFrom(a.Addr(), 2222); len(got) == 0 || got[0] != want {
			t.Errorf("host at %v, want %v first", got, want)
		}
	}
}

// A laptop on a train: three nodes, and nothing but loopback.
func TestLoopbackAlone(t *testing.T) {
	t.Parallel()
	a := lantest.New(t).Offline("a")
	var all []*watcher
	for n := 1; n <= 3; n++ {
		r := looking(n)
		if n == 1 {
			r = hosting(n)
		}
		all = append(all, watch(t, a, n, &r, nil))
	}
	for i, w := range all {
		for n := 1; n <= 3; n++ {
			if n != i+1 {
				w.waitFor(n, time.Second)
			}
		}
	}
	if got := all[1].here()[testID(1)].Addrs; len(got) == 0 || got[0].String() != "127.0.0.1:2222" {
		t.Errorf("host at %v, want 127.0.0.1:2222 first", got)
	}
	all[0].stop()
	took := all[1].wait("the host has gone", time.Second, func(p map[identity.NodeID]Peer) bool {
		_, ok := p[testID(1)]
		return !ok
	})
	t.Logf("goodbye after %v", took)
}

// A change of role reaches everybody at once, without anybody asking; and so does a goodbye.
func TestChangesAndGoodbyeArriveAtOnce(t *testing.T) {
	lan := lantest.New(t)
	a := watch(t, lan.Host("a"), 1, rec(looking(1)), nil)
	b := watch(t, lan.Host("b"), 2, rec(looking(2)), nil)
	only := watch(t, lan.Host("c"), 0, nil, nil) // only looks
	b.waitFor(1, time.Second)
	only.waitFor(1, time.Second)
	begin := time.Now()
	a.Announce(hosting(1))
	isHost := func(p map[identity.NodeID]Peer) bool { return p[testID(1)].Role == Host }
	b.wait("role host", time.Second, isHost)
	took := time.Since(begin)
	only.wait("role host", time.Second, isHost)
	t.Logf("role change seen after %v", took)
	if took > 100*time.Millisecond {
		t.Errorf("role change seen after %v", took)
	}
	if len(a.here()) != 1 {
		t.Errorf("one that only looks was seen: %v", a.here())
	}
	a.stop()
	isGone := func(p map[identity.NodeID]Peer) bool { _, ok := p[testID(1)]; return !ok }
	b.wait("gone", time.Second, isGone)
	only.wait("gone", time.Second, isGone)
}

// Where multicast and broadcast are cut (access points do that), --join still finds; also by way of a member.
func TestJoinWithoutMulticast(t *testing.T) {
	t.Parallel()
	lan := lantest.New(t)
	lan.Filter(func(from, to *lantest.Host, frame []byte) bool { return !lantest.Parse(frame).GroupUDP() })
	ha, hb, hc := lan.Host("a"), lan.Host("b"), lan.Host("c")
	watch(t, ha, 1, rec(hosting(1)), nil)
	member := looking(2)
	member.Role, member.Host, member.Epoch = Member, testID(1), 1
	b := watch(t, hb, 2, &member, func(c *Config) { c.Join = []string{ha.Addr().String() + ":2345"} })
	b.waitFor(1, time.Second)
	b.mu.Lock()
	if len(b.targets) != 1 || b.targets[0].Via != ViaJoin || b.targets[0].Addrs[0].String() != ha.Addr().String()+":2345" {
		t.Errorf("targets %v", b.targets)
	}
	b.mu.Unlock()
	b.Remember(netip.AddrPortFrom(ha.Addr(), 2222), testID(1))
	c := watch(t, hc, 3, rec(looking(3)), func(c *Config) { c.Join = []string{hb.Addr().String()} })
	c.waitFor(2, time.Second)
	c.waitFor(1, time.Second)
	if p := c.here()[testID(1)]; p.Via != ViaTold || p.Role != Host || p.Addrs[0].Addr() != ha.Addr() {
		t.Errorf("host as told by a member: %+v", p)
	}
}

// A host joined before is asked directly.
func TestRememberedWithoutMulticast(t *testing.T) {
	t.Parallel()
	lan := lantest.New(t)
	lan.Filter(func(from, to *lantest.Host, frame []byte) bool { return !lantest.Parse(frame).GroupUDP() })
	ha, hb := lan.Host("a"), lan.Host("b")
	watch(t, ha, 1, rec(hosting(1)), nil)
	file := filepath.Join(t.TempDir(), "hosts")
	with := func(c *Config) { c.Remembered = file }
	w := watch(t, hb, 2, rec(looking(2)), with)
	w.Remember(netip.AddrPortFrom(ha.Addr(), 2222), testID(1))
	for range 100 {
		if _, err := os.Stat(file); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.stop()
	w = watch(t, hb, 2, rec(looking(2)), with)
	w.waitFor(1, time.Second)
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.targets) != 1 || w.targets[0].Via != ViaRemembered {
		t.Errorf("targets %v", w.targets)
	}
}

// Interfaces come, go and change their address, and come again with another index.
func TestInterfacesChange(t *testing.T) {
	t.Parallel()
	lan := lantest.New(t)
	hb := lan.Offline("b")
	a := watch(t, lan.Host("a"), 1, rec(hosting(1)), nil)
	b := watch(t, hb, 2, rec(looking(2)), nil)
	hb.AddInterface(lan, "lan1")
	t.Logf("found %v after the interface came", b.waitFor(1, 5*time.Second))
	a.waitFor(2, 4*time.Second)
	hb.RemoveInterface("lan1")
	time.Sleep(ifacePoll + 500*time.Millisecond) // it is seen to be gone
	hb.AddInterface(lan, "lan1")
	a.stop()
	a = watch(t, lan.Host("c"), 3, rec(hosting(3)), nil)
	t.Logf("found %v after it came again", b.waitFor(3, 5*time.Second))
	b.Announce(hosting(2))
	a.wait("b hosts", 2*time.Second, func(p map[identity.NodeID]Peer) bool { return p[testID(2)].Role == Host })
	to := netip.PrefixFrom(netip.MustParseAddr("10.77.0.200"), 24)
	hb.SetAddr("lan1", to)
	took := a.wait("b's new address", 5*time.Second, func(p map[identity.NodeID]Peer) bool {
		return slices.Contains(p[testID(2)].Addrs, netip.AddrPortFrom(to.Addr(), 2222))
	})
	t.Logf("new address seen after %v", took)
}

// A machine whose IPv6 was turned off.
func TestWithoutIPv6(t *testing.T) {
	t.Parallel()
	lan := lantest.New(t)
	a, b := lan.Host("a"), lan.Host("b")
	for _, h := range []*lantest.Host{a, b} {
		if err := h.Do(func() error {
			return os.WriteFile("/proc/sys/net/ipv6/conf/all/disable_ipv6", []byte("1"), 0)
		}); err != nil {
			t.Skip(err)
		}
	}
	watch(t, a, 1, rec(hosting(1)), nil).waitStill()
	w := watch(t, b, 2, rec(looking(2)), nil)
	w.waitFor(1, time.Second)
}

// Only mDNS (the beacon's port is filtered), and only the beacon (port 5353 is taken on one side).
func TestEachWayAlone(t *testing.T) {
	t.Run("mdns", func(t *testing.T) {
		t.Parallel()
		lan := lantest.New(t)
		lan.Filter(func(from, to *lantest.Host, frame []byte) bool { return !lantest.Parse(frame).UDP(beaconPort) })
		a := watch(t, lan.Host("a"), 1, rec(hosting(1)), nil)
		a.waitStill()
		w := watch(t, lan.Host("b"), 2, rec(looking(2)), nil)
		t.Logf("found after %v", w.waitFor(1, time.Second))
		if via := w.here()[testID(1)].Via; via != ViaMDNS {
			t.Error("via", via)
		}
		following := looking(2)
		following.Role, following.Epoch, following.Host = Member, 1, testID(1)
		if a.here()[testID(2)].Room != "" {
			t.Error("who still looks has announced a service")
		}
		w.Announce(following)
		a.waitFor(2, time.Second)
	})
	t.Run("beacon", func(t *testing.T) {
		t.Parallel()
		lan := lantest.New(t)
		ha := lan.Host("a")
		for _, network := range []string{"udp4", "udp6"} {
			c, err := ha.ListenPacket(network, ":5353")
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
		}
		a := watch(t, ha, 1, rec(hosting(1)), nil)
		a.waitStill()
		w := watch(t, lan.Host("b"), 2, rec(looking(2)), nil)
		t.Logf("found after %v", w.waitFor(1, time.Second))
		a.waitFor(2, time.Second)
	})
}

// Any program that speaks mDNS finds a node: here the library's own client, which asks from a port of its own.
func TestLibraryClientFindsHost(t *testing.T) {
	t.Parallel()
	lan := lantest.New(t)
	a, b := lan.Host("a"), lan.Host("b")
	watch(t, a, 1, rec(hosting(1)), nil).waitStill()
	entries := make(chan *mdns.ServiceEntry, 16)
	if err := b.Do(func() error {
		eth, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		return mdns.Query(&mdns.QueryParam{Service: "_parley._tcp", Timeout: 300 * time.Millisecond, Interface: eth,
			Entries: entries, DisableIPv4: true, Logger: log.New(io.Discard, "", 0)})
	}); err != nil {
		t.Fatal(err)
	}
	select {
	case e := <-entries:
		if e.Name != instanceOf(testID(1)) || e.Port != 2222 || !slices.Contains(e.InfoFields, "role=host") {
			t.Errorf("found %+v", e)
		}
	default:
		t.Error("nothing found")
	}
}

// Thirty nodes begin in the same moment, all in this process: everybody finds everybody.
func TestManyAtOnce(t *testing.T) {
	lan := lantest.New(t)
	var hosts []*lantest.Host
	for i := range 10 {
		hosts = append(hosts, lan.Host(fmt.Sprint("h", i)))
	}
	var all []*watcher
	for n := range 30 {
		all = append(all, watch(t, hosts[n%len(hosts)], 1+n, rec(looking(1+n)), nil))
	}
	begin := time.Now()
	for _, w := range all {
		w.wait("everybody", 20*time.Second, func(p map[identity.NodeID]Peer) bool { return len(p) == len(all)-1 })
	}
	t.Logf("%d nodes know each other %v after the last one started", len(all), time.Since(begin))
}

// A program that shares port 5353 (Avahi does) is answered by multicast, unless it knows the answer already.
func TestAnswersByMulticast(t *testing.T) {
	t.Parallel()
	lan := lantest.New(t)
	ha, hb := lan.Host("a"), lan.Host("b")
	watch(t, ha, 1, rec(hosting(1)), nil).waitStill()
	var s *socket
	if err := hb.Do(func() (err error) {
		if s, err = open(mdnsShared, false, mdnsPort); err != nil {
			return err
		}
		eth, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		return s.join(iface{name: eth.Name, index: eth.Index}, mdnsGroup[0])
	}); err != nil {
		t.Fatal(err)
	}
	defer s.conn.Close()
	ask := func(known []knownPeer) {
		data, err := question(false, known, nil).Pack()
		if err != nil {
			t.Fatal(err)
		}
		eth := 2 // a TAP device in a fresh namespace comes after lo
		if err := s.send(data, netip.AddrPortFrom(mdnsGroup[0], mdnsPort), eth); err != nil {
			t.Fatal(err)
		}
	}
	heard := func(within time.Duration) int {
		n := 0
		s.conn.SetReadDeadline(time.Now().Add(within))
		buf := make([]byte, mdnsMax)
		for {
			size, cm, _, err := s.p4.ReadFrom(buf)
			if err != nil {
				return n
			}
			var m dns.Msg
			if m.Unpack(buf[:size]) == nil && m.Response && cm.Dst.IsMulticast() {
				n++
				for _, rr := range m.Answer {
					if _, ok := rr.(*dns.SRV); ok && rr.Header().Class&flushBit == 0 {
						t.Error("multicast SRV without the flush bit")
					}
				}
			}
		}
	}
	ask([]knownPeer{{testID(1), recordTTL}})
	if n := heard(300 * time.Millisecond); n != 0 {
		t.Errorf("%d answers that were known", n)
	}
	for range 5 {
		ask(nil)
	}
	if n := heard(300 * time.Millisecond); n != 1 {
		t.Errorf("%d multicast answers to 5 questions in one second, want 1", n)
	}
}
