package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Faults of this machine.

// usable are the interfaces that lead to other machines.
func usable(e *Evidence) []Interface {
	var out []Interface
	for _, i := range e.Interfaces {
		if i.Used && i.Kind != Loopback {
			out = append(out, i)
		}
	}
	return out
}

func names(list []Interface) string {
	var out []string
	for _, i := range list {
		out = append(out, i.Name)
	}
	return strings.Join(out, ", ")
}

func noInterface(e *Evidence) (verdict, action string) {
	if len(usable(e)) > 0 {
		return "", ""
	}
	if len(e.Only) > 0 && slices.ContainsFunc(e.Interfaces, func(i Interface) bool { return i.Used }) {
		return fmt.Sprintf("The network interface %s reaches this machine alone.", strings.Join(e.Only, ", ")), "Leave out --iface."
	}
	if len(e.Only) > 0 {
		return fmt.Sprintf("The network interface %s has no address, or is not connected.", strings.Join(e.Only, ", ")),
			"Connect it, or leave out --iface."
	}
	for _, i := range e.Interfaces {
		if i.Kind == Tunnel && i.Up {
			return fmt.Sprintf("This machine is on no LAN: its only way out is the tunnel %s, which leads somewhere else.", i.Name),
				"Plug in a cable or join the Wi-Fi, and try again."
		}
	}
	return "This machine is on no network: no interface is up with an address.", "Plug in a cable or join the Wi-Fi, and try again."
}

func macPermission(e *Evidence) (verdict, action string) {
	if e.OS != "darwin" {
		return "", ""
	}
	forbidden := false
	for _, i := range usable(e) {
		forbidden = forbidden || i.Send == Unreachable
	}
	for _, p := range remote(e) {
		if p.Text == Open {
			return "", ""
		}
		forbidden = forbidden || p.OnLink && p.Text == Unreachable
	}
	if !forbidden {
		return "", ""
	}
	return "macOS does not let this program speak to the local network.",
		"Open System Settings, Privacy & Security, Local Network, and switch on the program that you start node from (Terminal, for example); then start node again."
}

func wsl(e *Evidence) (verdict, action string) {
	if !e.WSL {
		return "", ""
	}
	nat := netip.MustParsePrefix("172.16.0.0/12")
	for _, i := range usable(e) {
		for _, a := range i.Addrs {
			if p, err := netip.ParsePrefix(a); err == nil && nat.Contains(p.Addr()) && i.Name == "eth0" && len(reached(e)) == 0 {
				return "This is Linux inside Windows (WSL), whose network is not the LAN's: others can't see it.",
					"Run node.exe in Windows itself; or put networkingMode=mirrored under [wsl2] in .wslconfig and run wsl --shutdown."
			}
		}
	}
	return "", ""
}

func virtualInterface(e *Evidence) (verdict, action string) {
	var other []Interface
	for _, i := range usable(e) {
		if i.Kind != Virtual && i.Kind != Tunnel {
			return "", ""
		}
	}
	if len(usable(e)) == 0 {
		return "", ""
	}
	for _, i := range e.Interfaces {
		if i.Up && (i.Kind == Cable || i.Kind == WiFi) && len(i.Addrs) > 0 {
			other = append(other, i)
		}
	}
	verdict = fmt.Sprintf("node uses %s, which leads to containers, virtual machines or a VPN and not to this LAN.", names(usable(e)))
	if len(other) > 0 {
		return verdict, fmt.Sprintf("Leave out --iface, or give --iface %s.", other[0].Name)
	}
	return verdict, "Plug in a cable or join the Wi-Fi: nothing else here leads to a LAN."
}

// firewallHere: nothing gets out; or nothing comes in, and nobody was found without being asked by his address.
func firewallHere(e *Evidence) (verdict, action string) {
	for _, i := range usable(e) {
		denied := i.Send == Denied
		for _, echo := range i.Echoes {
			denied = denied || echo.Error == Denied
		}
		if denied {
			return fmt.Sprintf("A firewall on this machine forbids node to send on %s.", i.Name), e.Firewall.letOut(e)
		}
	}
	if len(e.Firewall.OutDrops) > 0 {
		return "A firewall on this machine drops what node sends to " + list(capitals(e.Firewall.OutDrops)) + " of others.", e.Firewall.letOut(e)
	}
	if slices.ContainsFunc(reached(e), Peer.shouted) {
		return "", ""
	}
	if lost := shut(e); len(lost) > 0 {
		return "A firewall on this machine drops what others send to " + list(lost) + ".", e.Firewall.letIn(e)
	}
	return "", ""
}

// firewallIn: the host is reached all the same, for who joins asks first, and is answered.
func firewallIn(e *Evidence) (verdict, action string) {
	lost := shut(e)
	if len(lost) == 0 {
		return "", ""
	}
	return "A firewall on this machine drops what others send to " + list(lost) +
		". You can join a room, and others can't join one that you host.", e.Firewall.letIn(e)
}

// shut lists the ports to which nothing comes in, as far as it was tried or the rules can be read.
func shut(e *Evidence) []string {
	var lost []string
	for _, i := range usable(e) {
		if e.OS != "linux" && !slices.ContainsFunc(i.Echoes, func(echo Echo) bool { return echo.Heard }) {
			continue // there it is not certain that anything comes back: one port must show that it does
		}
		for _, echo := range i.Echoes {
			if p := "UDP " + strconv.Itoa(echo.Port); !echo.Heard && echo.Error == "" && !slices.Contains(lost, p) {
				lost = append(lost, p)
			}
		}
	}
	for _, p := range capitals(e.Firewall.Drops) {
		if !slices.Contains(lost, p) {
			lost = append(lost, p)
		}
	}
	return lost
}

// capitals writes ports as people do: TCP 2222.
func capitals(ports []string) []string {
	var out []string
	for _, p := range ports {
		out = append(out, strings.ToUpper(p))
	}
	return out
}

// port5353Alone: nobody was heard, and this may be why.
func port5353Alone(e *Evidence) (verdict, action string) {
	if len(remote(e)) > 0 {
		return "", ""
	}
	return port5353(e)
}

func port5353(e *Evidence) (verdict, action string) {
	for _, p := range e.Ports {
		if p.For != forMDNS || p.State != PortTaken {
			continue
		}
		if p.Holder == nil {
			return "UDP 5353, the port of multicast DNS, is taken by a program that does not share it.",
				"Run node doctor as the administrator to see which, and end it."
		}
		return fmt.Sprintf("UDP 5353, the port of multicast DNS, is taken by %s, which does not share it.", p.Holder.words()),
			fmt.Sprintf("End %s, or tell it to share the port (avahi: disallow-other-stacks=no).", p.Holder.words())
	}
	return "", ""
}

func twin(e *Evidence) (verdict, action string) {
	for _, p := range e.Peers {
		if p.Own && !p.Here {
			return fmt.Sprintf("Another machine, %s, has this node's key: its state folder was copied.", p.where()),
				fmt.Sprintf("On one of the two, delete identity.pem in the state folder (here: %s); it makes itself a new key.", e.StateDir)
		}
	}
	return "", ""
}

func portTaken(e *Evidence) (verdict, action string) {
	for _, p := range e.Ports {
		if p.State != PortTaken || p.For == forMDNS || p.For == forBeacon || p.Holder != nil && p.Holder.Node {
			continue
		}
		if p.Holder == nil && (e.Running != nil || len(hereNodes(e)) > 0) {
			continue // a node's, most likely
		}
		flag := "--text-port"
		if p.For != forText {
			flag = "--voice-port"
		}
		return fmt.Sprintf("%s %d, the port of %s, is taken by %s. A node that hosts here uses another, which firewalls and plain clients don't know.",
				strings.ToUpper(p.Proto), p.Number, p.For, p.Holder.words()),
			fmt.Sprintf("End that program, or give node another port with %s.", flag)
	}
	return "", ""
}

func hereNodes(e *Evidence) []Peer {
	var out []Peer
	for _, p := range e.Peers {
		if p.Here && p.ID != "" {
			out = append(out, p)
		}
	}
	return out
}

// secondAlone: nobody else is here.
func secondAlone(e *Evidence) (verdict, action string) {
	if len(remote(e)) > 0 {
		return "", ""
	}
	return secondNode(e)
}

func secondNode(e *Evidence) (verdict, action string) {
	var holder *Process
	for _, p := range e.Ports {
		if p.Holder != nil && p.Holder.Node && p.Holder.StateDir != e.StateDir {
			holder = p.Holder
		}
	}
	for _, p := range hereNodes(e) {
		if p.Own {
			continue
		}
		at := ""
		if holder != nil {
			at = fmt.Sprintf(" (process %d, state folder %s)", holder.PID, holder.StateDir)
		}
		return fmt.Sprintf("Another node runs on this machine, %s in %q%s. That is fine: each is somebody of its own.", p.Name, p.Room, at), ""
	}
	return "", ""
}
