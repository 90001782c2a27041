package tui

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"parley.lan/command"
	"parley.lan/node"
	"parley.lan/qr"
	"parley.lan/room"
	"parley.lan/tell"
)

// panel is what takes the conversation's place for a while.
type panel interface {
	// lines draws at most height lines of at most width columns.
	lines(m *Model, width, height int) []string
	// key takes a key; the panel closes unless keep.
	key(m *Model, k tea.KeyPressMsg) (keep bool, cmd tea.Cmd)
	// advice tells the keys.
	advice() string
}

// toggle opens a panel, or closes the one of its kind that is open.
func (m *Model) toggle(p panel) {
	if m.panel != nil && fmt.Sprintf("%T", m.panel) == fmt.Sprintf("%T", p) {
		m.panel = nil
		return
	}
	m.panel = p
}

func title(m *Model, words string, width int) string {
	return paint(m.theme.bold, m.cells.clip(" "+words, width))
}

// helpPanel lists keys and commands.
type helpPanel struct{ from int }

func (p *helpPanel) lines(m *Model, width, height int) []string {
	column := 24
	out := []string{title(m, "Keys", width)}
	add := func(what, does string) {
		if width < 50 {
			out = append(out, m.cells.clip(" "+what, width))
			what, column = "", 4
		}
		for i, l := range m.cells.wrap(does, width-column, width-column) {
			if i > 0 {
				what = ""
			}
			out = append(out, " "+m.cells.pad(what, column-1)+does[l.from:l.to])
		}
	}
	for _, k := range keyHelp {
		add(k[0], k[1])
	}
	out = append(out, "", title(m, "Commands", width))
	for _, c := range command.All {
		add(c.Usage(), c.Help)
	}
	add("//TEXT", "say /TEXT")
	p.from = max(0, min(p.from, len(out)-height))
	return out[p.from:]
}

func (p *helpPanel) key(_ *Model, k tea.KeyPressMsg) (bool, tea.Cmd) {
	switch k.String() {
	case "up", "pgup", "home":
		p.from = max(0, p.from-steps(k))
	case "down", "pgdown", "space", "end":
		p.from += steps(k)
	default:
		return false, nil
	}
	return true, nil
}

// steps is how far a key moves in a list.
func steps(k tea.KeyPressMsg) int {
	switch k.String() {
	case "up", "down", "shift+tab", "tab":
		return 1
	case "home", "end":
		return 1 << 20
	}
	return 10
}

func (p *helpPanel) advice() string { return "Up, Down: more · Esc: back" }

// invitePanel tells how others get in.
type invitePanel struct{ invite command.InviteAnswer }

func (p *invitePanel) lines(m *Model, width, height int) []string {
	var typed []string // nothing of it may be cut off
	for _, l := range m.cells.wrap(p.invite.Line, width-3, width-3) {
		typed = append(typed, "   "+p.invite.Line[l.from:l.to])
	}
	out := append([]string{title(m, "Whoever doesn't find "+room.CleanText(p.invite.Room)+" types:", width), ""}, append(typed, "")...)
	code, err := qr.Lines(p.invite.Addrs[0], m.theme == &dark)
	switch {
	case err != nil:
		return append(out, " No code: "+err.Error())
	case len(code)+len(out) > height && len(code)+len(typed) <= height:
		out = typed
	case len(code)+len(typed) > height:
		return append(out, " The window is too low for the code.")
	}
	for _, l := range code {
		out = append(out, "   "+l)
	}
	if len(out)+2 <= height && len(p.invite.Addrs) > 1 {
		out = append(out, "", " Also at "+strings.Join(p.invite.Addrs[1:], ", "))
	}
	return out
}

func (p *invitePanel) key(*Model, tea.KeyPressMsg) (bool, tea.Cmd) { return false, nil }

func (p *invitePanel) advice() string { return "Esc: back" }

// soundPanel tells how the voices arrive.
type soundPanel struct{ sounding node.Sounding }

func (p *soundPanel) lines(m *Model, width, _ int) []string {
	out := []string{title(m, "How the voices arrive", width), ""}
	for _, text := range tell.Sound(p.sounding) {
		text = room.CleanText(text)
		for _, l := range m.cells.wrap(text, width-2, width-2) {
			out = append(out, " "+text[l.from:l.to])
		}
	}
	return out
}

func (p *soundPanel) key(*Model, tea.KeyPressMsg) (bool, tea.Cmd) { return false, nil }

func (p *soundPanel) advice() string { return "Esc: back" }

// peoplePanel lists everybody, to be heard louder or quieter or told something.
type peoplePanel struct {
	at  int
	who room.NodeID // who stands there: others come and go
}

// find gives everybody, and where the chosen one stands now.
func (p *peoplePanel) find(m *Model) []room.Member {
	all := m.people.sorted()
	if i := slices.IndexFunc(all, func(o room.Member) bool { return o.ID == p.who }); i >= 0 {
		p.at = i
	}
	p.at = max(0, min(p.at, len(all)-1))
	if len(all) > 0 {
		p.who = all[p.at].ID
	}
	return all
}

// move chooses another one.
func (p *peoplePanel) move(by int, all []room.Member) {
	p.at = max(0, min(p.at+by, len(all)-1))
	p.who = all[p.at].ID
}

func (p *peoplePanel) lines(m *Model, width, height int) []string {
	all := p.find(m)
	out := []string{title(m, "Who is here", width)}
	from := max(0, p.at-max(0, height-2))
	for i, member := range all[from:] {
		if len(out) >= height {
			break
		}
		i += from
		volume := percent(100)
		if v, changed := m.people.volumes[member.ID]; changed {
			volume = percent(v)
		}
		if member.ID == m.people.self {
			volume = "you"
		}
		row := m.people.row(member, min(width-12, 40), m.cells, m.theme) + m.cells.padLeft(volume, 6)
		if i == p.at {
			row = ">" + strings.TrimPrefix(row, " ")
		}
		out = append(out, row)
	}
	return out
}

const volumeStep = 10 // percent

func (p *peoplePanel) key(m *Model, k tea.KeyPressMsg) (bool, tea.Cmd) {
	all := p.find(m)
	if len(all) == 0 {
		return false, nil
	}
	who := all[p.at]
	volume, changed := m.people.volumes[who.ID]
	if !changed {
		volume = 100
	}
	switch strings.ToLower(k.String()) {
	case "up", "shift+tab", "pgup", "home":
		p.move(-steps(k), all)
	case "down", "tab", "pgdown", "end":
		p.move(steps(k), all)
	case "left", "-":
		m.setVolume(who, max(0, volume-volumeStep))
	case "right", "+":
		m.setVolume(who, min(command.MaxPercent, volume+volumeStep))
	case "m", "0":
		if volume == 0 {
			m.setVolume(who, 100)
		} else {
			m.setVolume(who, 0)
		}
	case "enter":
		if who.ID != m.people.self {
			name := m.people.label(who)
			switch {
			case strings.Contains(name, `"`):
				name = who.ID.String()[:12]
			case strings.Contains(name, " "):
				name = `"` + name + `"`
			}
			m.prompt.set("/msg " + name + " ")
		}
		return false, nil
	default:
		return false, nil
	}
	return true, nil
}

func (m *Model) setVolume(who room.Member, percent int) {
	if who.ID == m.people.self {
		return
	}
	m.ask(func(n node.Face) tea.Msg {
		if err := n.SetVolume(who.ID, command.DB(percent)); err != nil {
			return answered{err: err}
		}
		return nil
	})
	m.listenAgain = m.listening
	if percent == 100 {
		delete(m.people.volumes, who.ID)
	} else {
		m.people.volumes[who.ID] = percent
	}
}

func (p *peoplePanel) advice() string {
	return "Left, Right: how loud · M: unheard · Enter: whisper · Esc: back"
}
