package election

import (
	"math/bits"
	"time"

	"parley.lan/room"
)

// Merge: two hosts of one room. One of them joins the other with its Terms, and the one that is asked decides
// alone: it lets the caller in, or sends it back and comes itself. What is heard on the LAN proves nothing, a record
// may be a dead host's, or forged; so the loser serves on until the winner has welcomed it.

// terms are this host's. A woken one doesn't know whom it still has.
func (m *Machine) terms() Terms {
	t := Terms{Hosting: true, Forced: m.cfg.Forced, Members: 1}
	if m.now >= m.serve.unsure {
		t.Members, t.Age = 1+len(m.serve.members), m.now-m.serve.since
	}
	return t
}

// wins tells whether x prevails in a merge: forced, then the larger by powers of two, then the older by half
// seconds, then the smaller id.
func wins(x Terms, xid room.NodeID, y Terms, yid room.NodeID) bool {
	if x.Forced != y.Forced {
		return x.Forced
	}
	if a, b := bits.Len(uint(max(x.Members, 0))), bits.Len(uint(max(y.Members, 0))); a != b {
		return a > b
	}
	if a, b := x.Age/(500*time.Millisecond), y.Age/(500*time.Millisecond); a != b {
		return a > b
	}
	return xid.Less(yid)
}

// yieldsTo tells whether e is the successor to whom this host hands over: nothing is left to decide.
func (m *Machine) yieldsTo(e *entry) bool {
	if m.leaving == 0 || e.Role != RoleHost || !e.Reign.Beats(m.reign) {
		return false
	}
	for _, p := range m.heirs[:m.serve.heir] {
		if p.ID == e.ID {
			return true
		}
	}
	return false
}

// offerAt is when to offer a merge to e: at once by the smaller id and by who can't but lose; later by the other, which
// may be the only one to know.
func (m *Machine) offerAt(e *entry) time.Duration {
	at := e.rest
	first := m.cfg.Self.Less(e.ID) || e.ID == m.cfg.Self || m.now < m.serve.unsure
	if e.Forced != m.cfg.Forced {
		first = e.Forced
	}
	if !first {
		at = max(at, e.hosts+mergeWait)
	}
	return max(at, m.serve.lock)
}

// dueMerge offers, one at a time.
func (m *Machine) dueMerge() bool {
	if m.try.number != 0 {
		return m.dueTry()
	}
	if !m.serve.open {
		return false
	}
	list := m.book.ranked(func(e *entry) bool { return e.Role == RoleHost && m.offerAt(e) <= m.now })
	if len(list) == 0 {
		return false
	}
	m.dial(list[0], 0)
	return true
}

func (m *Machine) deadlineMerge() time.Duration {
	if m.try.number != 0 {
		return m.try.deadline
	}
	at := never
	if m.serve.open {
		for _, e := range m.book {
			if e.Role == RoleHost {
				at = min(at, m.offerAt(e))
			}
		}
	}
	return at
}

// settle decides on a host at the door, and tells whether to let it in. Whoever isn't a host may always come in.
func (m *Machine) settle(in Knock) bool {
	crossing := m.try.number != 0 && m.try.to.ID == in.ID
	switch {
	case m.try.yields && in.Terms.Hosting: // we are as good as gone
		m.emit(Refer{ID: in.ID})
		return false
	case in.Terms.Yields || !in.Terms.Hosting && !crossing:
		if crossing {
			m.drop("it comes to us")
		}
		return true
	case crossing && in.ID != m.link.to.ID && m.cfg.Self.Less(in.ID): // it has our offer, and decides
		m.emit(Refer{ID: in.ID})
		return false
	case m.leaving != 0:
		m.emit(Refer{ID: in.ID})
		return false
	case !crossing && wins(m.terms(), m.cfg.Self, in.Terms, in.ID):
		return true // it loses whatever else is under way, and comes in like anybody: of fifty hosts, at once
	case !crossing && (m.try.number != 0 || m.now < m.serve.lock) && in.ID != m.link.to.ID:
		m.emit(Refer{ID: in.ID})
		return false
	}
	if crossing {
		m.try.to.rest = m.now + mergeLock
		m.drop("it comes to us")
	}
	e := m.book[key{id: in.ID}]
	if in.Addr != "" {
		e = m.book.note(Peer{ID: in.ID, Addr: in.Addr, Role: RoleHost, Reign: in.Reign, Forced: in.Terms.Forced})
	}
	m.serve.lock = m.now + mergeLock
	if !in.Terms.Hosting || wins(m.terms(), m.cfg.Self, in.Terms, in.ID) || !m.canReach(e) {
		return true
	}
	m.drop("another merge comes first")
	m.emit(Refer{ID: in.ID, To: Peer{ID: in.ID, Addr: e.Addr, Role: RoleHost, Reign: in.Reign}})
	m.serve.loses = in.ID
	m.dial(e, 0)
	return false
}

// canReach tells whether it makes sense to go to e, and counts on it: a host that reaches us and that we, twice now,
// have failed to reach had better come here.
func (m *Machine) canReach(e *entry) bool {
	if e == nil {
		return false
	}
	if m.now-e.askedAt > doubtful*2*joinTime {
		e.asked = 0
	}
	e.asked, e.askedAt = e.asked+1, m.now
	return e.asked <= doubtful
}
