package doctor

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"parley.lan/discovery"
)

// defaultRoute reads the IPv4 routes, as proc_pid_net(5) shows them.
func defaultRoute(context.Context) (gateway netip.Addr, iface string, known bool) {
	f, err := os.Open("/proc/self/net/route")
	if err != nil {
		return gateway, "", false
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		w := strings.Fields(lines.Text())
		if len(w) < 8 || w[1] != "00000000" || w[7] != "00000000" {
			continue
		}
		if b, err := hex.DecodeString(w[2]); err == nil && len(b) == 4 {
			var a [4]byte
			binary.BigEndian.PutUint32(a[:], binary.LittleEndian.Uint32(b))
			if gateway = netip.AddrFrom4(a); gateway.IsUnspecified() { // a tunnel: whatever is at its end
				gateway = netip.Addr{}
			}
			return gateway, w[0], true
		}
	}
	return gateway, "", true
}

// arp gives what the system knows of the IPv4 addresses on its links: true for those that have answered.
func arp() map[netip.Addr]neighbourEntry {
	f, err := os.Open("/proc/self/net/arp")
	if err != nil {
		return nil
	}
	defer f.Close()
	out := map[netip.Addr]neighbourEntry{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		w := strings.Fields(lines.Text())
		if len(w) < 6 {
			continue
		}
		a, err := netip.ParseAddr(w[0])
		flags, bad := strconv.ParseUint(w[2], 0, 16)
		if err == nil && bad == nil {
			out[a] = neighbourEntry{flags&2 != 0, w[5]} // ATF_COM
		}
	}
	return out
}

type neighbourEntry struct {
	answers bool
	iface   string
}

// neighbour tells what the system knows of an address.
func neighbour(a netip.Addr) string {
	e, ok := arp()[a]
	switch {
	case !ok:
		return ""
	case e.answers:
		return Answers
	}
	return Silent
}

// neighbours lists the machines that have answered lately on the interfaces in use.
func neighbours(found []discovery.Interface) []string {
	used := map[string]bool{}
	for _, f := range found {
		used[f.Name] = f.Used
	}
	var out []netip.Addr
	for a, e := range arp() {
		if e.answers && used[e.iface] {
			out = append(out, a)
		}
	}
	return inOrder(out)
}
