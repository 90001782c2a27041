package doctor

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Finding is one line of evidence for a person.
type Finding struct {
	OK   bool
	What string // at most 12 characters
	Says string
}

func (f Finding) String() string {
	mark := "ok"
	if !f.OK {
		mark = "!!"
	}
	return fmt.Sprintf("%s  %-12s %s", mark, f.What, f.Says)
}

// maxLines is of how many nodes a person is told one by one.
const maxLines = 20

// Findings puts the evidence into lines.
func Findings(e Evidence) []Finding {
	var out []Finding
	add := func(ok bool, what, format string, args ...any) {
		out = append(out, Finding{ok, what, fmt.Sprintf(format, args...)})
	}
	for _, i := range e.Interfaces {
		if i.Used && i.Kind != Loopback {
			out = append(out, i.finding(&e))
		}
	}
	if len(usable(&e)) == 0 {
		add(false, "interfaces", "none leads to a LAN")
	}
	switch {
	case e.Gateway.Addr != "" && e.Gateway.Answers:
		add(true, "router", "%s answers", e.Gateway.Addr)
	case e.Gateway.Addr != "":
		add(false, "router", "%s does not answer", e.Gateway.Addr)
	}
	for _, p := range e.Ports {
		what := fmt.Sprintf("%s %d", strings.ToUpper(p.Proto), p.Number)
		switch {
		case p.State != PortTaken:
			add(true, what, "%s for %s", p.State, p.For)
		case p.Holder != nil && p.Holder.Node:
			add(true, what, "held by a node, process %d, state folder %s", p.Holder.PID, p.Holder.StateDir)
		default:
			add(p.Holder == nil && e.Running != nil, what, "taken by %s", p.Holder.words())
		}
	}
	if f := e.Firewall; f.Active {
		says := []string{f.Tool + " is active"}
		if len(f.Drops) > 0 {
			says = append(says, "drops what comes to "+strings.Join(f.Drops, ", "))
		}
		if len(f.OutDrops) > 0 {
			says = append(says, "drops what goes to "+strings.Join(f.OutDrops, ", "))
		}
		add(len(says) == 1, "firewall", "%s", strings.Join(says, "; "))
	}
	for _, p := range e.Peers[:min(len(e.Peers), maxLines)] {
		out = append(out, p.finding(&e))
	}
	if more := len(e.Peers) - maxLines; more > 0 {
		add(true, "others", "%d more nodes; --json has them all", more)
	}
	if len(remote(&e)) == 0 {
		add(true, "others", "no node heard; %s here", count(len(e.Neighbours), "machine answers", "machines answer"))
	}
	if m := e.Sound.Microphone; m != nil && m.Error == "" {
		says := fmt.Sprintf("%.0f dB at its loudest", m.Peak)
		switch {
		case m.Muted:
			says = "muted"
		case m.Dead:
			says = "nothing comes"
		}
		add(!m.Muted && !m.Dead && !m.Monitor && m.Peak >= quiet, "microphone", "%s", strings.TrimSpace(m.Name+" "+says))
	}
	for _, u := range e.Unfinished {
		add(false, "unfinished", "looking at the %s took too long", u)
	}
	add(true, "took", "%.1f s", e.TookMS/1000)
	return out
}

func (i Interface) finding(e *Evidence) Finding {
	f := Finding{OK: i.Kind != Virtual && i.Kind != Tunnel, What: i.Name}
	says := []string{i.Kind, strings.Join(i.Addrs, " ")}
	if !i.Multicast {
		f.OK = false
		says = append(says, "no multicast")
	}
	if i.Send != "" {
		f.OK = false
		says = append(says, "can't send: "+i.Send)
	}
	var heard, lost []string
	for _, echo := range i.Echoes {
		switch n := strconv.Itoa(echo.Port); {
		case echo.Heard:
			heard = append(heard, n)
		case echo.Error == "":
			lost = append(lost, n)
		}
	}
	if len(heard) > 0 {
		says = append(says, "lets in UDP "+strings.Join(heard, ", "))
	}
	if len(lost) > 0 {
		f.OK = false
		says = append(says, "drops UDP "+strings.Join(lost, ", "))
	}
	f.Says = strings.Join(says, "; ")
	return f
}

func (p Peer) finding(e *Evidence) Finding {
	f := Finding{OK: true, What: "node"}
	if p.ID == "" {
		f.What = "address"
	}
	says := []string{p.where()}
	if p.Room != "" {
		says = append(says, fmt.Sprintf("%s of %q", p.Role, p.Room))
	}
	if p.Here {
		says = append(says, "on this machine")
	}
	says = append(says, "found by "+strings.Join(p.Ways, ", "))
	if p.Text != "" {
		f.OK = p.Text == Open || !slices.ContainsFunc(expected(e), func(q Peer) bool { return q.Addr == p.Addr })
		says = append(says, "text: "+p.Text)
	}
	if p.Refusal != "" {
		f.OK = f.OK && p.Room != e.Room
		says = append(says, "refuses: "+p.Reason)
	}
	switch p.Voice {
	case "":
	case Open:
		says = append(says, fmt.Sprintf("voice: %.1f ms", p.VoiceMS))
	default:
		f.OK = false
		says = append(says, "voice: "+p.Voice)
	}
	f.Says = strings.Join(says, "; ")
	return f
}
