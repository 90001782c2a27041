package election

import (
	"time"

	"parley.lan/room"
)

// search is one time without a host: from the loss of one, or the start, until the node follows or leads.
// Looking, Joining and Orphan share it, so that dials in vain don't put off the claim for ever.
type search struct {
	insist bool          // claims at until, whatever others do
	orphan bool          // the host is dead: only newer claims are joined
	unsaid string        // why the host is lost, while nobody has been told so; "" when it has been said
	until  time.Duration // claim then, unless there is hope
	early  time.Duration // claim then already, as the first of several that look; 0: never
	most   time.Duration // claim then at the latest
	latest time.Duration // others that look too put the claim off till then at most
	later  bool          // one of them has the better right

	// Before a node claims that has followed somebody, it asks whether a peer still hears the host.
	was   room.Reign    // that it followed; zero: none
	lost  Peer          // its host
	asked time.Duration // when the peers were asked last
	hold  time.Duration // their answers' time; and after a yes, until it may be asked again
}

// beginSearch asks who is there and gives the answers their time. One that insists waits only to hear of the
// epochs in use.
func (m *Machine) beginSearch(insist bool) {
	m.search = search{insist: insist, until: m.now + lookForced, most: m.now + lookMost}
	if !insist {
		m.search.early = m.now + lookTime
		m.search.until = m.search.early + m.jitter(lookSpread)
		m.search.latest = m.now + lookLatest
	}
	m.emit(Seek{})
	m.enterLooking()
}

// enterLooking: no dial is under way, no link, no relay. The search runs.
func (m *Machine) enterLooking() {
	m.state = Looking
	m.try, m.link, m.serve, m.doubt = attempt{}, link{}, relay{}, doubt{}
}

// seen takes word of a peer. What isn't a host is no candidate, but its epoch counts. A member tells its host of
// other hosts.
func (m *Machine) seen(p Peer) {
	if p.ID == m.cfg.Self && !m.isTwin(p) || !m.note(p.Reign) {
		return
	}
	if p.Role != RoleHost && p.Role != RoleUnknown {
		m.book.remove(p)
		if p.Role == RoleLooking && (m.state == Looking || m.state == Joining) {
			m.hear(p)
		}
		return
	}
	e := m.book.note(p)
	if p.Role != RoleHost {
		return
	}
	if e.hosts == 0 {
		e.hosts = m.now
	}
	switch {
	case m.state == Host && !e.refused: // a split may have healed
		e.rest = min(e.rest, m.now)
	case m.state != Member:
	case p.ID == m.link.to.ID:
		m.link.forced = p.Forced
	case !e.lost && !m.moving() && (e.saw == 0 || m.now-e.saw >= sawRest):
		e.saw = m.now
		m.emit(Saw{Attempt: m.link.attempt, Peer: p})
	}
}

// isTwin tells whether p is another run of our own key, and hosts: two members of one host need not find each other.
func (m *Machine) isTwin(p Peer) bool {
	return p.Role == RoleHost && p.Run != 0 && m.cfg.Run != 0 && p.Run != m.cfg.Run
}

// hear gives one that should rather claim than we the time to do so, counted from its word, for it may just have
// started. Who hears only of others that give it that time need not leave to chance when to claim.
func (m *Machine) hear(p Peer) {
	s := &m.search
	rather := p.ID.Less(m.cfg.Self)
	if p.Forced != m.cfg.Forced {
		rather = p.Forced
	}
	switch {
	case s.insist:
	case rather:
		s.later = true
		s.until = max(s.until, min(m.now+lookTime+lookGrace, s.latest))
	case !s.later && s.early != 0:
		s.until = min(s.until, s.early)
	}
}

// candidate is the host to try now, if any.
func (m *Machine) candidate() *entry {
	if m.search.insist {
		return nil
	}
	list := m.book.ranked(func(e *entry) bool { return e.rest <= m.now && m.worth(e) })
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

// worth tells whether e may be tried in this search. An orphan follows only what is newer than the reign it lost.
func (m *Machine) worth(e *entry) bool {
	return !m.search.orphan || e.Role == RoleHost && e.hopeful() && e.Reign.Beats(m.reign)
}

func (m *Machine) dueLooking() bool {
	if m.over() && !m.canvassed() {
		return true
	}
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
			if m.worth(e) {
				at = min(at, e.rest)
			}
		}
	}
	return at
}

// canvassed tells whether every peer has had its chance, just now, to say that it hears the host. If not, they are
// asked.
func (m *Machine) canvassed() bool {
	s := &m.search
	if s.insist || s.was.IsZero() || s.asked != 0 && m.now-s.asked <= askFresh {
		return true
	}
	m.ping(s.lost, m.conf(), s.was)
	s.asked, s.hold = m.now, m.now+m.conf()
	return false
}

// over tells whether it is time to claim.
func (m *Machine) over() bool { return m.now >= m.ends() }

// ends is when to claim. A claim unseats a host that is merely slow to let us in, so hope counts for a while.
func (m *Machine) ends() time.Duration {
	s := &m.search
	switch {
	case s.insist:
		return s.until
	case s.orphan && m.try.number != 0: // one that has claimed before us
		return max(s.until, s.hold, m.try.deadline+1)
	case m.hope():
		return max(s.most, s.hold)
	}
	return max(s.until, s.hold)
}

func (m *Machine) hope() bool {
	if m.search.insist || m.search.orphan {
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
