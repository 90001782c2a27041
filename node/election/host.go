package election

import (
	"time"

	"parley.lan/room"
)

// relay is a host's own.
type relay struct {
	attempt uint64
	open    bool          // it stands, and the LAN may know
	beat    time.Duration // the next tick, by whose delay sleep shows
}

// enterHost: the reign is the node's own, above all that was seen; the relay is about to start; there is no
// link and no dial under way.
func (m *Machine) enterHost(r room.Reign) {
	m.state = Host
	m.attempts++
	m.serve = relay{attempt: m.attempts, beat: m.now + hostBeat}
	m.try, m.link, m.search = attempt{}, link{}, search{}
	m.reign = r
	m.emit(Serve{Attempt: m.serve.attempt, Reign: r})
}

func (m *Machine) served(in Served) {
	if m.state == Host && in.Attempt == m.serve.attempt {
		m.serve.open, m.settled, m.refusal = true, true, ""
	}
}

func (m *Machine) serveFailed(in ServeFailed) {
	if m.state != Host || in.Attempt != m.serve.attempt {
		return
	}
	m.drop("the relay failed")
	if m.serve.open {
		m.emit(Lost{Reason: in.Reason})
	}
	m.beginSearch(m.insists())
	m.search.until = max(m.search.until, m.now+serveRest)
	m.search.most = max(m.search.most, m.search.until)
}

// self is this host as others see it.
func (m *Machine) self() Peer {
	return Peer{ID: m.cfg.Self, Role: RoleHost, Reign: m.reign, Forced: m.cfg.Forced}
}

// rival tells whether e is a host to which this one should yield.
func (m *Machine) rival(e *entry) bool { return e.Role == RoleHost && prevails(e.Peer, m.self()) }

// dueHost courts the host that prevails over this one. What is heard on the LAN proves nothing: the record
// may be a dead host's, or forged. So the host serves on until the other has welcomed it.
//
// To come: the exchange that settles a merge, one at a time, and hand-over before break.
func (m *Machine) dueHost() bool {
	if m.now >= m.serve.beat {
		m.serve.beat = m.now + hostBeat
	}
	if m.try.number != 0 {
		return m.dueTry()
	}
	list := m.book.ranked(func(e *entry) bool { return m.rival(e) && e.rest <= m.now })
	if len(list) == 0 {
		return false
	}
	m.dial(list[0], 0)
	return true
}

func (m *Machine) deadlineHost() time.Duration {
	at := m.serve.beat
	if m.try.number != 0 {
		return min(at, m.try.deadline)
	}
	for _, e := range m.book {
		if m.rival(e) {
			at = min(at, e.rest)
		}
	}
	return at
}

// yield ends this reign in favour of one that has welcomed us already.
func (m *Machine) yield(to Peer) {
	m.emit(Yield{Attempt: m.serve.attempt, To: to})
	if !m.cfg.Forced {
		return
	}
	m.damped = m.now + dampTime
	if !m.warned {
		m.warned = true
		m.emit(Outforced{By: to})
	}
}

// knock lets a node in. The fence: it must never have to follow a smaller reign than it did before, so the
// host raises its own first.
func (m *Machine) knock(in Knock) {
	if m.state != Host {
		m.emit(Refer{ID: in.ID, To: m.link.to})
		return
	}
	if !m.note(in.Reign) {
		m.emit(Refer{ID: in.ID})
		return
	}
	// Two hosts that knock at each other's doors: exactly one of them is let in.
	if m.try.number != 0 && m.try.to.ID == in.ID {
		rival := m.try.to.Peer
		rival.Reign = in.Reign
		if prevails(rival, m.self()) {
			m.emit(Refer{ID: in.ID, To: rival})
			return
		}
		m.try.to.fail(m) // whatever it was, give its word time to change
		m.drop("it comes to us")
	}
	if in.Reign.Beats(m.reign) {
		m.epoch++
		m.reign = room.Reign{Epoch: m.epoch, Host: m.cfg.Self}
		m.emit(Raise{Attempt: m.serve.attempt, Reign: m.reign})
	}
	m.emit(Admit{ID: in.ID, Reign: m.reign})
}
