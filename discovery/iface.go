package discovery

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// iface is a network interface in use.
type iface struct {
	name      string
	index     int
	prefixes  []netip.Prefix // its addresses
	multicast bool
	loopback  bool
	tier      int
}

// nic is an interface as the system shows it; the pure choice is made from these.
type nic struct {
	net.Interface
	prefixes []netip.Prefix
}

// Prefixes of the names of interfaces that lead to machines inside this one, or out of the LAN.
var virtual = []string{"docker", "veth", "virbr", "vmnet", "vboxnet", "vethernet", "tun", "utun", "tap", "wg", "tailscale",
	"zt", "lxcbr", "lxdbr", "cni", "flannel", "cali", "awdl", "llw", "ifb", "bridge100"}

// choose picks the interfaces to use: those named, or else the physical ones, or else the virtual ones, or else the
// loopback, over which two nodes on a machine that is alone still meet. Loopback is never used beside a LAN: there a
// node on the same machine is heard by the LAN's own multicast, at an address that means the same to everybody.
func choose(nics []nic, only []string) []iface {
	var out []iface
	for _, n := range nics {
		named := slices.Contains(only, n.Name)
		if len(only) > 0 && !named || n.Flags&net.FlagUp == 0 || n.Flags&net.FlagRunning == 0 || len(n.prefixes) == 0 {
			continue
		}
		f := iface{name: n.Name, index: n.Index, prefixes: n.prefixes}
		f.multicast, f.loopback = n.Flags&net.FlagMulticast != 0, n.Flags&net.FlagLoopback != 0
		switch {
		case named:
		case f.loopback:
			f.tier = 2
		case n.tunnel():
			continue
		case n.virtual():
			f.tier = 1
		}
		out = append(out, f)
	}
	best := 2
	for _, f := range out {
		best = min(best, f.tier)
	}
	out = slices.DeleteFunc(out, func(f iface) bool { return f.tier != best })
	slices.SortFunc(out, func(a, b iface) int { return a.index - b.index })
	return out
}

// virtual tells by its name that an interface leads to machines inside this one, or out of the LAN.
func (n nic) virtual() bool {
	lower := strings.ToLower(n.Name)
	return slices.ContainsFunc(virtual, func(p string) bool { return strings.HasPrefix(lower, p) }) ||
		strings.HasPrefix(lower, "br-") && len(lower) == len("br-")+12 // a Docker network; br-lan is not one
}

func (n nic) tunnel() bool {
	return n.Flags&net.FlagPointToPoint != 0 || n.Flags&(net.FlagMulticast|net.FlagBroadcast|net.FlagLoopback) == 0
}

// Interface is a network interface of this machine, and whether nodes are looked for on it.
type Interface struct {
	Name      string
	Index     int
	Prefixes  []netip.Prefix // its addresses
	Up        bool           // and something is at its other end
	Multicast bool
	Loopback  bool
	Tunnel    bool // to one place, not to a LAN
	Virtual   bool // to machines inside this one, or out of the LAN
	Used      bool
}

// Interfaces lists all of them; only is as in Config.Ifaces.
func Interfaces(only []string) ([]Interface, error) {
	nics, err := systemNICs()
	if err != nil {
		return nil, err
	}
	used := choose(nics, only)
	var out []Interface
	for _, n := range nics {
		out = append(out, Interface{
			Name: n.Name, Index: n.Index, Prefixes: n.prefixes,
			Up:        n.Flags&net.FlagUp != 0 && n.Flags&net.FlagRunning != 0,
			Multicast: n.Flags&net.FlagMulticast != 0, Loopback: n.Flags&net.FlagLoopback != 0,
			Tunnel: n.tunnel(), Virtual: n.virtual(),
			Used: slices.ContainsFunc(used, func(f iface) bool { return f.index == n.Index }),
		})
	}
	return out, nil
}

// systemNICs asks the system for its interfaces.
func systemNICs() ([]nic, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list network interfaces: %w", err)
	}
	var nics []nic
	for _, i := range all {
		n := nic{Interface: i}
		addrs, err := i.Addrs()
		if err != nil {
			continue // went away meanwhile
		}
		for _, a := range addrs {
			ipnet, ok := a.(*net.IPNet)
			if !ok {
				continue
			}
			addr, ok := netip.AddrFromSlice(ipnet.IP)
			ones, _ := ipnet.Mask.Size()
			if ok = ok && usable(addr); ok {
				n.prefixes = append(n.prefixes, netip.PrefixFrom(addr.Unmap(), ones))
			}
		}
		nics = append(nics, n)
	}
	return nics, nil
}

func sameIfaces(a, b []iface) bool {
	return slices.EqualFunc(a, b, func(x, y iface) bool {
		return x.name == y.name && x.index == y.index && x.multicast == y.multicast && slices.Equal(x.prefixes, y.prefixes)
	})
}

// has tells whether the interface has an address of the family.
func (f iface) has(v6 bool) bool {
	return slices.ContainsFunc(f.prefixes, func(p netip.Prefix) bool { return p.Addr().Is6() == v6 })
}

// addrs are the interface's addresses as others should know them.
func (f iface) addrs() []netip.Addr {
	var out []netip.Addr
	for _, p := range f.prefixes {
		if !p.Addr().IsLoopback() && len(out) < maxAddrs {
			out = append(out, p.Addr())
		}
	}
	return out
}

// v4 is the interface's first IPv4 address that others can use; invalid when there is none.
func (f iface) v4() netip.Addr {
	for _, a := range f.addrs() {
		if a.Is4() {
			return a
		}
	}
	return netip.Addr{}
}

// broadcasts are the directed broadcast addresses of the interface's IPv4 networks.
func (f iface) broadcasts() []netip.Addr {
	var out []netip.Addr
	for _, p := range f.prefixes {
		if !p.Addr().Is4() || p.Bits() > 30 {
			continue
		}
		a := p.Addr().As4()
		for i := range 32 - p.Bits() {
			a[3-i/8] |= 1 << (i % 8)
		}
		out = append(out, netip.AddrFrom4(a))
	}
	return out
}

// local tells whether addr is one of this machine's own.
func local(ifaces []iface, addr netip.Addr) bool {
	addr = addr.WithZone("")
	return addr.IsLoopback() || slices.ContainsFunc(ifaces, func(f iface) bool {
		return slices.ContainsFunc(f.prefixes, func(p netip.Prefix) bool { return p.Addr() == addr })
	})
}

// onLink tells whether addr is on one of the links, as section 11 wants of whoever speaks mDNS.
func onLink(ifaces []iface, addr netip.Addr) bool {
	if addr.IsLinkLocalUnicast() || addr.IsLoopback() {
		return true
	}
	return slices.ContainsFunc(ifaces, func(f iface) bool {
		return slices.ContainsFunc(f.prefixes, func(p netip.Prefix) bool { return p.Contains(addr) })
	})
}
