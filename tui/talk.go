package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"parley.lan/node"
)

// Push-to-talk by a key of the terminal. Where the terminal tells of keys let go (the Kitty keyboard protocol), the key is held;
// where it doesn't, one tap begins and the next ends, or the end of its repeating. A release that never comes, as when the window is left while the key is
// down, is taken to have come.

// locks are told of as if they were keys held down.
const locks = tea.ModCapsLock | tea.ModNumLock | tea.ModScrollLock

// talks tells whether a key is the one to talk with: F9, or Space while nothing is typed and the terminal tells of it.
func (m *Model) talks(k tea.KeyPressMsg) bool {
	if k.Mod&^locks != 0 {
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

// press is the key going down.
func (m *Model) press() {
	if !m.switches.PushToTalk {
		m.switches.PushToTalk = true
		m.turn(func(n node.Face) { n.SetPushToTalk(true) })
	}
	if m.switches.Muted {
		m.tellHint("You are muted; F5 lets the others hear you", true)
	}
	if m.releases {
		m.held = true
		m.speak(true)
		return
	}
	m.tap()
}

// How a terminal that tells of no release repeats a key that is held: after a while, and then fast.
const (
	repeatGap = 150 * time.Millisecond // between repeats, at most
	tapWait   = 200 * time.Millisecond // in which a second press shows whether it was a tap, or the first repeat
	heldEnd   = 300 * time.Millisecond // without a repeat: the key was let go
)

// tap is a press where releases are not told. The first one begins; a later one ends, unless others follow so fast that the key must be
// held: then the end of those is its release.
func (m *Model) tap() {
	now := m.now()
	gap := now.Sub(m.tapped)
	m.tapped = now
	switch {
	case !m.switches.Pressed:
		m.speak(true)
		m.tapEnd, m.repeating = time.Time{}, false
	case gap < repeatGap:
		m.tapEnd, m.repeating = time.Time{}, true
	default:
		m.tapEnd = now.Add(tapWait)
	}
}

// tapTick ends what taps, or a key that is held no longer, have ended.
func (m *Model) tapTick(now time.Time) {
	if m.repeating && now.Sub(m.tapped) > heldEnd || !m.tapEnd.IsZero() && !now.Before(m.tapEnd) {
		m.tapEnd, m.repeating = time.Time{}, false
		m.speak(false)
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
