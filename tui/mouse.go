package tui

import tea "charm.land/bubbletea/v2"

const wheelLines = 3

// mouse scrolls, and opens what is clicked.
func (m *Model) mouse(msg tea.MouseMsg) tea.Cmd {
	at := msg.Mouse()
	switch msg.(type) {
	case tea.MouseWheelMsg:
		by := wheelLines
		if at.Button == tea.MouseWheelUp {
			by = -wheelLines
		} else if at.Button != tea.MouseWheelDown {
			return nil
		}
		if m.panel != nil {
			k := tea.KeyPressMsg{Code: tea.KeyDown}
			if by < 0 {
				k.Code = tea.KeyUp
			}
			m.panel.key(m, k)
			return nil
		}
		return m.scroll(by)
	case tea.MouseClickMsg:
		if at.Button != tea.MouseLeft || m.panel != nil || m.leaving {
			return nil
		}
		if at.Y == 0 && m.talk.top != nil {
			m.talk.toEnd()
			return nil
		}
		row := at.Y - 2 // below the room's line, and the one that counts members
		if m.beside() && at.X > m.talkWidth() && row >= 0 && row < len(m.people.Members) && at.Y < 1+m.talkHeight() {
			m.panel = &peoplePanel{who: m.people.sorted()[row].ID}
		}
	}
	return nil
}
