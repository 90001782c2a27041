package discovery

import (
	"net"
	"net/netip"
	"slices"
	"testing"
)

func TestChooseInterfaces(t *testing.T) {
	const up = net.FlagUp | net.FlagRunning
	const ether = up | net.FlagBroadcast | net.FlagMulticast
	index := 0
	nicOf := func(name string, flags net.Flags, prefixes ...string) nic {
		index++
		n := nic{Interface: net.Interface{Index: index, Name: name, Flags: flags}}
		for _, p := range prefixes {
			n.prefixes = append(n.prefixes, netip.MustParsePrefix(p))
		}
		return n
	}
	lo := nicOf("lo", up|net.FlagLoopback, "127.0.0.1/8")
	eth := nicOf("eth0", ether, "192.168.1.5/24")
	wifi := nicOf("wlp3s0", ether, "fe80::1/64")
	docker := nicOf("docker0", ether, "172.17.0.1/16")
	bridge := nicOf("br-0123456789ab", ether, "172.18.0.1/16")
	lan := nicOf("br-lan", ether, "192.168.2.1/24")
	vpn := nicOf("vpn0", up|net.FlagPointToPoint|net.FlagMulticast, "10.8.0.2/32")
	down := nicOf("eth1", net.FlagUp|net.FlagBroadcast|net.FlagMulticast, "192.168.3.5/24")
	bare := nicOf("eth2", ether)
	for name, c := range map[string]struct {
		nics []nic
		only []string
		want []string
	}{
		"physical ones":        {[]nic{lo, docker, eth, wifi, bridge, lan, vpn, down, bare}, nil, []string{"eth0", "wlp3s0", "br-lan"}},
		"virtual ones only":    {[]nic{lo, docker, vpn, down}, nil, []string{"docker0"}},
		"nothing but loopback": {[]nic{lo, vpn, down, bare}, nil, []string{"lo"}},
		"named":                {[]nic{lo, eth, docker, vpn}, []string{"vpn0", "docker0"}, []string{"docker0", "vpn0"}},
		"named, not there":     {[]nic{lo, eth}, []string{"eth7"}, nil},
	} {
		var got []string
		for _, f := range choose(c.nics, c.only) {
			got = append(got, f.name)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: chose %v, want %v", name, got, c.want)
		}
	}
}

func TestBroadcastAddresses(t *testing.T) {
	for prefix, want := range map[string]string{
		"192.168.1.5/24": "192.168.1.255", "10.77.3.4/20": "10.77.15.255", "127.0.0.1/8": "127.255.255.255",
		"10.0.0.1/31": "", "10.0.0.1/32": "", "fd00::1/64": "",
	} {
		got := ""
		for _, a := range (iface{prefixes: []netip.Prefix{netip.MustParsePrefix(prefix)}}).broadcasts() {
			got += a.String()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", prefix, got, want)
		}
	}
}
