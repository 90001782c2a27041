package tui

import (
	"strings"

	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/textarea"
	tea "charm.land/bubbletea/v2"

	"parley.lan/room"
)

const (
	mostPasted  = 32 << 10 // bytes that the prompt takes
	mostLines   = 200
	mostHistory = 200
)

// prompt is where one types: several lines, a history, and completion. The area edits; lines are drawn here, as the terminal
// measures them.
type prompt struct {
	area    textarea.Model
	history []string
	at      int    // in the history; len: not in it
	draft   string // what was being typed before one went there

	before string   // what stood before the word that is being completed
	after  string   // and behind the cursor
	words  []string // what it may become; nil: nothing is being completed
	chosen int
}

func newPrompt() *prompt {
	a := textarea.New()
	a.Prompt = ""
	a.ShowLineNumbers = false
	a.CharLimit = mostPasted
	a.MaxHeight = mostLines
	a.MaxWidth = 0
	a.KeyMap.InsertNewline = key.NewBinding(key.WithKeys("shift+enter", "alt+enter", "ctrl+j"))
	a.KeyMap.Paste = key.NewBinding(key.WithDisabled()) // the terminal does that
	a.Focus()
	return &prompt{area: a}
}

const promptMark = "> "

func (p *prompt) value() string { return p.area.Value() }

func (p *prompt) empty() bool { return p.area.Length() == 0 }

func (p *prompt) set(text string) {
	p.area.SetValue(text)
	p.area.MoveToEnd()
	p.words = nil
}

// take gives what was typed, and begins anew. Whatever was typed can be had back.
func (p *prompt) take() string {
	text := p.value()
	p.area.Reset()
	p.words = nil
	if strings.TrimSpace(text) != "" && (len(p.history) == 0 || p.history[len(p.history)-1] != text) {
		p.history = append(p.history, text)
		p.history = p.history[max(0, len(p.history)-mostHistory):]
	}
	p.at, p.draft = len(p.history), ""
	return text
}

// recall goes through what was typed before; false: there is no more in that direction.
func (p *prompt) recall(by int) bool {
	at := p.at + by
	if at < 0 || at > len(p.history) {
		return false
	}
	if p.at == len(p.history) {
		p.draft = p.value()
	}
	p.at = at
	if at == len(p.history) {
		p.set(p.draft)
	} else {
		p.set(p.history[at])
	}
	return true
}

// insert puts pasted text in, and tells what of it was left out.
func (p *prompt) insert(text string) (cut bool) {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	left := mostPasted - len(p.value())
	if len(text) > left {
		text, cut = strings.ToValidUTF8(text[:max(0, left)], ""), true
	}
	lines := strings.Split(text, "\n")
	if most := mostLines - p.area.LineCount() + 1; len(lines) > most {
		lines, cut = lines[:max(1, most)], true
	}
	for i, l := range lines {
		lines[i] = room.CleanText(l)
	}
	p.area.InsertString(strings.Join(lines, "\n"))
	p.words = nil
	return cut
}

// key takes a key that nothing else wanted.
func (p *prompt) key(k tea.KeyPressMsg) {
	p.words = nil
	if k.Text != "" {
		if k.Text = room.CleanText(k.Text); k.Text == "" {
			return
		}
	}
	p.area, _ = p.area.Update(k)
}

// line is what stands before the cursor, in its line, and tells whether nothing but it was typed there.
func (p *prompt) line() (before, after string) {
	lines := strings.Split(p.value(), "\n")
	row := min(p.area.Line(), len(lines)-1)
	runes := []rune(lines[row])
	col := min(p.area.Column(), len(runes))
	return string(runes[:col]), string(runes[col:])
}

// complete makes of the word before the cursor the next of what it may become.
func (p *prompt) complete(by int, find func(line string) (from int, words []string)) {
	if p.words == nil {
		before, after := p.line()
		from, words := find(before)
		if len(words) == 0 {
			return
		}
		p.before, p.after, p.words = before[:from], after, words
		p.chosen = 0
		if by < 0 {
			p.chosen = len(words) - 1
		}
	} else {
		p.chosen = (p.chosen + by + len(p.words)) % len(p.words)
	}
	lines := strings.Split(p.value(), "\n")
	row := min(p.area.Line(), len(lines)-1)
	head := p.before + p.words[p.chosen]
	lines[row] = head + p.after
	words, before, after, chosen := p.words, p.before, p.after, p.chosen
	p.area.SetValue(strings.Join(lines, "\n"))
	p.area.MoveToBegin()
	for p.area.Line() < row {
		p.area.CursorDown()
	}
	p.area.SetCursorColumn(len([]rune(head)))
	p.words, p.before, p.after, p.chosen = words, before, after, chosen
	if len(p.words) == 1 {
		p.words = nil
	}
}

// lines draws the prompt in at most limit lines of width columns, and tells where the cursor stands in them. What doesn't fit is
// scrolled so that the cursor is seen.
func (p *prompt) lines(c cells, width, limit int) (rows []string, row, column int) {
	space := max(1, width-len(promptMark))
	before, _ := p.line()
	for i, text := range strings.Split(p.value(), "\n") {
		if i == p.area.Line() {
			row, column = len(rows), 0
		}
		at, used := 0, 0
		for next := 0; next < len(text); {
			size, wide := c.next(text[next:])
			if used+wide > space && next > at {
				rows = append(rows, text[at:next])
				at, used = next, 0
			}
			if i == p.area.Line() && next < len(before) {
				row, column = len(rows), used+wide
			}
			next, used = next+size, used+wide
		}
		rows = append(rows, text[at:])
	}
	if column >= space { // behind the last column is the beginning of the next line
		row, column = row+1, 0
		if row == len(rows) {
			rows = append(rows, "")
		}
	}
	limit = max(1, limit)
	from := max(0, min(row-limit+1, len(rows)-limit))
	rows, row = rows[from:min(len(rows), from+limit)], row-from
	for i := range rows {
		mark := strings.Repeat(" ", len(promptMark))
		if from+i == 0 {
			mark = promptMark
		}
		rows[i] = c.clip(mark+rows[i], width)
	}
	return rows, row, min(column+len(promptMark), max(0, width-1))
}
