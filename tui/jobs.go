package tui

import (
	tea "charm.land/bubbletea/v2"

	"parley.lan/node"
)

// job is something asked of the node, with what is to become of it.
type job func(node.Face) tea.Msg

// mostJobs wait for a node that doesn't answer; further ones are left out, and the person is told.
const mostJobs = 256

// ask has a job done beside the screen, which so never waits for the node: one in another process may take its time. Jobs are done
// one after another, in the order in which they were asked for, so that messages keep theirs. Without a queue, as in tests, it
// is done at once.
func (m *Model) ask(j job) {
	if m.jobs == nil {
		if msg := j(m.node); msg != nil {
			m.cmds = append(m.cmds, m.update(msg))
		}
		return
	}
	select {
	case m.jobs <- j:
	default:
		m.tellHint("The node doesn't answer; this was not done", true)
	}
}

// turn asks for a switch to be turned.
func (m *Model) turn(set func(node.Face)) {
	m.ask(func(n node.Face) tea.Msg { set(n); return answered{} })
}

// work does jobs until there are no more.
func work(n node.Face, jobs <-chan job, send func(tea.Msg)) {
	for j := range jobs {
		if msg := j(n); msg != nil {
			send(msg)
		}
	}
}
