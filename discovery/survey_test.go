//go:build linux

package discovery

import (
	"errors"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"parley.lan/internal/lantest"
)

// survey looks around from a host, until enough was heard or a while has passed.
func surveyFrom(t *testing.T, h *lantest.Host, cfg SurveyConfig) (out *Surveyed) {
	t.Helper()
	cfg.Time = 2500 * time.Millisecond
	if err := h.Do(func() (err error) {
		out, err = Survey(t.Context(), cfg)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestSurveyKeepsTheWaysApart: on which a node is found depends on what the LAN lets pass, and on nothing else.
func TestSurveyKeepsTheWaysApart(t *testing.T) {
	lan := lantest.New(t)
	ada, me := lan.Host("ada"), lan.Host("me")
	rec := Record{Room: "lobby", Name: "ada", Role: Host, Epoch: 2, Proto: 1, Text: 2222, Voice: 55555}
	watch(t, ada, 1, &rec, nil)
	bob := lan.Host("bob")
	watch(t, bob, 2, &Record{Room: "garden", Name: "bob", Role: Member, Epoch: 2, Proto: 7, Locked: true, Host: testID(1)}, nil)
	found := func(heard []Sighted) bool { return len(heard) >= 2 }
	for _, c := range []struct {
		name string
		pass func(lantest.Packet) bool
		cfg  SurveyConfig
		ways []string
	}{
		{"all", func(lantest.Packet) bool { return true }, SurveyConfig{Enough: found}, []string{ViaBeacon, ViaMDNS}},
		{"mDNS", func(p lantest.Packet) bool { return !p.UDP(beaconPort) }, SurveyConfig{Enough: found}, []string{ViaMDNS}},
		{"beacon", func(p lantest.Packet) bool { return !p.UDP(mdnsPort) }, SurveyConfig{Enough: found}, []string{ViaBeacon}},
		{"by name", func(p lantest.Packet) bool { return !p.GroupUDP() }, SurveyConfig{Ask: []netip.Addr{ada.Addr(), bob.Addr()}, Enough: found}, []string{ViaDirect}},
		{"each address", func(p lantest.Packet) bool { return !p.GroupUDP() }, SurveyConfig{Sweep: time.Millisecond, Enough: found}, []string{ViaDirect}},
		{"none", func(p lantest.Packet) bool { return !p.GroupUDP() }, SurveyConfig{}, nil},
	} {
		lan.Filter(func(_, _ *lantest.Host, frame []byte) bool { return c.pass(lantest.Parse(frame)) })
		s := surveyFrom(t, me, c.cfg)
		if s.MDNS != nil || s.Beacon != nil || s.Send["eth0"] != nil {
			t.Errorf("%s: %+v", c.name, s)
		}
		if c.ways == nil {
			if len(s.Nodes) > 0 {
				t.Errorf("%s: found %+v", c.name, s.Nodes)
			}
			continue
		}
		i := slices.IndexFunc(s.Nodes, func(n Sighted) bool { return n.ID == testID(1) })
		j := slices.IndexFunc(s.Nodes, func(n Sighted) bool { return n.ID == testID(2) })
		if i < 0 || j < 0 {
			t.Errorf("%s: not all found: %+v", c.name, s.Nodes)
			continue
		}
		a, b := s.Nodes[i], s.Nodes[j]
		if !slices.Equal(a.Ways, c.ways) || a.Room != "lobby" || a.Here || !slices.Contains(a.From, ada.Addr()) ||
			len(a.Addrs) == 0 || a.Addrs[0] != netip.AddrPortFrom(ada.Addr(), 2222) {
			t.Errorf("%s: ada is %+v", c.name, a)
		}
		if b.Proto != 7 || !b.Locked || len(b.Addrs) != 0 || b.Role != Member {
			t.Errorf("%s: bob is %+v", c.name, b)
		}
	}
}

// TestEcho: what one sends to oneself comes back, unless something on this machine drops it; and goes no further.
func TestEcho(t *testing.T) {
	lan := lantest.New(t)
	me := lan.Host("me")
	lan.Host("other")
	leaked := make(chan struct{}, 1)
	lan.Filter(func(_, _ *lantest.Host, frame []byte) bool {
		if p := lantest.Parse(frame); p.UDP(55555) || p.UDP(mdnsPort) {
			select {
			case leaked <- struct{}{}:
			default:
			}
		}
		return true
	})
	echo := func(port int, shared bool) (err error) {
		me.Do(func() error {
			all, e := Interfaces(nil)
			if err = e; err != nil {
				return nil
			}
			i := slices.IndexFunc(all, func(i Interface) bool { return i.Name == "eth0" })
			err = Echo(all[i], port, shared)
			return nil
		})
		return err
	}
	for _, port := range []int{mdnsPort, beaconPort, 55555} {
		if err := echo(port, port != 55555); err != nil {
			t.Errorf("port %d: %v", port, err)
		}
	}
	c, err := me.ListenPacket("udp", ":55555")
	if err != nil {
		t.Fatal(err)
	}
	if err := echo(55555, false); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a taken port: %v", err)
	}
	c.Close()
	if out, err := me.Command(t.Context(), "nft", "table inet f { chain i { type filter hook input priority 0; udp dport 55555 drop; }; }").CombinedOutput(); err != nil {
		t.Fatalf("nft: %v: %s", err, out)
	}
	if err := echo(55555, false); !errors.Is(err, ErrNoEcho) {
		t.Errorf("a port that a firewall drops: %v", err)
	}
	if err := echo(mdnsPort, true); err != nil {
		t.Errorf("a port that it doesn't: %v", err)
	}
	if out, err := me.Command(t.Context(), "ip", "-4", "addr", "flush", "dev", "eth0").CombinedOutput(); err != nil {
		t.Fatalf("ip: %v: %s", err, out)
	}
	if err := echo(mdnsPort, true); err != nil {
		t.Errorf("by IPv6: %v", err)
	}
	if err := echo(55555, false); !errors.Is(err, ErrNoEcho) {
		t.Errorf("a port that a firewall drops, by IPv6: %v", err)
	}
	select {
	case <-leaked:
		t.Error("it went out on the LAN")
	default:
	}
}

func TestSweepOf(t *testing.T) {
	one := sweepOf([]iface{{name: "eth0", prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.0.3/29"), netip.MustParsePrefix("fe80::1/64")}}})
	want := []string{"10.0.0.2", "10.0.0.4", "10.0.0.1", "10.0.0.5", "10.0.0.6"}
	var got []string
	for _, a := range one {
		got = append(got, a.String())
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v: the nearest first, without network, broadcast and oneself", got, want)
	}
	for _, f := range []iface{
		{prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.0.3/16")}},                 // too large
		{prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.0.3/24")}, tier: 1},        // containers
		{prefixes: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8")}, loopback: true}, // oneself
	} {
		if all := sweepOf([]iface{f}); len(all) != 0 {
			t.Errorf("%v: %v", f, all)
		}
	}
	if all := sweepOf([]iface{{prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.0.3/24")}}}); len(all) != 253 {
		t.Errorf("%d addresses of a /24", len(all))
	}
}
