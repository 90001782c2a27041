package election

import (
	"time"

	"parley.lan/room"
)

// search is one time without a host: from the loss of one, or the start, until the node follows or leads.
// Looking and Joining share it, so that dials in vain don't put off the claim for ever.
type search struct {
	insist bool                    // claims at until, whatever others do
	moved  bool                    // the last host sent us to its successor; nobody has called it lost yet
	until  time.Duration           // claim then, unless there is hope
	most   time.Duration           // claim then at the latest
	heard  [lookExtras]room.NodeID // lookers that got extra time
	extras int
}

// beginSearch asks who is there and gives the answers their time. One that insists waits only to hear of the
// epochs in use.
func (m *Machine) beginSearch(insist bool) {
	m.search = search{insist: insist, until: m.now + lookForced, most: m.now + lookMost}
	if !insist {
		m.search.until = m.now + lookTime + m.jitter(lookSpread)
	}
	m.emit(Seek{})
	m.enterLooking()
}

// enterLooking: no dial is under way, no link, no relay. The search runs.
func (m *Machine) enterLooking() {
	m.state = Looking
	m.try, m.link, m.serve = attempt{}, link{}, relay{}
}

// seen takes discovery's word on a peer. What isn't a host is no candidate, but its epoch counts.
func (m *Machine) seen(p Peer) {
	if p.ID == m.cfg.Self || !m.note(p.Reign) {
		return
	}
	if p.Role == RoleHost || p.Role == RoleUnknown {
		m.book.note(p)
	} else {
		m.book.remove(p)
	}
	switch {
	case m.state == Member && p.ID == m.link.to.ID && p.Role == RoleHost:
		m.link.forced = p.Forced
	case p.Role == RoleLooking && (m.state == Looking || m.state == Joining):
		m.hear(p)
	}
}

// hear gives one that should rather claim than we the time to do so, once.
func (m *Machine) hear(p Peer) {
	s := &m.search
	rather := p.ID.Less(m.cfg.Self)
	if p.Forced != m.cfg.Forced {
		rather = p.Forced
	}
	if !rather || s.insist || s.extras == lookExtras {
		return
	}
	for _, id := range s.heard[:s.extras] {
		if id == p.ID {
			return
		}
	}
	s.heard[s.extras] = p.ID
	s.extras++
	s.until += lookExtra
}

// candidate is the host to try now, if any.
func (m *Machine) candidate() *entry {
	if m.search.insist {
		return nil
	}
	list := m.book.ranked(func(e *entry) bool { return e.rest <= m.now })
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

func (m *Machine) dueLooking() bool {
	if m.over() {
		if m.refusal != "" && !m.settled && !m.cfg.Forced {
			m.state = Stopped
			m.emit(GiveUp{Reason: m.refusal})
			return false
		}
		m.claim()
		return true
	}
	if e := m.candidate(); e != nil {
		m.enterJoining(e)
		return true
	}
	return false
}

// deadlineLooking: when a candidate has rested, or the search is over.
func (m *Machine) deadlineLooking() time.Duration {
	at := m.ends()
	if !m.search.insist {
		for _, e := range m.book {
			at = min(at, e.rest)
		}
	}
	return at
}

// over tells whether it is time to claim.
func (m *Machine) over() bool { return m.now >= m.ends() }

// ends is when to claim. A claim unseats a host that is merely slow to let us in, so hope counts for a while.
func (m *Machine) ends() time.Duration {
	if m.hope() {
		return m.search.most
	}
	return m.search.until
}

func (m *Machine) hope() bool {
	if m.search.insist {
		return false
	}
	for _, e := range m.book {
		if e.hopeful() {
			return true
		}
	}
	return false
}

// claim begins a reign above all that was seen.
func (m *Machine) claim() {
	m.drop("hosting instead")
	m.epoch++
	m.enterHost(room.Reign{Epoch: m.epoch, Host: m.cfg.Self})
}
