package election

import (
	"cmp"
	"math/bits"
	"slices"
	"time"
)

// roster keeps a host's members, and ranks who would host after it.
func (m *Machine) roster(in Roster) {
	if m.state == Host && in.Attempt == m.serve.attempt {
		m.serve.members = slices.Clone(in.Members)
		for _, c := range in.Members {
			m.book.remove(c.Peer) // whatever was heard of it, it doesn't host now
		}
		m.succeed()
	}
}

// isMember tells whether p is in this host's roster.
func (m *Machine) isMember(p Peer) bool {
	return slices.ContainsFunc(m.serve.members, func(c Candidate) bool { return c.ID == p.ID })
}

// succeed publishes the successors when they change. A hand-over sticks to its list.
func (m *Machine) succeed() {
	if m.leaving != 0 {
		return
	}
	list := slices.Clone(m.serve.members)
	slices.SortFunc(list, m.rank)
	var heirs []Peer
	for _, c := range list[:min(len(list), MaxSuccessors)] {
		heirs = append(heirs, Peer{ID: c.ID, Addr: c.Addr, Role: RoleMember, Forced: c.Forced})
	}
	if !slices.Equal(heirs, m.heirs) {
		m.heirs = heirs
		m.emit(Succession{Attempt: m.serve.attempt, Reign: m.reign, Successors: slices.Clone(heirs)})
	}
}

// rank orders members as successors: who has failed as a host comes last, who was told to host first; then by
// wire, by mains. Among equals the list stays as it is, for each change has every member connect anew; newcomers
// go by uptime and round trip, in powers of two, and by id.
func (m *Machine) rank(x, y Candidate) int {
	no := func(b bool) int {
		if b {
			return 0
		}
		return 1
	}
	place := func(c Candidate) int {
		if i := slices.IndexFunc(m.heirs, func(p Peer) bool { return p.ID == c.ID }); i >= 0 {
			return i
		}
		return MaxSuccessors
	}
	class := func(d, unit time.Duration) int { return bits.Len64(uint64(max(d, 0) / unit)) }
	less := 0
	if x.ID != y.ID {
		less = 1
		if x.ID.Less(y.ID) {
			less = -1
		}
	}
	return cmp.Or(
		-cmp.Compare(no(m.isDemoted(x.ID)), no(m.isDemoted(y.ID))),
		cmp.Compare(no(x.Forced), no(y.Forced)),
		cmp.Compare(no(x.Wired), no(y.Wired)),
		cmp.Compare(no(x.Mains), no(y.Mains)),
		cmp.Compare(place(x), place(y)),
		-cmp.Compare(class(x.Uptime, time.Minute), class(y.Uptime, time.Minute)),
		cmp.Compare(class(x.RTT, time.Millisecond), class(y.RTT, time.Millisecond)),
		less,
	)
}
