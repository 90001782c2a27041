package tui

import (
	"context"
	"errors"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"parley.lan/command"
	"parley.lan/node"
)

const fetchTime = 5 * time.Second // for a page of older messages

// order does what a typed line asks for. What the node does is done beside the screen, so that this never waits for it.
func (m *Model) order(line string) tea.Cmd {
	o, err := command.Parse(line)
	if err != nil {
		m.complain(err)
		return nil
	}
	switch o.Verb {
	case command.Nothing:
		return nil
	case command.Quit:
		return m.leave()
	case command.Help:
		if o.Text == "" {
			m.panel = &helpPanel{}
			return nil
		}
	case command.Who:
		m.panel = &peoplePanel{}
		return nil
	case command.Search:
		m.panel = newSearchPanel(o.Text)
	case command.Devices:
		if o.Text == "" {
			return m.openDevices()
		}
	}
	ctx := m.ctx
	do := func(n node.Face) tea.Msg {
		e, err := command.Do(ctx, n, o)
		return answered{e, err}
	}
	if n := m.node; o.Verb == command.Search || o.Verb == command.Devices { // these may take long, and nothing else need wait
		return func() tea.Msg { return do(n) }
	}
	m.ask(do)
	return nil
}

// sayAll says lines to the room, one after another.
func (m *Model) sayAll(lines []string) {
	ctx := m.ctx
	m.ask(func(n node.Face) tea.Msg {
		for _, l := range lines {
			if strings.TrimSpace(l) == "" {
				continue
			}
			if _, err := command.Do(ctx, n, command.Order{Verb: command.Say, Text: l}); err != nil {
				return answered{err: err}
			}
		}
		return nil
	})
}

// answered shows what a command brought.
func (m *Model) answered(a answered) tea.Cmd {
	if a.err != nil {
		if p, open := m.panel.(*searchPanel); open && !p.done {
			p.words = ""
		}
		m.complain(a.err)
		return nil
	}
	switch e := a.event.(type) {
	case command.FoundAnswer:
		if p, open := m.panel.(*searchPanel); open {
			p.found(e)
		}
	case command.InviteAnswer:
		m.panel = &invitePanel{e}
	case command.SoundAnswer:
		m.panel = &soundPanel{e.Sounding}
	case command.HelpAnswer:
		m.tellHint(e.Text, false)
	case command.VolumeAnswer:
		m.listen()
		m.tellHint("You hear "+e.Member.Name+" at "+percent(e.Percent), false)
	}
	m.switches = m.node.Switches()
	return nil
}

// complain tells what went wrong, beside the prompt.
func (m *Model) complain(err error) {
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	if w, ok := errors.AsType[*command.Error](err); ok && w.Hint != "" {
		text += ": " + w.Hint
	}
	m.tellHint(text, true)
}

// leave waits until all is said and delivered, and ends.
func (m *Model) leave() tea.Cmd {
	m.leaving = true
	wait, ctx := m.opts.Leave, m.ctx
	m.ask(func(node.Face) tea.Msg { // behind what is still to be said
		if wait == nil {
			return left{}
		}
		return left{wait(ctx)}
	})
	return nil
}

// fetch asks for messages before the oldest here.
func (m *Model) fetch() tea.Cmd {
	m.fetching = true
	n, before := m.node, m.talk.oldest()
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(m.ctx, fetchTime)
		defer cancel()
		got, err := n.Earlier(ctx, before, pageItems)
		return earlier{before, got, err}
	}
}

// earlier puts older messages in their places.
func (m *Model) earlier(e earlier) tea.Cmd {
	if m.fetching = false; e.before != m.talk.oldest() {
		return nil // another conversation by now, or one that has forgotten
	}
	if e.err != nil {
		m.complain(e.err)
		return nil
	}
	m.talk.begun = m.talk.begun || len(e.messages) == 0
	for _, msg := range e.messages {
		if it := m.talk.byID[msg.ID]; it != nil {
			it.loose = false
		}
		msg.History, msg.Late = true, false
		m.talk.add(m.item(msg))
	}
	if p, open := m.panel.(*searchPanel); open && p.going != nil {
		return p.goOn(m)
	}
	return nil
}

// find gives the item of a message that is here.
func (m *Model) find(e node.Message) *item { return m.talk.byID[e.ID] }
