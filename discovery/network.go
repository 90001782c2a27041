package discovery

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
)

// network is the sockets on the interfaces in use. Its owner is Run's loop.
type network struct {
	log     *slog.Logger
	ifaces  []iface
	all     [ports][2]*socket // second index 1: IPv6; nil where there is none
	readers sync.WaitGroup

	sent, failed int          // datagrams; reset by whoever reads them
	closed       [ports]error // why neither family of a port could be opened
}

var (
	mdnsGroup   = [2]netip.Addr{netip.MustParseAddr("224.0.0.251"), netip.MustParseAddr("ff02::fb")}
	beaconGroup = netip.MustParseAddr("ff12::7061:726c:6579") // link-local, not assigned by IANA: "parley"
	everybody   = netip.MustParseAddr("255.255.255.255")
)

// start opens the sockets and begins to read. What can't be opened is done without.
func (n *network) start(ctx context.Context, out chan<- packet) {
	numbers := [ports]int{mdnsShared: mdnsPort, beaconShared: beaconPort}
	for on := range ports {
		var err error
		for v6 := range 2 {
			s, e := open(on, v6 == 1, numbers[on])
			if e != nil {
				n.log.Debug("no socket", "port", numbers[on], "ipv6", v6 == 1, "err", e)
				err = e
				continue
			}
			n.all[on][v6] = s
			n.readers.Go(func() { s.receive(ctx, out) })
		}
		if n.all[on] != [2]*socket{} {
			continue
		}
		n.closed[on] = err
		switch on {
		case mdnsShared:
			n.log.Warn("UDP port 5353 is taken by a program that doesn't share it; going on with the beacon alone, "+
				"so others may be found a little later", "err", err)
		case beaconShared:
			n.log.Warn("UDP port 22222 is taken by a program that doesn't share it; going on with mDNS alone", "err", err)
		default:
			n.log.Warn("no UDP port for questions", "err", err)
		}
	}
}

func (n *network) stop() {
	for _, pair := range n.all {
		for _, s := range pair {
			if s != nil {
				s.conn.Close()
			}
		}
	}
	n.readers.Wait()
}

// use goes over to these interfaces. An interface that was deleted and made anew has another index, so joining
// again is right; where nothing changed it does no harm.
func (n *network) use(ifaces []iface) {
	n.ifaces = ifaces
	join := func(s *socket, f iface, group netip.Addr) {
		if s == nil || !f.has(s.p6 != nil) {
			return
		}
		if err := s.join(f, group); err != nil {
			n.log.Debug("join multicast group", "iface", f.name, "group", group, "err", err)
		}
	}
	for _, f := range ifaces {
		if f.multicast && !f.loopback {
			join(n.all[mdnsShared][0], f, mdnsGroup[0])
			join(n.all[mdnsShared][1], f, mdnsGroup[1])
		}
		join(n.all[beaconShared][1], f, beaconGroup)
	}
}

// own is all addresses of the interfaces in use.
func (n *network) own() []netip.Addr {
	var out []netip.Addr
	for _, f := range n.ifaces {
		out = append(out, f.addrs()...)
	}
	return out
}

// on finds an interface by index; the zero iface, without addresses, when it is not in use.
func (n *network) on(ifindex int) iface {
	for _, f := range n.ifaces {
		if f.index == ifindex {
			return f
		}
	}
	return iface{}
}

// at is the addresses to tell on an interface: all of them when it is unknown.
func (n *network) at(ifindex int) []netip.Addr {
	if addrs := n.on(ifindex).addrs(); len(addrs) > 0 {
		return addrs
	}
	return n.own()
}

func (n *network) send(s *socket, data []byte, to netip.AddrPort, ifindex int) {
	n.sent++
	if err := s.send(data, to, ifindex); err != nil {
		n.failed++
		n.log.Debug("send", "to", to, "ifindex", ifindex, "err", err)
	}
}

// multicast sends an mDNS message out of one interface, by both families. It goes out of the shared port, or for
// questions also out of one's own.
func (n *network) multicast(on port, f iface, data []byte) {
	if !f.multicast || f.loopback {
		return
	}
	for v6, s := range n.all[on] {
		if s == nil || !f.has(v6 == 1) {
			continue
		}
		group := mdnsGroup[v6]
		if v6 == 1 {
			group = group.WithZone(f.name)
		}
		n.send(s, data, netip.AddrPortFrom(group, mdnsPort), f.index)
	}
}

// shout sends a beacon to everybody within reach. The first of several is not wide: it spares those whose network mask
// is right, nearly everybody, a second copy.
func (n *network) shout(b beacon, wide bool) {
	s4, s6 := n.all[beaconAsk][0], n.all[beaconAsk][1]
	for _, f := range n.ifaces {
		b.v4 = f.v4()
		data := b.encode(nil)
		if s4 != nil && f.has(false) {
			for _, a := range f.broadcasts() {
				n.send(s4, data, netip.AddrPortFrom(a, beaconPort), f.index)
			}
			if wide && !f.loopback {
				n.send(s4, data, netip.AddrPortFrom(everybody, beaconPort), f.index)
			}
		}
		if s6 != nil && f.has(true) {
			n.send(s6, data, netip.AddrPortFrom(beaconGroup.WithZone(f.name), beaconPort), f.index)
		}
	}
}

// tell sends a beacon to one address.
func (n *network) tell(on port, data []byte, to netip.AddrPort) {
	v6 := 0
	if to.Addr().Is6() {
		v6 = 1
	}
	if s := n.all[on][v6]; s != nil {
		n.send(s, data, to, 0)
	}
}

// unicast tells whether a packet was meant for this machine alone, or the system doesn't say.
func (n *network) unicast(p packet) bool {
	if !p.to.IsValid() {
		return true
	}
	return !p.to.IsMulticast() && p.to != everybody && p.to != loopbackBroadcast && local(n.ifaces, p.to)
}

var loopbackBroadcast = netip.MustParseAddr("127.255.255.255")
