package discovery

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// port tells what a packet is, by the socket that it came to.
type port uint8

const (
	mdnsShared   port = iota // 5353, shared with others on this machine
	mdnsAsk                  // of our own, for questions: answers by unicast surely reach it
	beaconShared             // 22222
	beaconAsk
	ports
)

// packet is one datagram as received.
type packet struct {
	on      port
	v6      bool
	data    []byte
	from    netip.AddrPort
	ifindex int        // 0 where the system doesn't tell (Windows)
	to      netip.Addr // invalid where the system doesn't tell
}

// socket is a UDP socket of one family that names the interface of each packet, both ways.
type socket struct {
	on   port
	conn *net.UDPConn
	p4   *ipv4.PacketConn // one of the two
	p6   *ipv6.PacketConn
	tell bool // the system knows control messages
}

// open binds a socket; number 0 lets the system choose, any other is shared.
func open(on port, v6 bool, number int) (*socket, error) {
	return openPort(on, v6, number, number != 0)
}

func openPort(on port, v6 bool, number int, shared bool) (*socket, error) {
	network, host := "udp4", "0.0.0.0"
	if v6 {
		network, host = "udp6", "::"
	}
	var lc net.ListenConfig
	if shared {
		lc.Control = reuse
	}
	c, err := lc.ListenPacket(context.Background(), network, net.JoinHostPort(host, strconv.Itoa(number)))
	if err != nil {
		return nil, fmt.Errorf("open UDP port: %w", err)
	}
	s := &socket{on: on, conn: c.(*net.UDPConn)}
	s.conn.SetReadBuffer(readBuffer) // the system may give less
	hops := 255                      // section 11
	if on >= beaconShared {
		hops = 1
	}
	// Where an option is missing, its lack shows as silence on some interface; the other ways go on.
	if v6 {
		s.p6 = ipv6.NewPacketConn(s.conn)
		s.tell = s.p6.SetControlMessage(ipv6.FlagInterface|ipv6.FlagDst, true) == nil
		s.p6.SetMulticastHopLimit(hops)
		s.p6.SetMulticastLoopback(true)
	} else {
		s.p4 = ipv4.NewPacketConn(s.conn)
		s.tell = s.p4.SetControlMessage(ipv4.FlagInterface|ipv4.FlagDst, true) == nil
		s.p4.SetMulticastTTL(hops)
		s.p4.SetMulticastLoopback(true)
	}
	return s, nil
}

// join makes the socket hear a group on an interface.
func (s *socket) join(f iface, group netip.Addr) error {
	ifi, addr := &net.Interface{Index: f.index, Name: f.name}, &net.UDPAddr{IP: group.AsSlice()}
	if s.p6 != nil {
		return s.p6.JoinGroup(ifi, addr)
	}
	return s.p4.JoinGroup(ifi, addr)
}

// send writes a datagram, out of the interface with that index unless it is 0, whatever the routes say.
func (s *socket) send(data []byte, to netip.AddrPort, ifindex int) error {
	dst := net.UDPAddrFromAddrPort(to)
	var err error
	if s.p6 != nil {
		var cm *ipv6.ControlMessage
		if ifindex != 0 && s.tell {
			cm = &ipv6.ControlMessage{IfIndex: ifindex}
		} else if ifindex != 0 && to.Addr().IsMulticast() {
			s.p6.SetMulticastInterface(&net.Interface{Index: ifindex})
		}
		_, err = s.p6.WriteTo(data, cm, dst)
	} else {
		var cm *ipv4.ControlMessage
		if ifindex != 0 && s.tell {
			cm = &ipv4.ControlMessage{IfIndex: ifindex}
		} else if ifindex != 0 && to.Addr().IsMulticast() {
			s.p4.SetMulticastInterface(&net.Interface{Index: ifindex})
		}
		_, err = s.p4.WriteTo(data, cm, dst)
	}
	return err
}

// receive hands packets to out until the socket is closed. While the reader of out is slow, packets wait in the
// system's buffer, which drops the newest.
func (s *socket) receive(ctx context.Context, out chan<- packet) {
	buf := make([]byte, mdnsMax)
	for failed := 0; ; {
		p := packet{on: s.on, v6: s.p6 != nil}
		var n int
		var src net.Addr
		var err error
		if s.p6 != nil {
			var cm *ipv6.ControlMessage
			if n, cm, src, err = s.p6.ReadFrom(buf); err == nil && cm != nil {
				p.ifindex = cm.IfIndex
				p.to, _ = netip.AddrFromSlice(cm.Dst)
			}
		} else {
			var cm *ipv4.ControlMessage
			if n, cm, src, err = s.p4.ReadFrom(buf); err == nil && cm != nil {
				p.ifindex = cm.IfIndex
				p.to, _ = netip.AddrFromSlice(cm.Dst.To4())
			}
		}
		if errors.Is(err, net.ErrClosed) || ctx.Err() != nil {
			return
		}
		udp, ok := src.(*net.UDPAddr)
		if err != nil || !ok {
			// An ICMP error of an earlier packet, or (Windows) a datagram that is too long. Should it last, it
			// must not keep a core busy.
			if failed++; failed > 16 {
				select {
				case <-time.After(100 * time.Millisecond):
				case <-ctx.Done():
				}
			}
			continue
		}
		failed = 0
		from := udp.AddrPort()
		p.from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		p.data = append([]byte(nil), buf[:n]...)
		select {
		case out <- p:
		case <-ctx.Done():
			return
		}
	}
}
