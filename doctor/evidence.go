package doctor

import (
	"parley.lan/discovery"
	"parley.lan/node"
)

// Evidence is all that an examination saw.
type Evidence struct {
	OS         string   `json:"os"`
	WSL        bool     `json:"wsl,omitempty"` // Linux inside Windows
	Room       string   `json:"room"`
	Passphrase bool     `json:"passphrase,omitempty"` // one was given
	Only       []string `json:"only,omitempty"`       // the interfaces that were asked for
	StateDir   string   `json:"state_dir,omitempty"`
	Program    string   `json:"program,omitempty"`
	TextPort   int      `json:"text_port"`
	VoicePort  int      `json:"voice_port"`
	KeyError   string   `json:"key_error,omitempty"` // of the state folder's key

	Running *Running `json:"running,omitempty"`

	Interfaces      []Interface `json:"interfaces"`
	InterfacesError string      `json:"interfaces_error,omitempty"`
	Gateway         Gateway     `json:"gateway"`
	Ports           []Port      `json:"ports"`
	Firewall        Firewall    `json:"firewall"`
	Peers           []Peer      `json:"peers"`
	Speakers        []string    `json:"speakers,omitempty"`   // machines that speak mDNS, whatever they are
	Neighbours      []string    `json:"neighbours,omitempty"` // machines of the same networks that answer at all, the router included
	Sound           Sound       `json:"sound"`
	Unfinished      []string    `json:"unfinished,omitempty"` // what did not come to an end in ten seconds: sound, router, firewall, network
	TookMS          float64     `json:"took_ms"`
}

// Kinds of interfaces.
const (
	Loopback = "loopback"
	Cable    = "LAN"
	WiFi     = "Wi-Fi"
	Virtual  = "virtual" // containers, machines inside this one, or a VPN that looks like a LAN
	Tunnel   = "tunnel"  // a VPN
)

// Interface is a network interface of this machine.
type Interface struct {
	Name      string   `json:"name"`
	Kind      string   `json:"kind"`
	Addrs     []string `json:"addrs,omitempty"` // with the length of the network's prefix
	Up        bool     `json:"up"`
	Used      bool     `json:"used"` // nodes are looked for there
	Multicast bool     `json:"multicast"`
	Send      string   `json:"send,omitempty"`   // why multicast can't be sent: denied, unreachable, or the error
	Echoes    []Echo   `json:"echoes,omitempty"` // of what was sent to oneself through it
}

// Echo is whether what this machine sends to one of its own ports through an interface comes in.
type Echo struct {
	Port  int    `json:"port"`
	Heard bool   `json:"heard"`
	Error string `json:"error,omitempty"` // why it was not tried
}

// Gateway is the router of the default route.
type Gateway struct {
	Known   bool   `json:"known"` // whether there is a default route could be found out
	Addr    string `json:"addr,omitempty"`
	Iface   string `json:"iface,omitempty"`
	Answers bool   `json:"answers"`
}

// States of a port.
const (
	PortFree   = "free"
	PortShared = "shared" // others use it as well, and let us
	PortTaken  = "taken"
)

// Port is one that a node asks for.
type Port struct {
	Proto  string   `json:"proto"`
	Number int      `json:"number"`
	For    string   `json:"for"`
	State  string   `json:"state"`
	Holder *Process `json:"holder,omitempty"` // who has it, as far as this user may see
}

// Process is one of this machine.
type Process struct {
	PID      int    `json:"pid"`
	Name     string `json:"name"`
	Node     bool   `json:"node,omitempty"` // it is a Parley node
	StateDir string `json:"state_dir,omitempty"`
}

// Firewall is what filters packets on this machine, as far as it shows.
type Firewall struct {
	Tool     string   `json:"tool,omitempty"` // ufw, firewalld, nft, iptables, netsh or pf: how its rules are changed here
	Active   bool     `json:"active"`
	Readable bool     `json:"readable,omitempty"`  // its rules could be read, which takes the administrator
	Chain    string   `json:"chain,omitempty"`     // of nft: family, table and chain of what comes in
	OutChain string   `json:"out_chain,omitempty"` // and of what goes out
	Drops    []string `json:"drops,omitempty"`     // ports, such as "tcp 2222", whose packets its rules drop, where they can be read
	OutDrops []string `json:"out_drops,omitempty"` // the same of what this machine sends to such ports of others
}

// What became of a try to reach a peer.
const (
	Open        = "open"
	TimedOut    = "timeout"
	RefusedPort = "refused"     // its machine answers, and nobody listens there
	Unreachable = "unreachable" // this machine's system knows no way, or nobody answers at that address
	Denied      = "denied"      // this machine's system forbids it
	NoNode      = "no node"     // something else listens there
	Failed      = "failed"
)

// Peer is another node, or an address where one should be.
type Peer struct {
	ID      string   `json:"id,omitempty"`
	Name    string   `json:"name,omitempty"`
	Room    string   `json:"room,omitempty"`
	Role    string   `json:"role,omitempty"`
	Proto   int      `json:"proto,omitempty"`
	Locked  bool     `json:"locked,omitempty"`  // its room has a passphrase
	Ways    []string `json:"ways"`              // how it was found
	From    []string `json:"from,omitempty"`    // where its packets come from
	Here    bool     `json:"here,omitempty"`    // on this machine
	Own     bool     `json:"own,omitempty"`     // it has this state folder's key
	Answers bool     `json:"answers,omitempty"` // it has answered to this machine alone

	Addr      string  `json:"addr,omitempty"`      // where it was tried last, or where it answered
	OnLink    bool    `json:"on_link"`             // one of its addresses is in a network of this machine
	Route     string  `json:"route,omitempty"`     // the interface by which packets to Addr leave
	Neighbour string  `json:"neighbour,omitempty"` // of an address on the link: answers, silent, doubtful; empty where it is not known
	Text      string  `json:"text,omitempty"`      // what became of a try to connect; empty: it does not host
	Voice     string  `json:"voice,omitempty"`     // open, timeout or refused; empty: it can't be known
	VoiceMS   float64 `json:"voice_ms,omitempty"`  // round trip
	Refusal   string  `json:"refusal,omitempty"`   // code of the host's no
	Reason    string  `json:"reason,omitempty"`    // the same in its words
	ClockMS   float64 `json:"clock_ms,omitempty"`  // by how much its clock is ahead of this machine's
}

// Sound is the machine's sound.
type Sound struct {
	Asked        bool          `json:"asked"`
	Devices      []node.Device `json:"devices,omitempty"`
	DevicesError string        `json:"devices_error,omitempty"`
	Microphone   *Microphone   `json:"microphone,omitempty"` // nil: it was not listened to
}

// Microphone is what was heard of it in a moment.
type Microphone struct {
	Name    string  `json:"name,omitempty"`
	Peak    float64 `json:"peak_db"`           // in dB below the loudest possible; meaningless when Dead
	Dead    bool    `json:"dead,omitempty"`    // nothing but zeros came, or nothing
	Muted   bool    `json:"muted,omitempty"`   // the system says so
	Monitor bool    `json:"monitor,omitempty"` // the system's default is one: it hears the loudspeaker
	Error   string  `json:"error,omitempty"`
}

// hears takes over what a survey tells of this machine.
func (e *Evidence) hears(s *discovery.Surveyed) {
	for i := range e.Interfaces {
		if err := s.Send[e.Interfaces[i].Name]; err != nil {
			e.Interfaces[i].Send = sendError(err)
		}
	}
	for _, a := range s.Others {
		e.Speakers = append(e.Speakers, a.String())
	}
}
