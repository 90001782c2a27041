package doctor

import (
	"fmt"
	"strings"

	"parley.lan/discovery"
)

// The lines to type that open a firewall, for each tool.

// letIn lets others reach this node.
func (f Firewall) letIn(e *Evidence) string {
	t, v, m, b := e.TextPort, e.VoicePort, discovery.MDNSPort, discovery.BeaconPort
	switch f.Tool {
	case UFW:
		return fmt.Sprintf("Type: sudo ufw allow %d,%d/tcp && sudo ufw allow %d,%d,%d/udp", t, v, v, m, b)
	case Firewalld:
		var ports []string
		for _, p := range []string{"%d/tcp", "%d/udp"} {
			ports = append(ports, fmt.Sprintf("--add-port="+p, v))
		}
		return fmt.Sprintf("Type: sudo firewall-cmd --permanent --add-port=%d/tcp %s --add-port=%d/udp --add-port=%d/udp && sudo firewall-cmd --reload",
			t, strings.Join(ports, " "), m, b)
	case NFT:
		chain := f.Chain
		if chain == "" {
			return asAdministrator
		}
		return fmt.Sprintf("Type: sudo nft 'insert rule %s tcp dport { %d, %d } accept; insert rule %s udp dport { %d, %d, %d } accept'", chain, t, v, chain, v, m, b)
	case IPTables:
		return fmt.Sprintf("Type: sudo iptables -I INPUT -p tcp -m multiport --dports %d,%d -j ACCEPT && sudo iptables -I INPUT -p udp -m multiport --dports %d,%d,%d -j ACCEPT", t, v, v, m, b)
	case Netsh:
		return fmt.Sprintf("Type, as administrator: netsh advfirewall firewall add rule name=Parley dir=in action=allow enable=yes program=\"%s\"", e.Program)
	case PF:
		return fmt.Sprintf("Type: sudo /usr/libexec/ApplicationFirewall/socketfilterfw --add %s --unblockapp %s; where pf filters: echo 'pass in proto { tcp, udp } to port { %d, %d, %d, %d }' | sudo pfctl -a com.apple/parley -f -",
			shell(e.Program), shell(e.Program), t, v, m, b)
	}
	return fmt.Sprintf("Let TCP %d and UDP %d, %d and %d in.", t, v, m, b)
}

// asAdministrator is for rules that only he may read.
const asAdministrator = "Type: sudo node doctor. As the administrator it can read the firewall's rules, and tells the line to type."

// letOut lets this node speak to others.
func (f Firewall) letOut(e *Evidence) string {
	t, v, m, b := e.TextPort, e.VoicePort, discovery.MDNSPort, discovery.BeaconPort
	switch f.Tool {
	case UFW:
		return fmt.Sprintf("Type: sudo ufw allow out %d,%d/tcp && sudo ufw allow out %d,%d,%d/udp", t, v, v, m, b)
	case Firewalld, NFT:
		chain := f.OutChain
		if chain == "" {
			return asAdministrator
		}
		return fmt.Sprintf("Type: sudo nft 'insert rule %s tcp dport { %d, %d } accept; insert rule %s udp dport { %d, %d, %d } accept'", chain, t, v, chain, v, m, b)
	case IPTables:
		return fmt.Sprintf("Type: sudo iptables -I OUTPUT -p tcp -m multiport --dports %d,%d -j ACCEPT && sudo iptables -I OUTPUT -p udp -m multiport --dports %d,%d,%d -j ACCEPT", t, v, v, m, b)
	case Netsh:
		return fmt.Sprintf("Type, as administrator: netsh advfirewall firewall add rule name=Parley dir=out action=allow enable=yes program=\"%s\"", e.Program)
	}
	return fmt.Sprintf("Let TCP %d and UDP %d, %d and %d out.", t, v, m, b)
}

// shell quotes a word for a shell where it needs it.
func shell(word string) string {
	if word != "" && !strings.ContainsFunc(word, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+@%:,=", r))
	}) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
