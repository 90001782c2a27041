package doctor

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"parley.lan/node"
	"parley.lan/room"
)

// sane is the evidence of a machine without a fault, with one other node in the room.
func sane() Evidence {
	return Evidence{
		OS: "linux", Room: "lobby", TextPort: 2222, VoicePort: 55555, Program: "/usr/bin/node",
		Interfaces: []Interface{
			{Name: "lo", Kind: Loopback, Up: true, Addrs: []string{"127.0.0.1/8"}},
			{Name: "eth0", Kind: Cable, Up: true, Used: true, Multicast: true, Addrs: []string{"192.168.1.5/24"}, Echoes: []Echo{{Port: 5353, Heard: true}, {Port: 55555, Heard: true}}},
		},
		Gateway: Gateway{Known: true, Addr: "192.168.1.1", Iface: "eth0", Answers: true},
		Ports:   []Port{{Proto: "tcp", Number: 2222, For: forText, State: PortFree}, {Proto: "udp", Number: 55555, For: forVoice, State: PortFree}, {Proto: "udp", Number: 5353, For: forMDNS, State: PortShared}},
		Peers: []Peer{{
			ID: "ada", Name: "Ada", Room: "lobby", Role: "host", Proto: 1, Ways: []string{"beacon", "mdns"}, From: []string{"192.168.1.7"},
			Addr: "192.168.1.7:2222", OnLink: true, Route: "eth0", Neighbour: Answers, Answers: true, Text: Open, Voice: Open, VoiceMS: 0.4, ClockMS: 3,
		}},
		Neighbours: []string{"192.168.1.1", "192.168.1.7"},
		Sound: Sound{Asked: true, Devices: []node.Device{{Name: "Mic", Inputs: 1, DefaultInput: true}, {Name: "Ear", Outputs: 2, DefaultOutput: true}},
			Microphone: &Microphone{Name: "Mic", Peak: -40}},
	}
}

// change makes a fault.
type change func(*Evidence)

func running(s func(*node.Sounding)) change {
	return func(e *Evidence) {
		n := node.Sounding{Audio: node.Audio{Input: "Mic", Output: "Ear"}, Voice: node.Voice{FrameMS: 10, Budget: node.BudgetOf(room.VoiceBudget{Capture: 5})}}
		s(&n)
		e.Running = &Running{"lobby", n}
		e.Sound = Sound{Asked: true}
	}
}

func silentPeer(e *Evidence) {
	p := &e.Peers[0]
	p.Text, p.Voice, p.Neighbour, p.Answers = TimedOut, "", Silent, false
	e.Neighbours = []string{"192.168.1.1"}
}

// secondHere: another node on this machine, and nobody else.
func secondHere(e *Evidence) {
	e.Peers = []Peer{{ID: "me2", Name: "Me", Room: "lobby", Role: "host", Ways: []string{"mdns"}, Here: true}}
	e.Ports[0].State, e.Ports[0].Holder = PortTaken, &Process{PID: 77, Name: "node", Node: true, StateDir: "/home/me/two"}
}

// faults has at least one way to make each cause, in the order of precedence.
var faults = []struct {
	cause Cause
	make  change
	says  string // in the verdict or the action
}{
	{NoInterface, func(e *Evidence) { e.Interfaces = e.Interfaces[:1]; e.Peers = nil }, "Plug in a cable"},
	{NoInterface, func(e *Evidence) {
		e.Only, e.Interfaces[0].Used, e.Interfaces[1].Used, e.Peers = []string{"lo"}, true, false, nil
	}, "reaches this machine alone"},
	{NoInterface, func(e *Evidence) { e.Only = []string{"eth7"}; e.Interfaces[1].Used = false; e.Peers = nil }, "eth7"},
	{NoInterface, func(e *Evidence) {
		e.Interfaces[1] = Interface{Name: "wg0", Kind: Tunnel, Up: true}
		e.Peers = nil
	}, "wg0"},
	{MacPermission, func(e *Evidence) { e.OS = "darwin"; e.Interfaces[1].Send = Unreachable; e.Peers = nil }, "Local Network"},
	{MacPermission, func(e *Evidence) { e.OS = "darwin"; e.Peers[0].Text = Unreachable }, "Local Network"},
	{WSL, func(e *Evidence) {
		e.WSL = true
		e.Interfaces[1].Addrs = []string{"172.29.3.4/20"}
		e.Peers = nil
	}, "node.exe"},
	{VirtualInterface, func(e *Evidence) { e.Interfaces[1].Name, e.Interfaces[1].Kind = "docker0", Virtual; e.Peers = nil }, "docker0"},
	{FirewallHere, func(e *Evidence) { e.Interfaces[1].Echoes[1].Heard = false; e.Peers = nil }, "UDP 55555."},
	{FirewallHere, func(e *Evidence) { e.Interfaces[1].Send = Denied }, "forbids node to send"},
	{FirewallHere, func(e *Evidence) { e.Firewall.OutDrops = []string{"tcp 2222"} }, "sends to TCP 2222 of others"},
	{Port5353, func(e *Evidence) { e.Ports[2].State, e.Peers = PortTaken, nil }, "as the administrator"},
	{Twin, func(e *Evidence) { e.Peers[0].Own = true }, "identity.pem"},
	{VPN, func(e *Evidence) {
		e.Interfaces = append(e.Interfaces, Interface{Name: "tun0", Kind: Tunnel, Up: true})
		silentPeer(e)
		e.Peers[0].Route = "tun0"
	}, "tun0"},
	{Isolation, silentPeer, "client isolation"},
	{Isolation, func(e *Evidence) {
		silentPeer(e)
		e.Peers[0].Neighbour = Doubtful
		e.Neighbours = append(e.Neighbours, "192.168.1.7")
	}, "client isolation"},
	{OtherSubnet, func(e *Evidence) {
		p := &e.Peers[0]
		p.Addr, p.From, p.OnLink, p.Text, p.Neighbour = "10.9.9.9:2222", []string{"10.9.9.9"}, false, Unreachable, ""
	}, "another network than this machine (192.168.1.0/24)"},
	{TextBlocked, func(e *Evidence) { e.Peers[0].Text = TimedOut }, "TCP 2222"},
	{TextBlocked, func(e *Evidence) { silentPeer(e); e.Peers[0].Neighbour = Answers }, "TCP 2222"}, // its machine answers: it is no isolation
	{TextBlocked, func(e *Evidence) { silentPeer(e); e.Neighbours = append(e.Neighbours, "192.168.1.8") }, "TCP 2222"},
	{TextBlocked, func(e *Evidence) { e.Peers[0].Text = RefusedPort }, "refuses TCP 2222"},
	{TextBlocked, func(e *Evidence) { e.Peers[0].Text = NoNode }, "another program"},
	{JoinSilent, func(e *Evidence) {
		e.Peers = append(e.Peers, Peer{Name: "10.9.9.9", Ways: []string{"join"}, Addr: "192.168.1.77:2222", OnLink: true, Text: TimedOut})
	}, "Nobody answers"},
	{JoinSilent, func(e *Evidence) { e.Peers = append(e.Peers, Peer{Name: "nas", Ways: []string{"join"}}) }, "The name nas"},
	{MulticastBlocked, func(e *Evidence) { e.Peers[0].Ways = []string{"direct"} }, "--join 192.168.1.7"},
	{MulticastBlocked, func(e *Evidence) { e.Interfaces[1].Multicast = false }, "ip link set eth0 multicast on"},
	{OtherProtocol, func(e *Evidence) { e.Peers[0].Proto = 2 }, "newer node for this machine"},
	{OtherProtocol, func(e *Evidence) { e.Peers[0].Refusal, e.Peers[0].Reason = "protocol", "this room speaks version 3" }, "version 3"},
	{PassphraseAsked, func(e *Evidence) { e.Peers[0].Locked = true }, "--passphrase-file"},
	{PassphraseAsked, func(e *Evidence) { e.Peers[0].Refusal = "passphrase" }, "was given none"},
	{PassphraseAsked, func(e *Evidence) { e.Passphrase = true }, "without one"},
	{PassphraseAsked, func(e *Evidence) { e.Passphrase, e.Peers[0].Locked, e.Peers[0].Refusal = true, true, "passphrase" }, "is another one"},
	{VoiceBlocked, func(e *Evidence) { e.Peers[0].Voice = TimedOut }, "UDP 55555"},
	{OtherRoom, func(e *Evidence) { e.Peers[0].Room = "my garden" }, "--room 'my garden'"},
	{OtherRoom, func(e *Evidence) {
		e.Peers[0] = Peer{ID: "b", Name: "192.168.1.9", Ways: []string{"join"}, Addr: "192.168.1.9:2222", OnLink: true, Text: Open, Refusal: "room", Reason: `the room here is "x"`}
	}, `the room here is "x"`},
	{FirewallHere, func(e *Evidence) { e.Interfaces[1].Echoes[1].Heard = false }, "UDP 55555. You can join a room, and"},
	{FirewallHere, func(e *Evidence) { e.Firewall = Firewall{Tool: UFW, Active: true, Drops: []string{"tcp 2222"}} }, "sudo ufw allow 2222,55555/tcp && sudo ufw allow 55555,5353,22222/udp"},
	{Port5353, func(e *Evidence) { e.Ports[2].State, e.Ports[2].Holder = PortTaken, &Process{PID: 12, Name: "mdnsd"} }, "mdnsd (process 12)"},
	{PortTakenCause, func(e *Evidence) { e.Ports[0].State, e.Ports[0].Holder = PortTaken, &Process{PID: 9, Name: "sshd"} }, "sshd (process 9)"},
	{PortTakenCause, func(e *Evidence) { e.Ports[1].State = PortTaken }, "--voice-port"},
	{Clock, func(e *Evidence) { e.Peers[0].ClockMS = 3 * 3600e3 }, "3 hours behind"},
	{Clock, func(e *Evidence) { e.Peers[0].ClockMS = -90e3 * 4 }, "6 minutes ahead"},
	{SoundFault, running(func(s *node.Sounding) { s.Error = "unplugged" }), "unplugged"},
	{SoundFault, func(e *Evidence) { e.Sound = Sound{Asked: true, DevicesError: "no server"} }, "can't be asked: no server"},
	{SoundFault, func(e *Evidence) { e.Sound.Microphone.Error = "busy" }, "busy"},
	{NoDevice, func(e *Evidence) { e.Sound = Sound{Asked: true} }, "no sound devices"},
	{MonitorTaken, func(e *Evidence) {
		e.Sound.Devices[0].Name, e.Sound.Devices[0].Monitor = "Monitor of Ear", true
	}, "there is no other"},
	{MonitorTaken, func(e *Evidence) {
		e.Sound.Devices[0].Monitor = true
		e.Sound.Devices = append(e.Sound.Devices, node.Device{Name: "Other", Inputs: 1})
	}, "takes another one"},
	{MonitorTaken, func(e *Evidence) { e.Sound.Microphone.Monitor = true }, "is a monitor"},
	{NoMicrophone, func(e *Evidence) { e.Sound.Devices, e.Sound.Microphone = e.Sound.Devices[1:], nil }, "no microphone"},
	{NoMicrophone, func(e *Evidence) { e.Sound.Devices[0].DefaultInput = false }, "no default microphone"},
	{NoMicrophone, running(func(s *node.Sounding) { s.Input = "" }), "nobody hears you"},
	{NoLoudspeaker, func(e *Evidence) { e.Sound.Devices = e.Sound.Devices[:1] }, "no default loudspeaker"},
	{NoLoudspeaker, running(func(s *node.Sounding) { s.Output = "" }), "you hear nobody"},
	{MicrophoneMuted, func(e *Evidence) { e.Sound.Microphone.Muted = true }, "is muted"},
	{MicrophoneSilent, func(e *Evidence) { e.Sound.Microphone.Dead = true }, "nothing at all"},
	{MicrophoneSilent, func(e *Evidence) { e.Sound.Microphone.Peak = -85 }, "-85 dB"},
	{VoiceLoss, running(func(s *node.Sounding) {
		s.Speakers = []node.VoiceQuality{{Person: node.Person{Name: "Bob"}, Received: 95, Lost: 5}}
	}), "5 % of Bob's voice"},
	{VoiceLate, running(func(s *node.Sounding) { s.Budget = node.BudgetOf(room.VoiceBudget{Capture: 31, Jitter: 120}) }), "151 ms"},
	{Unfinished, func(e *Evidence) { e.Unfinished = []string{"network"} }, "Looking at the network"},
}

// noFaults are the same for what needs no mending.
var noFaults = []struct {
	cause Cause
	make  change
	says  string
}{
	{Healthy, func(*Evidence) {}, `All is well. 1 other node is in "lobby", hosted by Ada (192.168.1.7:2222); voice goes there and back in 0.4 ms.`},
	{Healthy, func(e *Evidence) { e.Gateway = Gateway{Known: true} }, "Parley needs none"},
	{Healthy, func(e *Evidence) { e.Peers[0].Ways = []string{"beacon"} }, "avahi does not see them"},
	{Healthy, func(e *Evidence) {
		e.Peers = append(e.Peers, Peer{ID: "c", Room: "garden", Role: "host", Ways: []string{"mdns"}, Text: Open, OnLink: true})
	}, `other rooms here: "garden"`},
	{Healthy, func(e *Evidence) { // a host joined before is off today
		e.Peers = append(e.Peers, Peer{Name: "192.168.1.20:2222", Ways: []string{"remembered"}, Addr: "192.168.1.20:2222", OnLink: true, Text: TimedOut, Neighbour: Silent})
	}, "192.168.1.20:2222, where you joined before, does not answer now"},
	{Healthy, func(e *Evidence) { e.Interfaces[1].Addrs = []string{"169.254.7.8/16"} }, "no DHCP server"},
	{Healthy, func(e *Evidence) { e.Sound = Sound{} }, "All is well"},
	{Healthy, func(e *Evidence) { // where it is not known that echoes come back at all
		e.OS, e.Interfaces[1].Echoes = "darwin", []Echo{{Port: 5353}, {Port: 55555}}
	}, "All is well"},
	{Healthy, func(e *Evidence) {
		e.Interfaces = append(e.Interfaces, Interface{Name: "eth1", Kind: Cable, Up: true, Used: true})
	}, "switched off on eth1"},
	{Healthy, running(func(s *node.Sounding) { s.Budget = nil }), "A node runs with this state folder"},
	{Alone, func(e *Evidence) { running(func(s *node.Sounding) { s.Muted = true })(e); e.Peers = nil }, "nobody else"},
	{Muted, running(func(s *node.Sounding) { s.Muted = true }), "/unmute"},
	{NoSound, running(func(s *node.Sounding) { s.Input, s.Output = "", "" }), "without sound"},
	{Alone, func(e *Evidence) { e.Peers = nil }, "nobody else is here yet"},
	{Alone, func(e *Evidence) { e.Peers = nil; e.Neighbours = []string{"192.168.1.1"} }, "The router is the only machine that answers"},
	{Healthy, func(e *Evidence) { secondHere(e); e.Peers = append(e.Peers, sane().Peers...) }, "process 77, state folder /home/me/two"},
	{SecondNode, secondHere, "process 77, state folder /home/me/two"},
}

func TestEveryCause(t *testing.T) {
	seen := map[Cause]bool{}
	check := func(cause Cause, make change, says string, ok bool) {
		seen[cause] = true
		e := sane()
		make(&e)
		d := Judge(e)
		all := d.Verdict + "\n" + d.Action + "\n" + strings.Join(d.Notes, "\n")
		if d.Cause != cause || d.OK != ok || !strings.Contains(all, says) || !ok && d.Action == "" {
			t.Errorf("%+v\nwant %s: %q", d, cause, says)
		}
	}
	for _, f := range faults {
		check(f.cause, f.make, f.says, false)
	}
	for _, f := range noFaults {
		check(f.cause, f.make, f.says, true)
	}
	for _, c := range append(checks, well...) {
		if !seen[c.cause] {
			t.Errorf("no test makes %s", c.cause)
		}
	}
}

// TestOfTwoFaultsTheFirstIsMended: with any two faults at once, as far as they can be together, the one that comes first in the
// table gives the verdict.
func TestOfTwoFaultsTheFirstIsMended(t *testing.T) {
	for i := range faults[1:] {
		if a, b := faults[i], faults[i+1]; place(a.make) > place(b.make) {
			t.Errorf("%s (%s) is not mended before %s (%s)", a.cause, a.says, b.cause, b.says)
		}
	}
	pairs := 0
	for i, a := range faults {
		for j, b := range faults {
			first := place(a.make)
			if i == j || first >= place(b.make) {
				continue
			}
			e := sane()
			if !together(&e, a.make, b.make) {
				continue
			}
			if verdict, _ := checks[first].found(&e); verdict == "" {
				continue // b has taken it away
			}
			pairs++
			if d := Judge(e); d.Cause != a.cause && places(e) >= first {
				t.Errorf("%s and %s: %s first", a.cause, b.cause, d.Cause)
			}
		}
	}
	if pairs < 300 {
		t.Errorf("only %d pairs were looked at", pairs)
	}
	// And those that people will meet, by name.
	for _, c := range []struct {
		first Cause
		make  []change
	}{
		{FirewallHere, []change{func(e *Evidence) { e.Interfaces[1].Echoes[0].Heard = false }, func(e *Evidence) { e.Peers[0].Text = TimedOut }}},
		{FirewallHere, []change{func(e *Evidence) { e.Interfaces[1].Echoes[0].Heard = false }, func(e *Evidence) { e.Peers[0].Ways = []string{"direct"} }}},
		{VoiceBlocked, []change{func(e *Evidence) { e.Interfaces[1].Echoes[0].Heard = false }, func(e *Evidence) { e.Peers[0].Voice = TimedOut }}},
		{TextBlocked, []change{func(e *Evidence) { e.Ports[2].State = PortTaken }, func(e *Evidence) { e.Peers[0].Text = TimedOut }}},
		{Isolation, []change{silentPeer, func(e *Evidence) { e.Peers[0].Ways = []string{"direct"} }}},
		{TextBlocked, []change{func(e *Evidence) { e.Peers[0].Text = TimedOut }, func(e *Evidence) { e.Peers[0].Locked = true }}},
		{MulticastBlocked, []change{func(e *Evidence) { e.Peers[0].Ways = []string{"direct"} }, func(e *Evidence) { e.Peers[0].Room = "garden" }}},
		{OtherProtocol, []change{func(e *Evidence) { e.Peers[0].Proto = 2 }, func(e *Evidence) { e.Peers[0].Locked = true }}},
		{OtherRoom, []change{func(e *Evidence) { e.Peers[0].Room = "garden" }, func(e *Evidence) { e.Sound.Microphone.Muted = true }}},
	} {
		e := sane()
		for _, m := range c.make {
			m(&e)
		}
		if d := Judge(e); d.Cause != c.first {
			t.Errorf("%s, want %s first", d.Cause, c.first)
		} else if len(d.Notes) == 0 || !strings.HasPrefix(d.Notes[0], "Also: ") {
			t.Errorf("%s: the other fault is not told: %q", d.Cause, d.Notes)
		}
	}
}

// places is the place in the table that gives the verdict.
func places(e Evidence) int {
	for i, c := range checks {
		if verdict, _ := c.found(&e); verdict != "" {
			return i
		}
	}
	return len(checks)
}

func place(make change) int {
	e := sane()
	make(&e)
	return places(e)
}

// together makes several faults, and tells false where one needs what another takes away.
func together(e *Evidence, all ...change) (ok bool) {
	defer func() { ok = recover() == nil }()
	for _, make := range all {
		make(e)
	}
	return true
}

// TestPageKnowsEveryCause: docs/doctor.md has them all, in the order of the table.
func TestPageKnowsEveryCause(t *testing.T) {
	b, err := os.ReadFile("../docs/doctor.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	for _, c := range checks {
		_, after, found := strings.Cut(page, "`"+string(c.cause)+"`")
		if !found {
			t.Fatalf("%s is not there, or not in its place", c.cause)
		}
		page = after
	}
	for _, c := range well {
		if !strings.Contains(page, "`"+string(c.cause)+"`") {
			t.Errorf("%s is not there", c.cause)
		}
	}
}

// TestNothingAtAllIsNoCrash: evidence that could not be gathered.
func TestNothingAtAllIsNoCrash(t *testing.T) {
	if d := Judge(Evidence{}); d.OK || d.Cause != NoInterface {
		t.Errorf("%+v", d)
	}
	e := Evidence{Peers: []Peer{{}}, Interfaces: []Interface{{}}, Ports: []Port{{}, {State: PortTaken}}}
	Judge(e)
	Findings(e)
}

// TestFindings: a line for each thing seen, marked by words, and each of one line.
func TestFindings(t *testing.T) {
	e := sane()
	e.Peers[0].Voice = TimedOut
	e.Interfaces[1].Echoes[1].Heard = false
	marks := map[string]bool{}
	for _, f := range Findings(e) {
		marks[f.What] = f.OK
		if s := f.String(); strings.Contains(s, "\n") || !strings.HasPrefix(s, "ok  ") && !strings.HasPrefix(s, "!!  ") {
			t.Errorf("%q", s)
		}
	}
	want := map[string]bool{"eth0": false, "router": true, "TCP 2222": true, "UDP 55555": true, "UDP 5353": true, "node": false, "microphone": true, "took": true}
	if !reflect.DeepEqual(marks, want) {
		t.Errorf("%v, want %v", marks, want)
	}
}

func TestLinesToType(t *testing.T) {
	e := sane()
	for _, c := range []struct{ tool, in, out string }{
		{UFW, "sudo ufw allow 2222,55555/tcp", "sudo ufw allow out 2222,55555/tcp"},
		{Firewalld, "sudo firewall-cmd --permanent --add-port=2222/tcp --add-port=55555/tcp --add-port=55555/udp --add-port=5353/udp --add-port=22222/udp && sudo firewall-cmd --reload", "sudo nft"},
		{NFT, "sudo node doctor", "sudo node doctor"},
		{NFT, "sudo nft 'insert rule inet filter input tcp dport { 2222, 55555 } accept; insert rule inet filter input udp dport { 55555, 5353, 22222 } accept'", "insert rule inet filter output"},
		{IPTables, "sudo iptables -I INPUT -p tcp -m multiport --dports 2222,55555 -j ACCEPT", "sudo iptables -I OUTPUT"},
		{Netsh, `netsh advfirewall firewall add rule name=Parley dir=in action=allow enable=yes program="/usr/bin/node"`, "dir=out"},
		{PF, "pfctl -a com.apple/parley -f -", "Let TCP 2222"},
		{"", "Let TCP 2222 and UDP 55555, 5353 and 22222 in.", "out."},
	} {
		e.Firewall = Firewall{Tool: c.tool}
		if !strings.Contains(c.in, "sudo node doctor") {
			e.Firewall.Chain, e.Firewall.OutChain = "inet filter input", "inet filter output"
		}
		if in, out := e.Firewall.letIn(&e), e.Firewall.letOut(&e); !strings.Contains(in, c.in) || !strings.Contains(out, c.out) {
			t.Errorf("%s:\n%s\n%s", c.tool, in, out)
		}
	}
}

func TestShellQuotesWhatOthersNamed(t *testing.T) {
	for word, want := range map[string]string{"garden": "garden", "": "''", "a b": "'a b'", "x'; rm -r ~": `'x'\''; rm -r ~'`, "$(id)": "'$(id)'"} {
		if got := shell(word); got != want {
			t.Errorf("%s: %s, want %s", word, got, want)
		}
	}
}

func TestSendError(t *testing.T) {
	for err, want := range map[error]string{
		fmt.Errorf("x: %w", syscall.EPERM): Denied, syscall.EHOSTUNREACH: Unreachable, errors.New("no buffer"): "no buffer",
	} {
		if got := sendError(err); got != want {
			t.Errorf("%v: %s", err, got)
		}
	}
}
