package election

import "time"

// Hand-over: a host that leaves gives the room to its first successor, one that was told to host takes it, and one
// that has lost a merge sends its members on. All three make before they break: the next host serves before
// anybody goes there, the old relay passes on what is said until everybody has gone.

// nextHeir asks the next successor to host, or gives up where none is left.
func (m *Machine) nextHeir() {
	s := &m.serve
	for s.heir < len(m.heirs) {
		to := m.heirs[s.heir]
		s.heir++
		s.heirUntil = m.now + heirTime
		if m.isMember(to) {
			m.emit(HandOver{Attempt: s.attempt, To: to})
			return
		}
	}
	m.emit(Yield{Attempt: s.attempt})
	m.end()
}

// dueLeave: a host on its way out goes to the first successor that serves.
func (m *Machine) dueLeave() bool {
	if m.try.number != 0 {
		return m.dueTry()
	}
	if m.now >= m.leaving {
		m.emit(Yield{Attempt: m.serve.attempt})
		m.end()
		return true
	}
	for _, p := range m.heirs[:m.serve.heir] {
		if e := m.book[keyOf(p)]; e != nil && m.yieldsTo(e) && e.rest <= m.now {
			m.dial(e, 0)
			return true
		}
	}
	if m.now >= m.serve.heirUntil {
		m.nextHeir()
		return true
	}
	return false
}

func (m *Machine) deadlineLeave() time.Duration {
	if m.try.number != 0 {
		return m.try.deadline
	}
	at := min(m.leaving, m.serve.heirUntil)
	for _, p := range m.heirs[:m.serve.heir] {
		if e := m.book[keyOf(p)]; e != nil && m.yieldsTo(e) {
			at = min(at, e.rest)
		}
	}
	return at
}

// takeOver: our host leaves, and we are next. The link stays until the host has come to us.
func (m *Machine) takeOver(in TakeOver) {
	if m.state == Member && m.linked(in.Attempt) && m.leaving == 0 && !m.moving() {
		m.claim()
	}
}

// yield ends this reign in favour of one that has welcomed us already.
func (m *Machine) yield(to Peer) {
	m.leave("hosting no more")
	m.emit(Yield{Attempt: m.serve.attempt, To: to})
	if m.leaving != 0 {
		m.leaving = m.now + MoveTime + time.Second
		return
	}
	if !m.cfg.Forced {
		return
	}
	m.damped = m.now + dampTime
	if to.Forced && !m.warned {
		m.warned = true
		m.emit(Outforced{By: to})
	}
}

// yielded: everybody has gone from the old relay. Who was leaving leaves now.
func (m *Machine) yielded() {
	if m.leaving != 0 && (m.state == Member || m.state == Suspect) {
		m.leave("leaving")
		m.end()
	}
}

// moveTo follows the host's word to its successor.
func (m *Machine) moveTo(in MoveTo) {
	if !m.linked(in.Attempt) {
		return
	}
	if in.To.ID == m.cfg.Self { // we serve already, or will never
		return
	}
	to := m.hint(in.To)
	if to == nil || to.ID == m.link.to.ID {
		m.book.remove(m.link.to)
		m.enterOrphan("the host stopped")
		return
	}
	if m.moving() && m.link.moved == to {
		return
	}
	m.drop("moved again")
	m.book.remove(m.link.to)
	if m.state == Suspect {
		m.clear()
	}
	m.link.moved, m.link.until = to, m.now+MoveTime
	if m.leaving == 0 && to.rest <= m.now {
		m.dial(to, 0)
	}
}

// moving tells whether the node is on the way from one host to the next.
func (m *Machine) moving() bool { return m.link.moved != nil }

func (m *Machine) dueMove() bool {
	switch {
	case m.now >= m.link.until:
		m.leave("it hosts no more")
		m.moveOn()
		return true
	case m.try.number != 0:
		return m.dueTry()
	case m.link.moved.rest <= m.now:
		m.dial(m.link.moved, 0)
		return true
	}
	return false
}

// moveOn goes on without the old link: its host has stopped before the next one let us in.
func (m *Machine) moveOn() {
	try := m.try
	m.try = attempt{}
	was, lost := m.reign, m.link.to
	m.beginSearch(false)
	m.search.unsaid = "the next host can't be reached"
	m.search.was, m.search.lost = was, lost
	if try.number != 0 {
		m.state, m.try = Joining, try
	} else {
		m.sayLost()
	}
}
