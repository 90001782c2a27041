package election

import (
	"slices"
	"time"

	"parley.lan/room"
)

// link is a member's tie to its host.
type link struct {
	attempt uint64 // that made the connection; 0 once it is broken
	to      Peer
	forced  bool // the host was started with --host
	since   time.Duration
	moved   *entry        // the host's successor, on the way to it
	until   time.Duration // the old relay passes on till then

	heard  time.Duration // the last beat, or other sign of life
	beats  int           // heard
	silent bool          // silence means something
	gaps   [256]time.Duration
	p99    time.Duration // of the gaps
	wifi   bool
}

// enterMember: the dial under way has become the link, the reign is the host's, and no relay runs.
func (m *Machine) enterMember(to Peer, successors []Peer) {
	m.state = Member
	m.link = link{attempt: m.try.number, to: to, forced: to.Forced, since: m.now, heard: m.now}
	m.try, m.serve, m.search, m.doubt, m.probe = attempt{}, relay{}, search{}, doubt{}, probe{}
	m.reign, m.settled, m.refusal = to.Reign, true, ""
	m.inherit(successors)
	m.emit(Followed{Attempt: m.link.attempt, To: to, Reign: to.Reign})
}

// inherit keeps the reign's list.
func (m *Machine) inherit(successors []Peer) {
	m.heirs = slices.Clone(successors[:min(len(successors), MaxSuccessors)])
}

// dueMember: on the way to the next host, the link is kept until that one welcomes us. A node started with
// --host doesn't stay the member of one that was not: it claims, and the host comes to it.
func (m *Machine) dueMember() bool {
	switch {
	case m.leaving != 0:
		if m.now < m.leaving {
			return false
		}
		m.yielded()
		return true
	case m.moving():
		return m.dueMove()
	case !m.link.forced && m.insists():
		m.claim()
		return true
	case m.now >= m.silentAt():
		m.enterSuspect("the host is silent", false)
		return true
	}
	return false
}

func (m *Machine) deadlineMember() time.Duration {
	switch {
	case m.leaving != 0:
		return m.leaving
	case m.try.number != 0:
		return min(m.try.deadline, m.link.until)
	case m.moving():
		return min(m.link.moved.rest, m.link.until)
	case m.cfg.Forced && !m.link.forced:
		return min(m.damped, m.silentAt())
	}
	return m.silentAt()
}

// silentAt is when the silence becomes suspicious.
func (m *Machine) silentAt() time.Duration {
	if !m.link.silent {
		return never
	}
	susp := suspWired
	if m.wifi() {
		susp = suspWiFi
	}
	return m.link.heard + min(max(susp, 4*m.link.p99), suspMost)
}

func (m *Machine) wifi() bool { return m.cfg.WiFi || m.link.wifi }

// conf is the time to confirm a suspicion.
func (m *Machine) conf() time.Duration {
	if m.wifi() {
		return confWiFi
	}
	return confWired
}

// linked tells whether attempt is the link to the host.
func (m *Machine) linked(attempt uint64) bool {
	return (m.state == Member || m.state == Suspect) && attempt != 0 && attempt == m.link.attempt
}

// heartbeat is the sign of life, and carries what may have changed.
func (m *Machine) heartbeat(in Heartbeat) {
	if !m.linked(in.Attempt) || in.Reign.Host != m.reign.Host || m.reign.Beats(in.Reign) {
		return
	}
	m.raised(Raised{in.Attempt, in.Reign})
	l := &m.link
	if l.beats > 0 {
		l.gaps[(l.beats-1)%len(l.gaps)] = m.now - l.heard
	}
	l.beats++
	if l.beats%32 == 0 { // the third largest of 256, or what there is of them
		all := l.gaps
		slices.Sort(all[:])
		l.p99 = all[len(all)-3]
	}
	l.silent = true
	l.heard, l.wifi = m.now, in.WiFi
	m.inherit(in.Successors)
	if m.state == Suspect {
		m.clear()
	}
}

// hostGone: the link has ended. What follows depends on whether the host lives.
func (m *Machine) hostGone(in HostGone) {
	switch {
	case m.trying(in.Attempt):
		m.try.to.fail(m)
		m.missed()
		return
	case m.state == Host && in.Attempt == m.link.attempt: // of the hand-over that made us host
		m.link.attempt = 0
		return
	case !m.linked(in.Attempt):
		return
	}
	m.link.attempt = 0
	switch {
	case m.leaving != 0:
		m.yielded()
	case m.moving():
		m.moveOn()
	case in.Left:
		m.book.remove(m.link.to)
		m.enterOrphan(in.Reason)
	case in.Dropped:
		m.rejoin(in.Reason)
	default:
		m.enterSuspect(in.Reason, true)
	}
}

// raised follows the host to its higher epoch.
func (m *Machine) raised(in Raised) {
	r := in.Reign
	if m.linked(in.Attempt) && r.Host == m.reign.Host && r.Beats(m.reign) && m.note(r) {
		m.reign, m.link.to.Reign = r, r
	}
}

// prepare keeps what makes the next failover short: a warm connection to the first successor, or, where that is
// this node, open ports. A search keeps them, for they are about to be used.
func (m *Machine) prepare() {
	warm, ready := m.warm, m.ready
	switch m.state {
	case Member, Suspect:
		warm, ready = Peer{}, false
		if len(m.heirs) > 0 {
			if ready = m.heirs[0].ID == m.cfg.Self; !ready {
				warm = m.heirs[0]
			}
		}
	case Host:
		warm, ready, m.ready = Peer{}, false, false // Serve has taken the ports
	case Stopped:
		warm, ready = Peer{}, false
	}
	if ready != m.ready {
		m.ready = ready
		m.emit(Prepare{On: ready})
	}
	if warm.ID != m.warm.ID || warm.Addr != m.warm.Addr {
		m.warm = warm
		m.emit(Warm{To: warm})
	}
}

// demotion is a host's bad record.
type demotion struct {
	failures int
	at       time.Duration // of the last one
}

// demote remembers that a host has failed: who comes back doesn't soon succeed again.
func (m *Machine) demote(id room.NodeID) {
	d := m.demoted[id]
	if d == nil || m.now-d.at > demoteMost {
		if len(m.demoted) >= maxBook {
			clear(m.demoted) // a flood: better forget than grow
		}
		d = &demotion{}
		m.demoted[id] = d
	}
	d.failures++
	d.at = m.now
}

func (m *Machine) isDemoted(id room.NodeID) bool {
	d := m.demoted[id]
	return d != nil && m.now < d.at+min(demoteFirst<<min(d.failures-1, 10), demoteMost)
}
