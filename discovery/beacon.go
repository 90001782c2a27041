package discovery

import (
	"encoding/binary"
	"net/netip"
)

// The beacon is one UDP datagram on port 22222. Numbers are big-endian.
//
//	offset size
//	  0     4   magic "PRLY"
//	  4     1   version, 1
//	  5     1   kind: 1 query, 2 announcement, 3 goodbye
//	  6     1   role: 0 looking, 1 member, 2 host
//	  7     1   flags: 1 forced, 2 locked; the others are 0 and ignored
//	  8     4   nonce of a query, equal in all its copies; else 0
//	 12    16   id of the sender; zero in the query of one who only looks
//	 28    16   host: whose reign it is, zero when none is known
//	 44     8   epoch
//	 52     2   protocol version
//	 54     2   TCP port of the sender's relay, 0 when not hosting
//	 56     2   UDP port of the sender's relay, 0 when not hosting
//	 58    18   where a member reaches its host: IPv6 (or IPv4-mapped) address and TCP port; else zero
//	 76     4   IPv4 address of the sender on this link, zero when there is none; counts when the packet comes by IPv6
//	            from a link-local address, which nobody else could use
//	 80     1   length of the room's name, then the name
//	  .     1   length of the sender's name, then the name
//	  .     .   zeros
//
// A query is always padded to 216 bytes, more than any announcement has, and shorter queries are not answered:
// whoever forges a sender's address gains nothing in bytes.

type beaconKind uint8

const (
	beaconQuery    beaconKind = 1
	beaconAnnounce beaconKind = 2
	beaconGoodbye  beaconKind = 3
)

const (
	beaconMagic   = "PRLY"
	beaconVersion = 1
	beaconFixed   = 80
	beaconSize    = 216 // of a query: beaconFixed + 2*(1+MaxText), rounded up to 8
)

// beacon is one such datagram.
type beacon struct {
	kind   beaconKind
	nonce  uint32
	rec    Record         // ID is zero in a passive query, and the rest means nothing then
	hostAt netip.AddrPort // where rec.Host is reached; set by members only
	v4     netip.Addr     // of the sender
}

// encode appends b's bytes to dst. The texts of b.rec must not be longer than MaxText.
func (b beacon) encode(dst []byte) []byte {
	start := len(dst)
	var flags byte
	if b.rec.Forced {
		flags |= 1
	}
	if b.rec.Locked {
		flags |= 2
	}
	dst = append(dst, beaconMagic...)
	dst = append(dst, beaconVersion, byte(b.kind), byte(b.rec.Role), flags)
	dst = binary.BigEndian.AppendUint32(dst, b.nonce)
	dst = append(dst, b.rec.ID[:]...)
	dst = append(dst, b.rec.Host[:]...)
	dst = binary.BigEndian.AppendUint64(dst, b.rec.Epoch)
	dst = binary.BigEndian.AppendUint16(dst, uint16(b.rec.Proto))
	dst = binary.BigEndian.AppendUint16(dst, b.rec.Text)
	dst = binary.BigEndian.AppendUint16(dst, b.rec.Voice)
	var at [16]byte
	if b.hostAt.IsValid() {
		at = b.hostAt.Addr().As16()
	}
	dst = append(dst, at[:]...)
	dst = binary.BigEndian.AppendUint16(dst, b.hostAt.Port())
	var v4 [4]byte
	if b.v4.Is4() {
		v4 = b.v4.As4()
	}
	dst = append(dst, v4[:]...)
	dst = append(dst, byte(len(b.rec.Room)))
	dst = append(dst, b.rec.Room...)
	dst = append(dst, byte(len(b.rec.Name)))
	dst = append(dst, b.rec.Name...)
	if b.kind == beaconQuery {
		dst = append(dst, make([]byte, beaconSize-(len(dst)-start))...)
	}
	return dst
}

// parseBeacon reads a datagram. It tells false for whatever is not a beacon of this version with a sane record.
func parseBeacon(p []byte) (beacon, bool) {
	var b beacon
	if len(p) < beaconFixed+2 || string(p[:4]) != beaconMagic || p[4] != beaconVersion {
		return b, false
	}
	b.kind = beaconKind(p[5])
	b.nonce = binary.BigEndian.Uint32(p[8:])
	copy(b.rec.ID[:], p[12:])
	switch {
	case b.kind < beaconQuery || b.kind > beaconGoodbye:
		return b, false
	case b.kind == beaconQuery && len(p) < beaconSize:
		return b, false
	case b.kind == beaconQuery && b.rec.ID.IsZero():
		return b, true
	case b.kind == beaconGoodbye:
		return b, !b.rec.ID.IsZero()
	}
	b.rec.Role = Role(p[6])
	b.rec.Forced, b.rec.Locked = p[7]&1 != 0, p[7]&2 != 0
	copy(b.rec.Host[:], p[28:])
	b.rec.Epoch = binary.BigEndian.Uint64(p[44:])
	b.rec.Proto = int(binary.BigEndian.Uint16(p[52:]))
	b.rec.Text = binary.BigEndian.Uint16(p[54:])
	b.rec.Voice = binary.BigEndian.Uint16(p[56:])
	at := netip.AddrPortFrom(netip.AddrFrom16([16]byte(p[58:74])).Unmap(), binary.BigEndian.Uint16(p[74:]))
	if v4 := netip.AddrFrom4([4]byte(p[76:80])); usable(v4) && !v4.IsLoopback() {
		b.v4 = v4
	}
	rest := p[beaconFixed:]
	for _, s := range []*string{&b.rec.Room, &b.rec.Name} {
		if len(rest) == 0 || int(rest[0]) > len(rest)-1 {
			return b, false
		}
		*s, rest = string(rest[1:1+rest[0]]), rest[1+int(rest[0]):]
	}
	var ok bool
	if b.rec, ok = b.rec.sane(); !ok {
		return b, false
	}
	if b.rec.Role == Member && !b.rec.Host.IsZero() && at.Port() != 0 && usable(at.Addr()) &&
		!at.Addr().IsLoopback() && !(at.Addr().Is6() && at.Addr().IsLinkLocalUnicast()) {
		b.hostAt = at
	}
	return b, true
}

// usable tells whether addr can be one machine's address.
func usable(addr netip.Addr) bool {
	return addr.IsValid() && !addr.IsUnspecified() && !addr.IsMulticast() &&
		addr != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}
