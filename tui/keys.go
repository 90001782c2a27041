package tui

import (
	"strings"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"

	"parley.lan/command"
	"parley.lan/node"
	"parley.lan/room"
	"parley.lan/tell"
)

// Keys, as the help lists them.
var keyHelp = [][2]string{
	{"Enter", "send; Alt+Enter or Ctrl+J begins another line"},
	{"Tab", "complete a name or a command"},
	{"Up, Down", "what you typed before"},
	{"PgUp, PgDn", "scroll; the wheel does too. Esc goes back to the end"},
	{"F1, /help", "this help"},
	{"F2", "who is here: how loud you hear them, and private messages"},
	{"F3", "search"},
	{"F4", "microphone and loudspeaker"},
	{"F5, Alt+M", "mute yourself, and back"},
	{"F6, Alt+D", "hear nobody, and back"},
	{"F7, Alt+T", "push-to-talk, and back to talking whenever you speak"},
	{"F9", "with push-to-talk: hold it, or tap it where the terminal can't tell when it is let go; Space does too while nothing is typed"},
	{"F10", "leave the mouse to the terminal, to select text, and take it back; in most, Shift does so too"},
	{"Ctrl+C", "clear what is typed (Up brings it back); leave when nothing is"},
}

// key does what a key asks for.
func (m *Model) key(k tea.KeyPressMsg) tea.Cmd {
	if m.leaving {
		if k.String() == "ctrl+c" {
			return tea.Quit
		}
		return nil
	}
	name := k.String()
	if m.talks(k) {
		if !k.IsRepeat {
			m.press()
		}
		return nil
	}
	switch name {
	case "f1":
		m.toggle(&helpPanel{})
		return nil
	case "f2":
		m.toggle(&peoplePanel{})
		return nil
	case "f3":
		m.toggle(newSearchPanel(""))
		return nil
	case "f4":
		return m.openDevices()
	case "f5", "alt+m":
		on := !m.switches.Muted
		m.turn(func(n node.Face) { n.SetMuted(on) })
		return nil
	case "f6", "alt+d":
		on := !m.switches.Deaf
		m.turn(func(n node.Face) { n.SetDeaf(on) })
		return nil
	case "f7", "alt+t":
		on := !m.switches.PushToTalk
		m.turn(func(n node.Face) { n.SetPushToTalk(on) })
		return nil
	case "ctrl+l":
		return tea.ClearScreen
	case "f10":
		m.mouseOff = !m.mouseOff
		return nil
	case "pgup", "pgdown", "shift+up", "shift+down", "ctrl+home", "ctrl+end", "alt+up", "alt+down":
		if m.panel == nil {
			return m.scrollKey(name)
		}
	case "ctrl+c":
		switch {
		case m.panel != nil:
			m.panel = nil
		case !m.prompt.empty():
			m.prompt.take()
			m.hint = ""
		default:
			return m.leave()
		}
		return nil
	case "esc":
		switch {
		case m.panel != nil:
			m.panel = nil
		case m.talk.top != nil:
			m.talk.toEnd()
		default:
			m.prompt.take()
			m.hint = ""
		}
		return nil
	}
	if m.panel != nil {
		keep, cmd := m.panel.key(m, k)
		if !keep {
			m.panel = nil
		}
		return cmd
	}
	return m.typed(k, name)
}

// typed is a key for the prompt.
func (m *Model) typed(k tea.KeyPressMsg, name string) tea.Cmd {
	p := m.prompt
	switch name {
	case "enter":
		return m.enterLine()
	case "tab", "shift+tab":
		by := 1
		if name == "shift+tab" {
			by = -1
		}
		p.complete(by, func(line string) (int, []string) {
			return command.Complete(line, command.Known{Self: m.people.self, Members: m.people.list(), Devices: m.devices})
		})
		return nil
	case "up":
		if p.area.Line() == 0 && p.recall(-1) {
			return nil
		}
	case "down":
		if p.area.Line() == p.area.LineCount()-1 && p.recall(1) {
			return nil
		}
	case "ctrl+d":
		if p.empty() {
			return m.leave()
		}
	}
	p.key(k)
	if m.devices == nil && strings.HasPrefix(p.value(), "/devices ") { // to be completed from
		m.devices = []string{}
		return m.listDevices()
	}
	return nil
}

// enterLine sends what is typed: each line is a message. A command is a single line: what was pasted behind one, and perhaps meant for
// one person, must not go to everybody.
func (m *Model) enterLine() tea.Cmd {
	text := m.prompt.value()
	if strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "//") {
		if strings.Contains(strings.TrimSpace(text), "\n") || len(text) > room.MaxText {
			m.tellHint("A command is one line of at most 8 KiB; nothing was sent. To say it to the room, double the slash", true)
			return nil
		}
		m.sent()
		return m.order(strings.TrimSpace(text))
	}
	m.sent()
	var said []string
	for i, line := range strings.Split(text, "\n") {
		if i == 0 {
			line = strings.TrimPrefix(line, "/") // of two
		}
		said = append(said, parts(line)...)
	}
	m.sayAll(said)
	return nil
}

// sent empties the prompt and shows the end of the conversation.
func (m *Model) sent() {
	m.prompt.take()
	m.talk.toEnd()
	m.hint = ""
}

// parts divides a line that is longer than one message may be, at a blank where there is one.
func parts(line string) (out []string) {
	for len(line) > room.MaxText {
		end := strings.LastIndexByte(line[:room.MaxText], ' ')
		if end < room.MaxText/2 {
			end = room.MaxText
			for !utf8.RuneStart(line[end]) {
				end--
			}
		}
		out = append(out, line[:end])
		line = strings.TrimLeft(line[end:], " ")
	}
	return append(out, line)
}

// scrollKey moves through the conversation.
func (m *Model) scrollKey(name string) tea.Cmd {
	page := max(1, m.talkHeight()-2)
	switch name {
	case "pgup":
		return m.scroll(-page)
	case "pgdown":
		return m.scroll(page)
	case "shift+up", "alt+up":
		return m.scroll(-1)
	case "shift+down", "alt+down":
		return m.scroll(1)
	case "ctrl+home":
		m.talk.toStart()
		return m.scroll(-1)
	}
	m.talk.toEnd()
	return nil
}

// scroll moves by lines, and fetches older messages when they are near.
func (m *Model) scroll(by int) tea.Cmd {
	if !m.talk.scroll(by, m.talkHeight(), m.drawing()) || m.fetching {
		return nil
	}
	return m.fetch()
}

func (m *Model) paste(text string) {
	if p, open := m.panel.(*searchPanel); open {
		p.paste(text)
		return
	}
	if m.panel != nil || m.leaving {
		return
	}
	text = strings.TrimRight(text, "\r\n") // copied along; one who wants an empty line types it
	if m.prompt.insert(text) {
		m.tellHint(pastedTooMuch, true)
	}
	if n := m.prompt.area.LineCount(); n > 1 && m.hint == "" {
		m.tellHint(tell.Plural(n, "line", "lines")+": Enter sends each as a message, Ctrl+C clears them", false)
	}
}

const pastedTooMuch = "That is more than the prompt takes (32 KiB, 200 lines); the rest was left out"
