package tui

import (
	"strings"

	tea "charm.land/bubbletea/v2"

	"parley.lan/command"
	"parley.lan/node"
	"parley.lan/room"
)

// devicesListed is the machine's sound devices.
type devicesListed struct {
	devices []node.Device
	err     error
}

// devicesPanel chooses microphone and loudspeaker while the talk goes on, and lets one hear oneself.
type devicesPanel struct {
	choices []choice
	list    []node.Device
	at      int
	loaded  bool
	err     error
}

// choice is one device as one end; no name: the system's default.
type choice struct {
	name    string
	input   bool
	monitor bool
}

// openDevices shows the list; it is asked for beside the screen, since it may take long.
func (m *Model) openDevices() tea.Cmd {
	if _, open := m.panel.(*devicesPanel); open {
		m.panel = nil
		return nil
	}
	m.panel = &devicesPanel{}
	return m.listDevices()
}

func (m *Model) listDevices() tea.Cmd {
	n := m.node
	return func() tea.Msg {
		list, err := n.Devices()
		return devicesListed{list, err}
	}
}

func (p *devicesPanel) listed(l devicesListed) {
	p.loaded, p.err, p.list = true, l.err, l.devices
	p.choices = nil
	for _, input := range []bool{true, false} {
		p.choices = append(p.choices, choice{input: input})
		for _, d := range l.devices {
			if input && d.Inputs > 0 || !input && d.Outputs > 0 {
				p.choices = append(p.choices, choice{name: d.Name, input: input, monitor: input && d.Monitor})
			}
		}
	}
}

func (p *devicesPanel) lines(m *Model, width, height int) []string {
	switch {
	case !p.loaded:
		return []string{title(m, "Microphone and loudspeaker", width), "", " Looking for devices …"}
	case p.err != nil:
		return []string{title(m, "Microphone and loudspeaker", width), "", " " + room.CleanText(p.err.Error())}
	}
	used := m.teller.Audio
	var out []string
	row := 0 // of the chosen one
	for i, c := range p.choices {
		if i == 0 {
			out = append(out, title(m, "Microphone", width))
		} else if !c.input && p.choices[i-1].input {
			out = append(out, "", title(m, "Loudspeaker", width))
		}
		name := room.CleanText(c.name)
		if name == "" {
			name = "the system's default"
		}
		if c.monitor {
			name += " (hears the loudspeaker)"
		}
		mark := "   "
		if c.name != "" && (c.input && c.name == used.Input || !c.input && c.name == used.Output) {
			mark = " • "
		}
		if i == p.at {
			mark = ">" + mark[1:]
			row = len(out)
		}
		out = append(out, mark+m.cells.clip(name, width-3))
	}
	out = append(out, "", " Microphone "+bars(m.levels.Microphone, 20)+"  "+room.CleanText(m.teller.Audio.Error))
	from := max(0, min(row-height/2, len(out)-height))
	return out[from:]
}

func (p *devicesPanel) key(m *Model, k tea.KeyPressMsg) (bool, tea.Cmd) {
	switch strings.ToLower(k.String()) {
	case "up", "shift+tab", "pgup", "home":
		p.at = max(0, p.at-steps(k))
	case "down", "tab", "pgdown", "end":
		p.at = min(p.at+steps(k), max(0, len(p.choices)-1))
	case "t":
		on := !m.switches.Testing
		m.turn(func(n node.Face) { n.TestMicrophone(on) })
	case "enter":
		if p.at < len(p.choices) {
			return true, p.use(m, p.choices[p.at])
		}
	default:
		return false, nil
	}
	return true, nil
}

func (p *devicesPanel) use(m *Model, c choice) tea.Cmd {
	in, out := command.Chosen(p.list, m.teller.Audio.Input, true), command.Chosen(p.list, m.teller.Audio.Output, false)
	if c.input {
		in = c.name
	} else {
		out = c.name
	}
	n := m.node
	return func() tea.Msg { return answered{err: n.UseDevices(in, out)} }
}

func (p *devicesPanel) advice() string {
	return "Enter: use it · T: hear yourself · Esc: back"
}
