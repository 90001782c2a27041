package doctor

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"parley.lan/discovery"
)

// describe says in plain words what the interfaces are.
func describe(found []discovery.Interface) []Interface {
	var out []Interface
	for _, f := range found {
		i := Interface{Name: f.Name, Up: f.Up, Used: f.Used, Multicast: f.Multicast, Kind: Cable}
		switch {
		case f.Loopback:
			i.Kind = Loopback
		case f.Tunnel:
			i.Kind = Tunnel
		case f.Virtual:
			i.Kind = Virtual
		case wireless(f.Name):
			i.Kind = WiFi
		}
		for _, p := range f.Prefixes {
			i.Addrs = append(i.Addrs, p.String())
		}
		out = append(out, i)
	}
	return out
}

func wireless(name string) bool {
	_, err := os.Stat(filepath.Join("/sys/class/net", name, "wireless"))
	return err == nil
}

// inWSL tells whether this is Linux inside Windows, whose network is not the LAN.
func inWSL() bool {
	b, err := os.ReadFile("/proc/sys/kernel/osrelease")
	return err == nil && strings.Contains(strings.ToLower(string(b)), "microsoft")
}

// sendError puts into a word why nothing could be sent.
func sendError(err error) string {
	switch {
	case isAny(err, denied):
		return Denied
	case isAny(err, unreachable):
		return Unreachable
	}
	return err.Error()
}

// echo sends to oneself through every interface in use, to each port that has to be open. A port that somebody holds for
// himself can't be tried.
func echo(out []Interface, found []discovery.Interface, ports []Port) {
	var trying sync.WaitGroup
	for i, f := range found {
		if f.Used && !f.Loopback && f.Multicast && len(f.Prefixes) > 0 {
			trying.Go(func() { echoOn(&out[i], f, ports) })
		}
	}
	trying.Wait()
}

func echoOn(out *Interface, f discovery.Interface, ports []Port) {
	for _, p := range ports {
		if p.Proto != "udp" {
			continue
		}
		e := Echo{Port: p.Number}
		if p.State == PortTaken {
			e.Error = "the port is taken"
		} else if err := discovery.Echo(f, p.Number, p.For != forVoice); err == nil {
			e.Heard = true
		} else if !errors.Is(err, discovery.ErrNoEcho) {
			e.Error = sendError(err)
		}
		out.Echoes = append(out.Echoes, e)
	}
}

// onLink tells whether an address is in a network of this machine.
func onLink(found []discovery.Interface, a netip.Addr) bool {
	if a.IsLinkLocalUnicast() || a.IsLoopback() {
		return true
	}
	for _, f := range found {
		for _, p := range f.Prefixes {
			if f.Up && p.Contains(a) {
				return true
			}
		}
	}
	return false
}

// routeTo is the interface by which packets to an address leave; empty when there is no way. Nothing is sent.
func routeTo(found []discovery.Interface, a netip.AddrPort) string {
	c, err := net.Dial("udp", a.String())
	if err != nil {
		return ""
	}
	defer c.Close()
	u, ok := c.LocalAddr().(*net.UDPAddr)
	if !ok {
		return ""
	}
	from := u.AddrPort().Addr().Unmap().WithZone("")
	for _, f := range found {
		for _, p := range f.Prefixes {
			if p.Addr() == from {
				return f.Name
			}
		}
	}
	return ""
}
