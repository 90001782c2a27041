package election

import (
	"time"

	"parley.lan/room"
)

// attempt is a dial under way: in Joining, of a member to the host's successor, or of a host to another.
type attempt struct {
	number   uint64 // 0: none
	to       *entry
	deadline time.Duration
	yields   bool // a host's that has lost the merge
	hops     int  // redirects that led here
}

// enterJoining dials e. The search's time runs on.
func (m *Machine) enterJoining(e *entry) {
	m.state = Joining
	m.dial(e, 0)
}

func (m *Machine) dial(e *entry, hops int) {
	m.attempts++
	patience := joinTime
	if e.class() != 0 {
		patience = lostTime
	}
	m.try = attempt{number: m.attempts, to: e, hops: hops}
	o := Join{Attempt: m.attempts, To: e.Peer, Reign: m.reign}
	switch {
	case m.state == Host:
		m.try.yields = m.yieldsTo(e) || m.serve.loses == e.ID
		o.Terms = m.terms()
		o.Terms.Yields = m.try.yields
		m.serve.loses = room.NodeID{}
		patience = claimDial
	case m.search.orphan:
		patience = claimDial
	}
	m.try.deadline = m.now + patience
	m.emit(o)
}

// trying tells whether that is the dial under way: what comes about any other is late.
func (m *Machine) trying(attempt uint64) bool { return attempt != 0 && attempt == m.try.number }

// drop gives up the dial under way, if any.
func (m *Machine) drop(reason string) {
	if m.try.number != 0 {
		m.emit(Leave{Attempt: m.try.number, Reason: reason})
		m.try = attempt{}
	}
}

// missed is a dial's end in vain: back to where it came from.
func (m *Machine) missed() {
	m.try = attempt{}
	switch {
	case m.state == Host || m.state == Member:
	case m.search.orphan:
		m.state = Orphan
	default:
		m.sayLost()
		m.enterLooking()
	}
}

// sayLost tells, once, that the host is lost. Nobody hears of it who is let in at the first attempt.
func (m *Machine) sayLost() {
	if m.search.unsaid != "" {
		m.emit(Lost{Reason: m.search.unsaid})
		m.search.unsaid = ""
	}
}

func (m *Machine) dueJoining() bool {
	if m.dueTry() {
		return true
	}
	if m.over() && !m.canvassed() {
		return true
	}
	if m.over() {
		m.claim()
		return true
	}
	// Don't hang on a doubtful address while a host is there, nor on a claim that another one beats.
	best := m.candidate()
	if best != nil && best.class() == 0 && (m.try.to.class() != 0 || m.search.orphan && best.Reign.Beats(m.try.to.Reign)) {
		m.drop("a better one is known")
		m.enterJoining(best)
		return true
	}
	return false
}

func (m *Machine) deadlineJoining() time.Duration {
	at := min(m.ends(), m.try.deadline)
	for _, e := range m.book {
		if e.class() == 0 && m.try.to.class() != 0 && m.worth(e) {
			at = min(at, e.rest)
		}
	}
	return at
}

// dueTry ends a dial that takes too long.
func (m *Machine) dueTry() bool {
	if m.try.number == 0 || m.now < m.try.deadline {
		return false
	}
	m.emit(Leave{Attempt: m.try.number, Reason: "no answer"})
	m.try.to.fail(m)
	m.missed()
	return true
}

// joined makes a member of the node, or of the host that it was. The fence: nobody is followed whose reign is
// smaller than one followed or led before; an honest host has raised its epoch above.
func (m *Machine) joined(in Joined) {
	if !m.trying(in.Attempt) {
		return
	}
	to := m.try.to
	bad := in.Reign.Host.IsZero() || in.Reign.Host == m.cfg.Self || m.reign.Beats(in.Reign) ||
		!to.ID.IsZero() && to.ID != in.Reign.Host
	if bad || !m.note(in.Reign) {
		m.emit(Leave{Attempt: in.Attempt, Reason: "it leads no reign to follow"})
		to.fail(m)
		m.missed()
		return
	}
	p := to.Peer
	p.ID, p.Role, p.Reign, p.Forced = in.Reign.Host, RoleHost, in.Reign, in.Forced || to.Forced
	if m.state == Host {
		m.yield(p)
	}
	m.enterMember(p, in.Successors)
	m.link.silent = in.Beats
}

// notHost follows the hint. A host has its own opinion of the hint, and may come to it; but that it prevails
// itself it is told in this way too.
func (m *Machine) notHost(in NotHost) {
	if !m.trying(in.Attempt) {
		return
	}
	e := m.try.to
	hint := m.hint(in.Hint)
	switch {
	case m.state == Host && (m.isMember(e.Peer) || hint != nil):
		m.book.remove(e.Peer) // it has stopped hosting
	case m.state == Host && in.Hint.ID == m.cfg.Self:
		m.serve.lock = m.now + mergeLock
		e.rest = m.serve.lock + m.jitter(busyRest)
	case m.state == Host && hint == nil && in.Hint.Addr == "":
		e.rest = m.now + busyRest + m.jitter(busyRest)
	default:
		e.fail(m)
	}
	hops := m.try.hops
	if m.state == Joining && hops < maxHops && hint != nil && hint.rest <= m.now && m.worth(hint) {
		m.dial(hint, hops+1)
		return
	}
	m.missed()
}

// hint notes where somebody says that the host is; nil when that leads nowhere.
func (m *Machine) hint(p Peer) *entry {
	if p.Addr == "" || p.ID.IsZero() || p.ID == m.cfg.Self || !m.note(p.Reign) {
		return nil
	}
	p.Role = RoleHost
	e := m.book.note(p)
	if e.hosts == 0 {
		e.hosts = m.now
	}
	return e
}

func (m *Machine) joinFailed(in JoinFailed) {
	if m.trying(in.Attempt) {
		m.try.to.fail(m)
		m.missed()
	}
}

func (m *Machine) refused(in Refused) {
	if m.trying(in.Attempt) {
		m.try.to.refused = true
		m.try.to.rest = m.now + refusedRest
		m.refusal = in.Reason
		m.missed()
	}
}
