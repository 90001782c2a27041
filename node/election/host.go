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
	since   time.Duration // the reign's age counts from there
	members []Candidate
	lock    time.Duration // a merge is settled until then: whoever comes, comes
	loses   room.NodeID   // to whom, by a merge just decided
	unsure  time.Duration // woken: who has stayed shows by then

	heir      int           // successors that were asked to take over
	heirUntil time.Duration // the last one's time
	keep      time.Duration // the link of a hand-over stays till then at most
}

// enterHost: the reign is the node's own, above all that was seen; the relay is about to start; there is no
// dial under way, and a link only in a hand-over.
func (m *Machine) enterHost(r room.Reign) {
	m.state = Host
	m.attempts++
	m.serve = relay{attempt: m.attempts, beat: m.now + hostBeat, since: m.now}
	from := m.link
	m.try, m.link, m.search, m.doubt, m.probe, m.asks = attempt{}, link{}, search{}, doubt{}, probe{}, nil
	if from.attempt != 0 {
		m.link = link{attempt: from.attempt, to: from.to}
		m.serve.lock, m.serve.keep = m.now+mergeLock, m.now+MoveTime
	}
	m.reign, m.heirs = r, nil
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
	m.leave("the relay failed")
	if m.leaving != 0 {
		m.end()
		return
	}
	if m.serve.open {
		m.emit(Lost{Reason: in.Reason})
	}
	m.beginSearch(m.insists())
	m.search.until, m.search.early = max(m.search.until, m.now+serveRest), 0
	m.search.most = max(m.search.most, m.search.until)
}

// self is this host as others see it.
func (m *Machine) self() Peer {
	return Peer{ID: m.cfg.Self, Role: RoleHost, Reign: m.reign, Forced: m.cfg.Forced, Run: m.cfg.Run}
}

func (m *Machine) dueHost() bool {
	if m.now >= m.serve.beat {
		m.serve.beat = m.now + hostBeat
		m.succeed() // a demotion may have run out
	}
	if m.link.attempt != 0 && m.now >= m.serve.keep {
		m.leave("the old host has not come")
	}
	if m.leaving != 0 {
		return m.dueLeave()
	}
	return m.dueMerge()
}

func (m *Machine) deadlineHost() time.Duration {
	at := m.serve.beat
	if m.link.attempt != 0 {
		at = min(at, m.serve.keep)
	}
	if m.leaving != 0 {
		return min(at, m.deadlineLeave())
	}
	return min(at, m.deadlineMerge())
}

// knock lets a node in. The fence: it must never have to follow a smaller reign than it did before, so the
// host raises its own first.
func (m *Machine) knock(in Knock) {
	switch {
	case m.state != Host:
		m.emit(Refer{ID: in.ID, To: m.link.to})
		return
	case in.ID == m.cfg.Self || !m.note(in.Reign):
		m.emit(Refer{ID: in.ID})
		return
	}
	if !m.settle(in) {
		return
	}
	if in.Reign.Beats(m.reign) {
		m.epoch++
		m.reign = room.Reign{Epoch: m.epoch, Host: m.cfg.Self}
		m.emit(Raise{Attempt: m.serve.attempt, Reign: m.reign})
	}
	m.emit(Admit{ID: in.ID, Reign: m.reign})
}
