package tui

import (
	"fmt"
	"strings"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"parley.lan/command"
	"parley.lan/node"
	"parley.lan/room"
	"parley.lan/tell"
)

const mostPages = 100 // that are fetched on the way to a message that was found

// searchPanel finds what was said, and goes there.
type searchPanel struct {
	input  textinput.Model
	words  string // what was searched for last
	result []node.Message
	done   bool // there is a result
	at     int
	going  *node.Message // on the way there
	pages  int
}

func newSearchPanel(words string) *searchPanel {
	in := textinput.New()
	in.Prompt = ""
	in.CharLimit = 200
	in.SetVirtualCursor(true)
	in.SetValue(room.CleanText(words))
	in.CursorEnd()
	in.Focus()
	return &searchPanel{input: in, words: words}
}

func (p *searchPanel) paste(text string) {
	p.input.SetValue(p.input.Value() + room.CleanText(strings.ToValidUTF8(text[:min(len(text), 200)], "")))
	p.input.CursorEnd()
}

func (p *searchPanel) found(e command.FoundAnswer) {
	if e.Words == p.words {
		p.result, p.done, p.at = e.Messages, true, max(0, len(e.Messages)-1)
	}
}

func (p *searchPanel) lines(m *Model, width, height int) []string {
	p.input.SetWidth(max(1, width-10))
	out := []string{paint(m.theme.bold, " Search: ") + p.input.View()}
	switch {
	case !p.done && p.words != "":
		return append(out, "", " Searching …")
	case !p.done:
		return append(out, "", " Type words, or how they begin, and press Enter.")
	case len(p.result) == 0:
		return append(out, "", " Nothing here has all these words.")
	}
	out = append(out, paint(m.theme.dim, fmt.Sprintf(" %s, the newest last", tell.Plural(len(p.result), "message", "messages"))))
	rows := max(1, height-len(out))
	from := max(0, min(p.at-rows/2, len(p.result)-rows))
	for i, e := range p.result[from:min(len(p.result), from+rows)] {
		mark := "  "
		if from+i == p.at {
			mark = "> "
		}
		it := m.item(e)
		when := it.at.Format("2 Jan 15:04")
		if tell.Midnight(it.at).Equal(tell.Midnight(m.now())) {
			when = it.at.Format("15:04")
		}
		row := m.cells.padLeft(when, len("22 Jan 15:04")) + "  " + paint(m.theme.person(it.from.ID), m.people.label(it.from)) + "  " + it.text
		out = append(out, mark+m.cells.clip(row, width-len(mark)))
	}
	return out
}

func (p *searchPanel) key(m *Model, k tea.KeyPressMsg) (bool, tea.Cmd) {
	switch k.String() {
	case "up":
		p.at = max(0, p.at-1)
	case "down":
		p.at = min(p.at+1, max(0, len(p.result)-1))
	case "pgup":
		p.at = max(0, p.at-10)
	case "pgdown":
		p.at = min(p.at+10, max(0, len(p.result)-1))
	case "enter":
		if p.done && p.input.Value() == p.words {
			return p.goThere(m)
		}
		if p.words = p.input.Value(); p.words == "" {
			return true, nil
		}
		p.done, p.result = false, nil
		n, ctx, o := m.node, m.ctx, command.Order{Verb: command.Search, Text: p.words}
		return true, func() tea.Msg {
			e, err := command.Do(ctx, n, o)
			return answered{e, err}
		}
	default:
		if k.Text = room.CleanText(k.Text); k.Text == "" && k.Code > 0x1f && k.Code < tea.KeyExtended && k.Mod&^locks == 0 {
			return true, nil
		}
		p.input, _ = p.input.Update(k)
	}
	return true, nil
}

// goThere shows the message in the conversation; what lies between is fetched.
func (p *searchPanel) goThere(m *Model) (keep bool, cmd tea.Cmd) {
	if len(p.result) == 0 {
		return true, nil
	}
	p.going, p.pages = &p.result[p.at], 0
	cmd = p.goOn(m)
	return m.panel != nil, cmd
}

// goOn goes further on the way: there, or to the next page.
func (p *searchPanel) goOn(m *Model) tea.Cmd {
	if it := m.find(*p.going); it != nil {
		m.panel = nil
		m.talk.show(it, m.talkHeight(), m.drawing())
		m.point(it)
		return nil
	}
	if p.pages++; m.talk.begun || p.pages > mostPages {
		p.going = nil
		m.tellHint("That message is too far back to show it among the others", true)
		return nil
	}
	if m.fetching {
		return nil
	}
	return m.fetch()
}

func (p *searchPanel) advice() string {
	return "Enter: search, then go there · Up, Down: choose · Esc: back"
}
