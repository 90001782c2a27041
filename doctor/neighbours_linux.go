package doctor

import (
	"encoding/binary"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"

	"parley.lan/discovery"
)

// neighbourEntry is a line of the system's table of the machines on its links (rtnetlink(7)).
type neighbourEntry struct {
	addr    netip.Addr
	ifindex int
	state   uint16
}

// table reads the IPv4 part; empty where it can't be read.
func table() []neighbourEntry {
	b, err := syscall.NetlinkRIB(unix.RTM_GETNEIGH, unix.AF_INET)
	if err != nil {
		return nil
	}
	messages, err := syscall.ParseNetlinkMessage(b)
	if err != nil {
		return nil
	}
	var out []neighbourEntry
	for _, m := range messages {
		if m.Header.Type == unix.RTM_NEWNEIGH {
			if e, ok := parseNeighbour(m.Data); ok {
				out = append(out, e)
			}
		}
	}
	return out
}

// parseNeighbour reads a struct ndmsg and, of the attributes behind it, the address.
func parseNeighbour(b []byte) (e neighbourEntry, ok bool) {
	if len(b) < unix.SizeofNdMsg {
		return e, false
	}
	e.ifindex, e.state = int(int32(binary.NativeEndian.Uint32(b[4:]))), binary.NativeEndian.Uint16(b[8:])
	for b = b[unix.SizeofNdMsg:]; len(b) >= unix.SizeofRtAttr; {
		size, kind := int(binary.NativeEndian.Uint16(b)), binary.NativeEndian.Uint16(b[2:])
		if size < unix.SizeofRtAttr || size > len(b) {
			return e, false
		}
		if kind == unix.NDA_DST && size == unix.SizeofRtAttr+4 {
			e.addr, _ = netip.AddrFromSlice(b[unix.SizeofRtAttr:size])
			return e, true
		}
		b = b[min((size+3)&^3, len(b)):]
	}
	return e, false
}

func (e neighbourEntry) says() string {
	switch {
	case e.state&(unix.NUD_REACHABLE|unix.NUD_PERMANENT) != 0:
		return Answers
	case e.state&(unix.NUD_STALE|unix.NUD_DELAY|unix.NUD_PROBE) != 0:
		return Doubtful
	case e.state&(unix.NUD_INCOMPLETE|unix.NUD_FAILED) != 0:
		return Silent
	}
	return ""
}

// neighbour tells what the system knows of an address.
func neighbour(a netip.Addr) string {
	for _, e := range table() {
		if e.addr == a {
			return e.says()
		}
	}
	return ""
}

// neighbours lists the machines on the interfaces in use of which something was heard lately.
func neighbours(found []discovery.Interface) []string {
	used := map[int]bool{}
	for _, f := range found {
		used[f.Index] = f.Used
	}
	var out []netip.Addr
	for _, e := range table() {
		if says := e.says(); used[e.ifindex] && (says == Answers || says == Doubtful) {
			out = append(out, e.addr)
		}
	}
	return inOrder(out)
}
