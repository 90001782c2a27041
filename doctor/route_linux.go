package doctor

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"os"
	"strings"
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
