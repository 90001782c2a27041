package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"parley.lan/command"
	"parley.lan/room"
	"parley.lan/tell"
)

// The screen, from above: the room, the conversation with the members beside it, one's own voice, the prompt.

const (
	besideFrom = 64 // columns from which the members have a place beside the conversation
	leastRows  = 4  // with fewer there is the prompt and what was said last
)

// beside tells whether the members stand beside the conversation.
func (m *Model) beside() bool {
	return m.width >= besideFrom && m.height >= leastRows+2 && m.panel == nil
}

func (m *Model) talkWidth() int {
	if m.beside() {
		return m.width - peopleColumn - 1
	}
	return max(1, m.width)
}

// talkHeight is how many rows the conversation has.
func (m *Model) talkHeight() int { return max(0, m.height-m.around()-m.promptRows()) }

// around is how many rows stand around the conversation, but for the prompt.
func (m *Model) around() int {
	switch {
	case m.height < 3:
		return 0
	case m.height < leastRows:
		return 1
	}
	return 2
}

const promptLines = 5 // of the screen, at most

func (m *Model) promptRows() int {
	rows, _, _ := m.promptLines()
	return len(rows)
}

func (m *Model) promptLines() (rows []string, row, column int) {
	return m.prompt.lines(m.cells, m.width, min(promptLines, m.height-4))
}

// View implements tea.Model.
func (m *Model) View() tea.View {
	v := tea.View{AltScreen: true, ReportFocus: true, WindowTitle: m.title(), KeyboardEnhancements: m.keyboard()}
	if !m.mouseOff {
		v.MouseMode = tea.MouseModeCellMotion
	}
	if m.width < 1 || m.height < 1 || m.over {
		return v
	}
	rows := m.rows()
	v.Content = strings.Join(rows, "\n")
	if m.panel == nil && !m.leaving {
		typed, row, column := m.promptLines()
		v.Cursor = tea.NewCursor(column, len(rows)-len(typed)+row)
	}
	return v
}

// rows draws all of it: height lines of at most width columns.
func (m *Model) rows() []string {
	height := m.talkHeight()
	rows := make([]string, 0, m.height)
	if m.around() > 1 {
		rows = append(rows, m.header())
	}
	switch {
	case m.panel != nil:
		body := m.panel.lines(m, m.width, height)
		for i := range height {
			line := ""
			if i < len(body) {
				line = body[i]
			}
			rows = append(rows, m.cells.pad(line, m.width))
		}
	case m.beside():
		d := m.drawing()
		members := m.people.rows(peopleColumn, height, m.cells, m.theme)
		for i, line := range m.talk.screen(height, d) {
			rows = append(rows, line+paint(m.theme.dim, "│")+members[i])
		}
	default:
		rows = append(rows, m.talk.screen(height, m.drawing())...)
	}
	if m.around() > 0 {
		rows = append(rows, m.status())
	}
	typed, _, _ := m.promptLines()
	return append(rows, typed...)
}

func (m *Model) title() string {
	title := room.CleanText(m.room) + " - Parley"
	if m.unseen {
		return "(*) " + title
	}
	return title
}

// header tells where one is.
func (m *Model) header() string {
	host := ""
	switch {
	case m.seeking && (m.people.Host.ID.IsZero() || m.now().Sub(m.sought) >= tell.HostPatience):
		host = "looking for the room"
	case m.people.Host.ID == m.people.self:
		host = "you host it"
	default:
		host = "hosted by " + m.teller.HostName()
	}
	if !m.beside() && len(m.people.Members) > 0 {
		host += " · " + tell.Plural(len(m.people.Members), "here", "here")
		if talking := m.talkers(); talking != "" {
			host += " · " + talking
		}
	}
	left := room.CleanText(" " + m.room + " · " + host)
	right := ""
	switch {
	case m.talk.top != nil && m.unseen:
		right = "new below: Esc "
	case m.talk.top != nil:
		right = "Esc: to the end "
	case m.fetching:
		right = "… "
	case m.width >= besideFrom && m.delay > 0 && len(m.people.talking) > 0:
		right = fmt.Sprintf("voices take %.0f ms ", m.delay)
	}
	if m.cells.width(right) > m.width/2 {
		right = ""
	}
	return paint(m.theme.bar, m.cells.pad(left, m.width-m.cells.width(right))+right)
}

// talkers names who talks.
func (m *Model) talkers() string {
	var names []string
	for _, member := range m.people.sorted() {
		if m.people.talking[member.ID] {
			names = append(names, "● "+m.people.label(member))
		}
	}
	return strings.Join(names, ", ")
}

// status tells how one's own voice goes out, and what can be done now.
func (m *Model) status() string {
	mic := " " + m.microphone()
	hint, sgr := m.advice()
	space := m.width - m.cells.width(mic) - 2
	if hint != "" && space < m.cells.width(hint) && m.hint != "" { // what went wrong matters more
		return m.cells.pad(paint(sgr, m.cells.clip(" "+hint, m.width)), m.width)
	}
	hint = m.cells.clip(hint, space)
	gap := max(0, m.width-m.cells.width(mic)-m.cells.width(hint)-1)
	return m.cells.pad(mic+strings.Repeat(" ", gap)+paint(sgr, hint), m.width)
}

// microphone tells in words and bars how one's own voice goes out.
func (m *Model) microphone() string {
	t, s := m.theme, m.switches
	audio := m.teller.Audio
	state, sgr := "", t.dim
	switch {
	case s.Testing:
		state, sgr = "testing: you hear yourself", t.mention
	case (s.Muted || audio.Error != "") && audio.Input == "" && audio.Output == "":
		state = "no sound"
	case s.Muted:
		state, sgr = "muted", t.trouble
	case audio.Input == "" && audio.Output != "":
		state, sgr = "no microphone", t.trouble
	case s.PushToTalk && s.Pressed:
		state, sgr = "on the air", t.talking
	case s.PushToTalk && m.releases:
		state = "hold F9 to talk"
	case s.PushToTalk:
		state = "tap F9 to talk"
	case m.levels.Sent:
		state, sgr = "talking", t.talking
	case audio.Input == "" && audio.Output == "":
		state = "sound starts"
	default:
		state = "open"
	}
	meter := ""
	if audio.Input != "" && m.panel == nil && (!s.Muted || s.Testing) {
		meter = paint(sgr, bars(m.levels.Microphone, 8)) + " "
	}
	if s.Deaf {
		state += ", you hear nobody"
	}
	return "mic " + meter + paint(sgr, state)
}

// advice is what helps now: what went wrong, what the line being typed may become, or the keys.
func (m *Model) advice() (string, string) {
	switch {
	case m.leaving:
		return "leaving once all is delivered (Ctrl+C: at once)", m.theme.bold
	case m.hint != "" && m.trouble:
		return m.hint, m.theme.trouble
	case m.hint != "":
		return m.hint, m.theme.bold
	case m.panel != nil:
		return m.panel.advice(), m.theme.dim
	}
	if words := m.prompt.words; len(words) > 1 {
		var shown []string
		for i, w := range words {
			w = strings.TrimRight(w, " :")
			if i == m.prompt.chosen {
				w = "[" + w + "]"
			}
			shown = append(shown, w)
		}
		return strings.Join(shown, " "), m.theme.bold
	}
	if word, isCommand := strings.CutPrefix(m.prompt.value(), "/"); isCommand && !strings.HasPrefix(word, "/") {
		word, _, more := strings.Cut(word, " ")
		if c, known := command.Find(word); known {
			return c.Usage() + ": " + c.Help, m.theme.dim
		}
		if !more {
			return "Tab completes", m.theme.dim
		}
	}
	if m.width < besideFrom {
		return "/help", m.theme.dim
	}
	return "/help: keys and commands", m.theme.dim
}
