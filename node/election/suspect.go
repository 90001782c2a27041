package election

import (
	"slices"
	"time"

	"parley.lan/room"
)

// doubt is the reason to suspect the host, and the time in which it or a peer may clear it.
type doubt struct {
	reason string
	until  time.Duration
	heard  bool // a peer hears the host: it isn't dead
}

// probe is a PING under way, sent several times.
type probe struct {
	number uint64 // 0: none
	to     Peer
	left   int
	next   time.Duration
	every  time.Duration
	until  time.Duration
	about  room.Reign // ask the peers each time too; zero: the question comes from one
}

// enterSuspect: the link is silent, or broken (reset); no dial is under way; the host and the peers have been asked.
func (m *Machine) enterSuspect(reason string, reset bool) {
	m.drop("the host may be dead")
	m.state = Suspect
	m.link.moved = nil
	patience := m.conf()
	if reset {
		patience = resetTime
	}
	m.doubt = doubt{reason: reason, until: m.now + patience}
	m.ping(m.link.to, patience, m.reign)
}

// dueSuspect: the host has not answered in time. It is dead, or our link is.
func (m *Machine) dueSuspect() bool {
	switch {
	case m.now < m.doubt.until:
		return false
	case m.doubt.heard:
		m.rejoin(m.doubt.reason)
	default:
		m.enterOrphan(m.doubt.reason)
	}
	return true
}

// clear: it was nothing.
func (m *Machine) clear() {
	m.state = Member
	m.link.heard = m.now
	m.doubt = doubt{}
}

// rejoin: the host lives, so our link is bad. We come again, more rarely each time that it doesn't last, and claim
// nothing while somebody hears it.
func (m *Machine) rejoin(reason string) {
	to, was, unsaid := m.link.to, m.reign, reason
	if m.state == Orphan {
		to, was, unsaid = m.search.lost, m.search.was, ""
	}
	e := m.book.note(to)
	e.lost = false
	if m.link.since != 0 && m.now-m.link.since < settleTime {
		e.fail(m)
	}
	m.leave(reason)
	m.drop(reason)
	m.beginSearch(false)
	m.search.was, m.search.lost, m.search.unsaid = was, to, unsaid
	m.bar()
}

// bar puts a claim off, for a peer hears the host.
func (m *Machine) bar() {
	m.search.asked = 0
	m.search.hold = m.now + barTime
	m.search.until = max(m.search.until, m.search.hold)
}

// ping asks to whether it hosts, several times until the patience ends, and the peers about its reign.
func (m *Machine) ping(to Peer, patience time.Duration, about room.Reign) {
	m.attempts++
	m.probe = probe{number: m.attempts, to: to, left: pings, next: m.now, every: patience / pings, until: m.now + patience, about: about}
	if !about.IsZero() {
		m.query = m.attempts
	}
}

func (m *Machine) duePing() bool {
	p := &m.probe
	switch {
	case p.number == 0:
		return false
	case p.left > 0 && m.now >= p.next:
		p.left--
		p.next += p.every
		m.emit(Ping{Probe: p.number, To: p.to})
		if !p.about.IsZero() {
			m.emit(Ask{Probe: p.number, About: p.about})
		}
		return true
	case m.now >= p.until:
		m.answer(false)
		*p = probe{}
		return true
	}
	return false
}

func (m *Machine) deadlinePing() time.Duration {
	switch p := &m.probe; {
	case p.number == 0:
		return never
	case p.left > 0:
		return min(p.next, p.until)
	default:
		return p.until
	}
}

// pong judges by the host's own word.
func (m *Machine) pong(in Pong) {
	if in.Probe == 0 || in.Probe != m.probe.number {
		return
	}
	lives := in.Answer == Yours || in.Answer == Stranger
	if !lives && m.state == Member && in.Answer == Closed {
		return // the link says otherwise
	}
	m.answer(lives)
	m.probe = probe{}
	if in.Answer == NotHosts {
		m.hint(in.Hint)
	}
	switch m.state {
	case Member, Suspect:
		switch {
		case in.Answer == Yours && m.link.attempt != 0:
			m.clear()
		case m.moving():
		case lives:
			m.rejoin("the host has forgotten us")
		case m.state == Suspect:
			m.enterOrphan(m.doubt.reason)
		default:
			m.enterOrphan("the host hosts no more")
		}
	case Orphan:
		if lives {
			m.rejoin("the host is hard to reach")
		}
	case Looking, Joining:
		if lives {
			m.bar()
		}
	}
}

// asked answers a peer after a fresh PING of our own: what the link last said is no news.
func (m *Machine) asked(in Asked) {
	switch {
	case m.state == Host:
		m.emit(Tell{ID: in.ID, Probe: in.Probe, Hears: in.About.Host == m.cfg.Self, Host: m.self()})
	case m.state != Member && m.state != Suspect:
	case in.About.Host != m.link.to.ID:
		m.emit(Tell{ID: in.ID, Probe: in.Probe, Host: m.link.to})
	case len(m.asks) < maxAsks && !slices.ContainsFunc(m.asks, func(a Asked) bool { return a.ID == in.ID }):
		m.asks = append(m.asks, in)
		if m.probe.number == 0 {
			m.ping(m.link.to, m.conf(), room.Reign{})
		}
	}
}

// answer tells those who asked.
func (m *Machine) answer(hears bool) {
	for _, a := range m.asks {
		m.emit(Tell{ID: a.ID, Probe: a.Probe, Hears: hears, Host: m.link.to})
	}
	m.asks = nil
}

// told hears a peer's word on our host, or on one that has come after it.
func (m *Machine) told(in Told) {
	if in.Probe == 0 || in.Probe != m.query || in.ID == m.cfg.Self {
		return
	}
	newer := false
	if h := in.Host; h.Addr != "" && !h.ID.IsZero() {
		h.Role = RoleHost
		newer = h.Reign.Beats(m.reign) && h.ID != m.reign.Host
		m.seen(h)
	}
	switch {
	case m.state == Suspect && newer && !in.Hears:
		m.enterOrphan(m.doubt.reason) // which goes there at once
	case m.state == Suspect && in.Hears && m.link.attempt == 0:
		m.rejoin(m.doubt.reason)
	case m.state == Suspect && in.Hears: // our own PONG may be on its way
		m.doubt.heard = true
	case m.state == Orphan && in.Hears:
		m.rejoin("the host is hard to reach")
	case m.state == Joining && in.Hears && m.search.orphan:
		m.search.asked, m.search.hold = 0, m.now+barTime
	case (m.state == Looking || m.state == Joining) && in.Hears && !m.search.was.IsZero():
		m.bar()
	}
}
