package doctor

import (
	"fmt"
	"slices"
	"strings"
)

// Diagnosis is what an examination comes to: one verdict, one action.
type Diagnosis struct {
	OK      bool     `json:"ok"`
	Cause   Cause    `json:"cause"`   // for programs: it stays as it is from version to version
	Verdict string   `json:"verdict"` // what is wrong, or that nothing is
	Action  string   `json:"action,omitempty"`
	Notes   []string `json:"notes,omitempty"` // what else was noticed, what is to be mended next included
}

// Cause names a verdict.
type Cause string

// Causes, in the order in which they are to be mended: of two faults the one comes first without whose end the other can't be
// seen, or would change nothing.
const (
	NoInterface      Cause = "no-interface"
	MacPermission    Cause = "macos-permission"
	WSL              Cause = "wsl"
	VirtualInterface Cause = "virtual-interface"
	FirewallHere     Cause = "firewall"
	Port5353         Cause = "port-5353"
	Twin             Cause = "twin"
	VPN              Cause = "vpn"
	Isolation        Cause = "client-isolation"
	OtherSubnet      Cause = "other-subnet"
	TextBlocked      Cause = "text-blocked"
	JoinSilent       Cause = "join-silent"
	MulticastBlocked Cause = "multicast-blocked"
	OtherProtocol    Cause = "other-protocol"
	PassphraseAsked  Cause = "passphrase"
	VoiceBlocked     Cause = "voice-blocked"
	OtherRoom        Cause = "other-room"
	PortTakenCause   Cause = "port-taken"
	Clock            Cause = "clock"

	SoundFault       Cause = "sound-fault"
	NoDevice         Cause = "no-sound-device"
	NoMicrophone     Cause = "no-microphone"
	MonitorTaken     Cause = "monitor-microphone"
	NoLoudspeaker    Cause = "no-loudspeaker"
	MicrophoneMuted  Cause = "microphone-muted"
	MicrophoneSilent Cause = "microphone-silent"
	VoiceLoss        Cause = "voice-loss"
	VoiceLate        Cause = "voice-late"
	Unfinished       Cause = "unfinished"

	// These are no faults.
	NoSound    Cause = "no-sound"
	Muted      Cause = "muted"
	Alone      Cause = "alone"
	SecondNode Cause = "second-node"
	Healthy    Cause = "healthy"
)

// check looks for one cause in the evidence.
type check struct {
	cause Cause
	found func(*Evidence) (verdict, action string)
}

// checks is the table. The first one that finds something gives the verdict; those after it are notes. What keeps everybody away
// comes before what is in the way of one, and that before what does no harm yet.
var checks = []check{
	{NoInterface, noInterface},
	{MacPermission, macPermission},
	{WSL, wsl},
	{VirtualInterface, virtualInterface},
	{FirewallHere, firewallHere},
	{Port5353, port5353Alone},
	{Twin, twin},
	{VPN, vpn},
	{Isolation, isolation},
	{OtherSubnet, otherSubnet},
	{TextBlocked, textBlocked},
	{JoinSilent, joinSilent},
	{MulticastBlocked, multicastBlocked},
	{OtherProtocol, otherProtocol},
	{PassphraseAsked, passphrase},
	{VoiceBlocked, voiceBlocked},
	{OtherRoom, otherRoom},
	{FirewallHere, firewallIn},
	{Port5353, port5353},
	{PortTakenCause, portTaken},
	{Clock, clock},
	{SoundFault, soundFault},
	{NoDevice, noDevice},
	{MonitorTaken, monitorTaken},
	{NoMicrophone, noMicrophone},
	{NoLoudspeaker, noLoudspeaker},
	{MicrophoneMuted, microphoneMuted},
	{MicrophoneSilent, microphoneSilent},
	{VoiceLoss, voiceLoss},
	{VoiceLate, voiceLate},
	{Unfinished, unfinished},
}

// well is the table of what is no fault, asked when there is none.
var well = []check{
	{SecondNode, secondAlone},
	{Alone, alone},
	{NoSound, noSound},
	{Muted, muted},
	{Healthy, healthy},
	{SecondNode, secondNode},
}

// Judge makes of the evidence a verdict and an action.
func Judge(e Evidence) Diagnosis {
	d := Diagnosis{OK: true}
	var also []string
	told := map[Cause]bool{}
	for _, c := range checks {
		verdict, action := c.found(&e)
		if verdict == "" || told[c.cause] {
			continue
		}
		told[c.cause] = true
		if d.OK {
			d = Diagnosis{Cause: c.cause, Verdict: verdict, Action: action}
		} else {
			also = append(also, "Also: "+verdict)
		}
	}
	for _, c := range well {
		verdict, action := c.found(&e)
		switch {
		case verdict == "" || told[c.cause]:
		case d.Cause == "":
			d.Cause, d.Verdict, d.Action = c.cause, verdict, action
			told[c.cause] = true
		case c.cause == SecondNode:
			also = append(also, verdict)
			told[c.cause] = true
		}
	}
	d.Notes = append(also, notes(&e)...)
	return d
}

// unfinished: what was not seen is not said to be well.
func unfinished(e *Evidence) (verdict, action string) {
	if len(e.Unfinished) == 0 {
		return "", ""
	}
	return fmt.Sprintf("Looking at the %s did not come to an end: this machine is very busy, or its system hangs.", list(e.Unfinished)), "Run node doctor once more."
}

// notes are what is worth knowing and no reason to worry.
func notes(e *Evidence) []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if e.Running != nil {
		add("A node runs with this state folder, in %q.", e.Running.Room)
	}
	if e.Gateway.Known && e.Gateway.Iface == "" && len(usable(e)) > 0 {
		add("There is no default route: no Internet. Parley needs none.")
	}
	for _, i := range usable(e) {
		if slices.ContainsFunc(i.Addrs, func(a string) bool { return strings.HasPrefix(a, "169.254.") }) {
			add("%s has given itself an address, for no DHCP server has answered. Parley works so, among machines that all have such addresses.", i.Name)
		}
	}
	if many := usable(e); len(many) > 1 {
		for _, i := range many {
			switch {
			case !i.Multicast:
				add("Multicast is switched off on %s: nodes there are found with difficulty.", i.Name)
			case i.Send != "":
				add("Multicast can't be sent on %s (%s).", i.Name, i.Send)
			}
		}
	}
	for _, p := range e.Peers {
		if !p.heard() && slices.Contains(p.Ways, "remembered") && p.Text != Open && p.Text != "" {
			add("%s, where you joined before, does not answer now.", p.where())
		}
	}
	if e.KeyError != "" {
		add("The key in the state folder can't be read: %s.", e.KeyError)
	}
	var rooms []string
	for _, p := range remote(e) {
		if p.Room != "" && p.Room != e.Room && !slices.Contains(rooms, p.Room) {
			rooms = append(rooms, p.Room)
		}
	}
	if len(rooms) > 0 && len(ours(e)) > 0 {
		add("There are other rooms here: %s.", quoted(rooms))
	}
	mdns, beacon := 0, 0
	for _, p := range remote(e) {
		if slices.Contains(p.Ways, "mdns") {
			mdns++
		}
		if slices.Contains(p.Ways, "beacon") {
			beacon++
		}
	}
	switch {
	case mdns == 0 && beacon > 0 && !slices.ContainsFunc(e.Ports, func(p Port) bool { return p.For == forMDNS && p.State == PortTaken }):
		add("Multicast DNS does not pass on this network, the beacon does: nodes find one another, and avahi does not see them.")
	case beacon == 0 && mdns > 0:
		add("The beacon (UDP 22222) does not pass on this network, multicast DNS does: that is enough.")
	}
	for _, p := range e.Ports {
		if p.State == PortTaken && p.For == forBeacon {
			add("UDP 22222, the beacon's port, is taken by %s, which doesn't share it. Multicast DNS goes on without.", p.Holder.words())
		}
	}
	return out
}

func quoted(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = fmt.Sprintf("%q", n)
	}
	return list(out)
}

// list puts words into a sentence.
func list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// words names a process, or says that nobody may know.
func (p *Process) words() string {
	switch {
	case p == nil:
		return "another program"
	case p.Node && p.StateDir != "":
		return fmt.Sprintf("another node (process %d, state folder %s)", p.PID, p.StateDir)
	}
	return fmt.Sprintf("%s (process %d)", p.Name, p.PID)
}
