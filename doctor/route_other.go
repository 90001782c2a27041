//go:build !linux

package doctor

import (
	"bufio"
	"bytes"
	"context"
	"net/netip"
	"os/exec"
	"runtime"
	"strings"

	"parley.lan/discovery"
)

// defaultRoute asks the system's own tool.
func defaultRoute(ctx context.Context) (gateway netip.Addr, iface string, known bool) {
	if runtime.GOOS == "windows" {
		out, err := exec.CommandContext(ctx, "route", "print", "-4", "0.0.0.0").Output()
		return routePrinted(out), "", err == nil
	}
	out, err := exec.CommandContext(ctx, "route", "-n", "get", "default").Output()
	if err != nil {
		return gateway, "", false
	}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		key, value, _ := strings.Cut(strings.TrimSpace(lines.Text()), ": ")
		switch key {
		case "gateway":
			gateway, _ = netip.ParseAddr(value)
		case "interface":
			iface = value
		}
	}
	return gateway, iface, true
}

// routePrinted finds the gateway in what Windows' route prints: a line of network, mask, gateway, interface, metric.
func routePrinted(out []byte) (gateway netip.Addr) {
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		if w := strings.Fields(lines.Text()); len(w) == 5 && w[0] == "0.0.0.0" && w[1] == "0.0.0.0" {
			if a, err := netip.ParseAddr(w[2]); err == nil {
				return a
			}
		}
	}
	return gateway
}

// neighbour is not known here.
func neighbour(netip.Addr) string { return "" }

func neighbours([]discovery.Interface) []string { return nil }
