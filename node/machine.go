package node

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// What this machine is, as far as it decides who should host: known on Linux, and assumed to be the better elsewhere.

// onWiFi tells whether nothing but Wi-Fi leads to the LAN.
func onWiFi(only []string) bool {
	ifaces, err := net.Interfaces()
	if err != nil {
		return false
	}
	wifi := false
	for _, i := range ifaces {
		if i.Flags&(net.FlagUp|net.FlagRunning) != net.FlagUp|net.FlagRunning || i.Flags&net.FlagLoopback != 0 || len(only) > 0 && !slices.Contains(only, i.Name) {
			continue
		}
		if _, err := os.Stat(filepath.Join("/sys/class/net", i.Name, "wireless")); err == nil {
			wifi = true
		} else if _, err := os.Stat(filepath.Join("/sys/class/net", i.Name, "device")); err == nil {
			return false // a card with a cable
		}
	}
	return wifi
}

// onBattery tells whether the machine has a mains supply that gives nothing.
func onBattery() bool {
	supplies, _ := filepath.Glob("/sys/class/power_supply/*/online")
	for _, s := range supplies {
		if b, err := os.ReadFile(s); err == nil && strings.TrimSpace(string(b)) == "1" {
			return false
		}
	}
	return len(supplies) > 0
}
