package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"parley.lan/node"
)

// Push-to-talk by a key of the terminal. Where the terminal tells of keys let go (the Kitty keyboard protocol), the key is held;
// where it doesn't, one tap begins and the next ends. A release that never comes, as when the window is left while the key is
// down, is taken to have come.

// talks tells whether a key is the one to talk with: F9, or Space while nothing is typed and the terminal tells of it.
func (m *Model) talks(k tea.KeyPressMsg) bool {
	if k.Mod != 0 {
		return false
	}
	switch k.Code {
	case tea.KeyF9:
		return true
	case tea.KeySpace:
		return m.switches.PushToTalk && (m.allKeys || !m.releases) && (m.held || m.panel == nil && m.prompt.empty())
	}
	return false
}

// repeats is the time within which a further press is the terminal's repeating of a key that is held.
const repeats = 600 * time.Millisecond

// press is the key going down.
func (m *Model) press() {
	if !m.switches.PushToTalk {
		m.switches.PushToTalk = true
		m.turn(func(n node.Face) { n.SetPushToTalk(true) })
	}
	if m.releases {
		m.held = true
		m.speak(true)
		return
	}
	now := m.now()
	again := now.Sub(m.tapped) < repeats
	m.tapped = now
	if !again {
		m.speak(!m.switches.Pressed)
	}
}

func (m *Model) released(k tea.KeyReleaseMsg) {
	if m.held && (k.Code == tea.KeyF9 || k.Code == tea.KeySpace) {
		m.letGo()
	}
}

func (m *Model) letGo() {
	if m.held {
		m.held = false
		m.speak(false)
	}
}

func (m *Model) speak(on bool) {
	m.switches.Pressed = on
	m.turn(func(n node.Face) { n.Press(on) })
}

// keyboard is what the terminal is asked to tell of its keys. Those that write are asked for only while Space may be held: told
// so, some input methods don't work.
func (m *Model) keyboard() tea.KeyboardEnhancements {
	all := m.switches.PushToTalk && m.prompt.empty() && m.panel == nil
	return tea.KeyboardEnhancements{ReportEventTypes: true, ReportAllKeysAsEscapeCodes: all, ReportAssociatedText: all}
}
