package election

import (
	"slices"
	"time"
)

// enterOrphan: the host is dead, and that has been said. No link, no dial. Its successors claim in their order, one
// slot after the other; then anybody does.
func (m *Machine) enterOrphan(reason string) {
	host, was := m.link.to, m.reign
	m.drop(reason)
	m.leave(reason)
	e := m.book.note(host)
	e.lost = true
	if e.failures == 0 && m.now-m.link.since < settleTime {
		e.fail(m)
	}
	m.demote(host.ID)
	m.emit(Lost{Reason: reason})

	slot := slotWired
	if m.wifi() {
		slot = slotWiFi
	}
	wait := time.Duration(MaxSuccessors+1)*slot + m.jitter(orphanSpread)
	if i := slices.IndexFunc(m.heirs, func(p Peer) bool { return p.ID == m.cfg.Self }); i >= 0 {
		wait = time.Duration(i) * slot
	}
	if len(m.heirs) == 0 {
		m.emit(Seek{}) // nobody knows who it should be
	}
	m.state = Orphan
	m.link, m.doubt, m.asks = link{}, doubt{}, nil
	m.search = search{orphan: true, was: was, lost: host, until: m.now + wait, most: m.now + wait, asked: m.now}
}
