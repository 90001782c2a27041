//go:build linux

package lantest

import (
	"encoding/binary"
	"net/netip"
)

// Packet is what filters want to know of an Ethernet frame. Fields that a frame does not have are zero.
type Packet struct {
	EtherType uint16         // 0x0800 IPv4, 0x0806 ARP, 0x86dd IPv6
	Group     bool           // to a multicast or broadcast Ethernet address
	Protocol  uint8          // of IP: 6 TCP, 17 UDP, 1 ICMP, 58 ICMPv6
	Src, Dst  netip.AddrPort // the ports of TCP and UDP
	Payload   []byte         // of UDP; part of the frame
}

const (
	typeIPv4 = 0x0800
	typeIPv6 = 0x86dd
	protoTCP = 6
	protoUDP = 17
)

// Parse reads a frame. It knows IPv4 with options and IPv6 without extension headers; of a fragment but the
// first it takes the ports from where there are none, which filters for tests can live with.
func Parse(frame []byte) Packet {
	if len(frame) < headerLen {
		return Packet{}
	}
	p := Packet{
		EtherType: binary.BigEndian.Uint16(frame[12:]),
		Group:     mac(frame[:6]).group(),
	}
	ip := frame[headerLen:]
	var src, dst netip.Addr
	var rest []byte
	switch {
	case p.EtherType == typeIPv4 && len(ip) >= 20:
		p.Protocol = ip[9]
		src, dst = netip.AddrFrom4([4]byte(ip[12:16])), netip.AddrFrom4([4]byte(ip[16:20]))
		rest = ip[min(int(ip[0]&15)*4, len(ip)):]
	case p.EtherType == typeIPv6 && len(ip) >= 40:
		p.Protocol = ip[6]
		src, dst = netip.AddrFrom16([16]byte(ip[8:24])), netip.AddrFrom16([16]byte(ip[24:40]))
		rest = ip[40:]
	default:
		return p
	}
	var sport, dport uint16
	if (p.Protocol == protoTCP || p.Protocol == protoUDP) && len(rest) >= 8 {
		sport, dport = binary.BigEndian.Uint16(rest), binary.BigEndian.Uint16(rest[2:])
		if p.Protocol == protoUDP {
			p.Payload = rest[8:]
		}
	}
	p.Src, p.Dst = netip.AddrPortFrom(src, sport), netip.AddrPortFrom(dst, dport)
	return p
}

// GroupUDP tells whether the frame is a UDP datagram to a multicast or broadcast address. A LAN that drops
// just these is one whose access points filter multicast: ARP and neighbour discovery still work.
func (p Packet) GroupUDP() bool { return p.Group && p.Protocol == protoUDP }

// UDP tells whether the frame is a UDP datagram from or to port.
func (p Packet) UDP(port uint16) bool {
	return p.Protocol == protoUDP && (p.Src.Port() == port || p.Dst.Port() == port)
}
