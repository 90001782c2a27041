package election

import "time"

// link is a member's tie to its host.
type link struct {
	attempt uint64 // that made the connection
	to      Peer
	forced  bool // the host was started with --host
	since   time.Duration
}

// enterMember: the dial under way has become the link, the reign is the host's, and no relay runs.
func (m *Machine) enterMember(to Peer) {
	m.state = Member
	m.link = link{attempt: m.try.number, to: to, forced: to.Forced, since: m.now}
	m.try, m.serve, m.search = attempt{}, relay{}, search{}
	m.reign, m.settled, m.refusal = to.Reign, true, ""
	m.emit(Followed{Attempt: m.link.attempt, To: to, Reign: to.Reign})
}

// dueMember: a node started with --host doesn't stay the member of one that was not.
//
// To come: it takes over by a hand-over, without a gap.
func (m *Machine) dueMember() bool {
	if m.link.forced || !m.insists() {
		return false
	}
	m.emit(Leave{Attempt: m.link.attempt, Reason: "told to host"})
	m.beginSearch(true)
	return true
}

// hostGone: everybody looks again, the old host included, for only the link may be broken.
//
// To come: suspicion, asking the peers, and the successors' claims (Orphan).
func (m *Machine) hostGone(in HostGone) {
	switch {
	case m.trying(in.Attempt):
		m.try.to.fail(m)
		m.missed()
		return
	case m.state != Member || in.Attempt != m.link.attempt:
		return
	}
	e := m.book.note(m.link.to)
	switch {
	case in.Left:
		m.book.remove(m.link.to)
	case m.now-m.link.since < settleTime:
		e.fail(m)
	default:
		e.failures = 0
	}
	e.lost = true
	m.emit(Lost{Reason: in.Reason})
	m.beginSearch(m.insists())
}

// moveTo follows the host's word to its successor. The old host has stopped serving.
func (m *Machine) moveTo(in MoveTo) {
	if m.state != Member || in.Attempt != m.link.attempt {
		return
	}
	m.emit(Leave{Attempt: in.Attempt, Reason: "it hosts no more"})
	m.book.remove(m.link.to)
	to := m.hint(in.To)
	if to == nil || to.ID == m.link.to.ID {
		m.emit(Lost{Reason: "the host stopped"})
		m.beginSearch(m.insists())
		return
	}
	m.beginSearch(false)
	m.search.moved = true
	if to.rest <= m.now {
		m.enterJoining(to)
	}
}

// raised follows the host to its higher epoch.
func (m *Machine) raised(in Raised) {
	r := in.Reign
	if m.state == Member && in.Attempt == m.link.attempt && r.Host == m.reign.Host && r.Beats(m.reign) && m.note(r) {
		m.reign, m.link.to.Reign = r, r
	}
}
