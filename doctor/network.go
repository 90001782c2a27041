package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"parley.lan/discovery"
	"parley.lan/wire"
)

// Faults between this machine and the others.

// remote are the nodes on other machines that were heard, or have answered.
func remote(e *Evidence) []Peer {
	var out []Peer
	for _, p := range e.Peers {
		if !p.Here && !p.Own && p.ID != "" {
			out = append(out, p)
		}
	}
	return out
}

// reached are those of them that were reached.
func reached(e *Evidence) []Peer {
	return slices.DeleteFunc(remote(e), func(p Peer) bool { return p.Text != Open })
}

// ours are those of the room, whether they can be reached or not.
func ours(e *Evidence) []Peer {
	return slices.DeleteFunc(remote(e), func(p Peer) bool { return p.Room != e.Room })
}

// expected are those that ought to be reached: nodes that were heard and host, and addresses that somebody gave. That a host joined
// before is not there today is nothing new.
func expected(e *Evidence) []Peer {
	var out []Peer
	for _, p := range e.Peers {
		if !p.Here && !p.Own && p.Text != "" && (p.heard() || slices.Contains(p.Ways, discovery.ViaJoin) || p.Text == Open) {
			out = append(out, p)
		}
	}
	return out
}

func (p Peer) heard() bool {
	return p.shouted() || slices.Contains(p.Ways, discovery.ViaDirect) || slices.Contains(p.Ways, discovery.ViaTold)
}

// shouted tells whether multicast or broadcast has found it.
func (p Peer) shouted() bool {
	return slices.Contains(p.Ways, discovery.ViaMDNS) || slices.Contains(p.Ways, discovery.ViaBeacon)
}

// where names a peer and its address, in words.
func (p Peer) where() string {
	at := p.Addr
	if at == "" && len(p.From) > 0 {
		at = p.From[0]
	}
	host, _, _ := cutPort(at)
	switch {
	case p.Name == "" || p.Name == at || p.Name == host:
		return at
	case at == "":
		return p.Name
	}
	return p.Name + " (" + at + ")"
}

func vpn(e *Evidence) (verdict, action string) {
	for _, p := range expected(e) {
		for _, i := range e.Interfaces {
			if i.Name == p.Route && (i.Kind == Tunnel || i.Kind == Virtual) && p.Text != Open {
				return fmt.Sprintf("What this machine sends to %s goes into %s, a VPN or a virtual network, and not to the LAN.", p.where(), i.Name),
					fmt.Sprintf("Turn that VPN off, or switch on its setting for access to the local network (%s).", i.Name)
			}
		}
	}
	return "", ""
}

func isolation(e *Evidence) (verdict, action string) {
	if !e.Gateway.Answers || len(reached(e)) > 0 {
		return "", ""
	}
	silent := 0
	var first Peer
	quiet := map[string]bool{e.Gateway.Addr: true}
	for _, p := range expected(e) {
		switch {
		case !p.OnLink || p.Addr == "" || strings.HasPrefix(p.Addr, e.Gateway.Addr+":"):
		case p.Answers || p.Neighbour != Silent && p.Neighbour != Doubtful && p.Text != Unreachable || p.Text == RefusedPort || p.Text == NoNode:
			return "", "" // what is sent to one machine alone comes through
		default:
			if silent == 0 {
				first = p
			}
			silent++
			for _, a := range p.From {
				quiet[a] = true
			}
		}
	}
	if slices.ContainsFunc(e.Neighbours, func(n string) bool { return !quiet[n] }) {
		return "", "" // others answer: it is those who don't
	}
	if silent == 0 {
		return "", ""
	}
	return fmt.Sprintf("The router (%s) answers and no other machine does, %s neither: this network keeps its devices apart (client isolation), as guest Wi-Fi does.",
			e.Gateway.Addr, first.where()),
		"Use a network without it: a cable, the main Wi-Fi instead of the guests', or a hotspot of one's own; or switch off \"AP isolation\" in the router."
}

func otherSubnet(e *Evidence) (verdict, action string) {
	for _, p := range expected(e) {
		if p.Text == Open {
			return "", ""
		}
	}
	for _, p := range expected(e) {
		if p.OnLink && !offLink(e, p) {
			continue
		}
		if p.Addr == "" {
			continue
		}
		return fmt.Sprintf("%s is in another network than this machine (%s), and no way leads there.", p.where(), strings.Join(networks(e), ", ")),
			"Connect both to the same switch or Wi-Fi, and let both get their address by DHCP; or have the router pass TCP 2222 and UDP 55555 between the two networks."
	}
	return "", ""
}

// offLink tells whether the address that was tried lies in none of this machine's networks.
func offLink(e *Evidence, p Peer) bool {
	at, err := netip.ParseAddrPort(p.Addr)
	if err != nil || at.Addr().IsLinkLocalUnicast() {
		return false
	}
	for _, i := range e.Interfaces {
		for _, a := range i.Addrs {
			if prefix, err := netip.ParsePrefix(a); err == nil && i.Up && prefix.Contains(at.Addr()) {
				return false
			}
		}
	}
	return true
}

// networks are those of the interfaces in use.
func networks(e *Evidence) []string {
	var out []string
	for _, i := range usable(e) {
		for _, a := range i.Addrs {
			if p, err := netip.ParsePrefix(a); err == nil && p.Addr().Is4() {
				out = append(out, p.Masked().String())
			}
		}
	}
	return out
}

func textBlocked(e *Evidence) (verdict, action string) {
	for _, p := range expected(e) {
		if p.Text == Open || !p.heard() || p.Room != "" && p.Room != e.Room {
			continue
		}
		_, port, _ := cutPort(p.Addr)
		why := "does not answer at TCP " + port
		if p.Text == RefusedPort {
			why = "refuses TCP " + port
		}
		if p.Text == Denied {
			why = "may not be reached, says a firewall on this machine"
		}
		if p.Text == NoNode {
			return fmt.Sprintf("%s is found, but another program listens at its TCP %s.", p.where(), port), "Restart node there."
		}
		return fmt.Sprintf("%s is found, but %s: a firewall there, or between, keeps you out.", p.where(), why),
			fmt.Sprintf("On that machine, let TCP %s and UDP %d in; node doctor there tells the line to type.", port, e.VoicePort)
	}
	return "", ""
}

func cutPort(addr string) (host, port string, ok bool) {
	i := strings.LastIndexByte(addr, ':')
	if i < 0 {
		return addr, "2222", false
	}
	return addr[:i], addr[i+1:], true
}

func joinSilent(e *Evidence) (verdict, action string) {
	for _, p := range e.Peers {
		if p.heard() || !slices.Contains(p.Ways, discovery.ViaJoin) || p.Text == Open {
			continue
		}
		_, port, _ := cutPort(p.Addr)
		switch p.Text {
		case "":
			return fmt.Sprintf("The name %s is not known on this network.", p.Name), "Give --join the machine's address instead, such as 192.168.1.20."
		case RefusedPort:
			return fmt.Sprintf("%s answers, but no node hosts at its TCP %s.", p.where(), port), "Start node there, and try again."
		case NoNode:
			return fmt.Sprintf("Something answers at %s, but it is no node.", p.where()), "Give --join the port that node tells on that machine."
		}
		return fmt.Sprintf("Nobody answers at %s.", p.where()), "See whether that machine is on, on this network, and has that address."
	}
	return "", ""
}

func multicastBlocked(e *Evidence) (verdict, action string) {
	for _, i := range usable(e) {
		if !i.Multicast && len(usable(e)) == 1 {
			return fmt.Sprintf("Multicast is switched off on %s, so nodes find one another with difficulty or not at all.", i.Name),
				fmt.Sprintf("Switch it on: sudo ip link set %s multicast on", i.Name)
		}
		if i.Send != "" && len(usable(e)) == 1 {
			return fmt.Sprintf("Multicast can't be sent on %s (%s).", i.Name, i.Send), "Switch the interface off and on again, and look whether it has an address."
		}
	}
	var found []Peer
	for _, p := range remote(e) {
		if p.shouted() {
			return "", ""
		}
		if p.Text == Open && p.OnLink && p.Refusal != wire.RefusedRoom && (p.Room == e.Room || len(found) == 0) {
			found = append(found, p)
		}
	}
	if len(found) == 0 {
		return "", ""
	}
	p := found[len(found)-1]
	host, _, _ := cutPort(p.Addr)
	return fmt.Sprintf("This network drops multicast and broadcast: %s is there and answers, but can't be found without its address.", p.where()),
		fmt.Sprintf("Start with node --join %s, once: node remembers it. To mend the network, switch off multicast filtering (\"IGMP snooping\") in the switch or access point.", host)
}

func otherProtocol(e *Evidence) (verdict, action string) {
	for _, p := range remote(e) {
		if p.Room != e.Room && p.Refusal != wire.RefusedProto {
			continue
		}
		switch {
		case p.Proto > wire.Version:
			return fmt.Sprintf("%s speaks version %d of the protocol, this node version %d.", p.where(), p.Proto, wire.Version), "Get the newer node for this machine."
		case p.Proto > 0 && p.Proto < wire.Version:
			return fmt.Sprintf("%s speaks version %d of the protocol, this node version %d.", p.where(), p.Proto, wire.Version), "Get the newer node for that machine."
		case p.Refusal == wire.RefusedProto:
			return fmt.Sprintf("%s speaks another version of the protocol: %s.", p.where(), p.Reason), "Get the same version of node for both machines."
		}
	}
	return "", ""
}

// Codes by which a host refuses who has no passphrase, or the wrong one.
var passphraseCodes = []string{"passphrase", "locked"}

func passphrase(e *Evidence) (verdict, action string) {
	for _, p := range remote(e) {
		refused := slices.Contains(passphraseCodes, p.Refusal)
		if p.Room != e.Room && !refused {
			continue
		}
		switch {
		case refused && e.Passphrase:
			return fmt.Sprintf("%s refuses this node: the passphrase of %q is another one.", p.where(), e.Room), "Ask for the right one, and give it with --passphrase-file."
		case (refused || p.Locked) && !e.Passphrase:
			return fmt.Sprintf("The room %q at %s has a passphrase, and this node was given none.", e.Room, p.where()), "Ask for it, and give it with --passphrase-file."
		case !p.Locked && e.Passphrase && p.Room == e.Room:
			return fmt.Sprintf("This node has a passphrase for %q, and %s is there without one.", e.Room, p.where()),
				"Start the others with --passphrase-file too, or leave it out here."
		}
	}
	return "", ""
}

func voiceBlocked(e *Evidence) (verdict, action string) {
	for _, p := range reached(e) {
		if p.Voice == TimedOut || p.Voice == RefusedPort {
			return fmt.Sprintf("Text reaches %s, but voice doesn't: UDP %d is blocked there or between. Voices take the slower way through TCP.", p.where(), e.VoicePort),
				fmt.Sprintf("On that machine, let UDP %d in; node doctor there tells the line to type.", e.VoicePort)
		}
	}
	return "", ""
}

func otherRoom(e *Evidence) (verdict, action string) {
	if len(ours(e)) > 0 {
		return "", ""
	}
	count := map[string]int{}
	var rooms []string
	for _, p := range remote(e) {
		r := p.Room
		if r == "" && p.Refusal == wire.RefusedRoom {
			return fmt.Sprintf("%s is in another room: %s; you ask for %q.", p.where(), p.Reason, e.Room), "Start node with that room: --room NAME."
		}
		if r == "" {
			continue
		}
		if count[r]++; count[r] == 1 {
			rooms = append(rooms, r)
		}
	}
	if len(rooms) == 0 {
		return "", ""
	}
	slices.SortFunc(rooms, func(a, b string) int { return count[b] - count[a] })
	return fmt.Sprintf("Nobody else is in %q. Others are here, in %s.", e.Room, quoted(rooms)), fmt.Sprintf("Start node with --room %s, if you want to be with them.", shell(rooms[0]))
}

// badClock is from when on a clock is worth a word.
const badClock = time.Minute

func clock(e *Evidence) (verdict, action string) {
	var off []Peer
	asked := 0
	for _, p := range reached(e) {
		if p.ClockMS == 0 {
			continue
		}
		asked++
		if d := time.Duration(p.ClockMS * float64(time.Millisecond)); d > badClock || d < -badClock {
			off = append(off, p)
		}
	}
	if len(off) == 0 {
		return "", ""
	}
	d := time.Duration(off[0].ClockMS * float64(time.Millisecond))
	way := "behind"
	if d < 0 {
		way, d = "ahead of", -d
	}
	if len(off) == asked && asked > 1 {
		return fmt.Sprintf("This machine's clock is %s %s the others'. Talk works; the times shown are wrong.", span(d), way), "Set the clock of this machine."
	}
	return fmt.Sprintf("This machine's clock is %s %s that of %s. Talk works; the times shown are wrong.", span(d), way, off[0].where()),
		"Set the clock of the one that is wrong."
}

// span puts a length of time into words.
func span(d time.Duration) string {
	switch {
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f minutes", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.0f hours", d.Hours())
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}

func alone(e *Evidence) (verdict, action string) {
	if len(remote(e)) > 0 {
		return "", ""
	}
	verdict = "Nothing is wrong here, and nobody else is here yet."
	if e.Gateway.Answers && len(e.Neighbours) == 1 && e.Neighbours[0] == e.Gateway.Addr {
		verdict += " The router is the only machine that answers."
	}
	return verdict, fmt.Sprintf("Start node on another machine of this network (%s). If one runs already, see whether it is on this network too, and run node doctor there.", strings.Join(networks(e), ", "))
}

func healthy(e *Evidence) (verdict, action string) {
	var hosts, others int
	var host Peer
	for _, p := range ours(e) {
		others++
		if p.Text == Open && p.Role == discovery.Host.String() {
			host, hosts = p, hosts+1
		}
	}
	verdict = fmt.Sprintf("All is well. %s in %q", count(others, "other node is", "other nodes are"), e.Room)
	switch {
	case hosts == 0 && e.Running != nil:
		verdict += ", and none of them hosts: the node that runs here does"
	case hosts > 0:
		verdict += ", hosted by " + host.where()
		if host.Voice == Open {
			verdict += fmt.Sprintf("; voice goes there and back in %.1f ms", host.VoiceMS)
		}
	}
	return verdict + ".", ""
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
