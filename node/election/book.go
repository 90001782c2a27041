package election

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"parley.lan/room"
)

// book is the hosts that are known of, and how they fared when tried. It holds at most maxBook of them.
type book map[key]*entry

// key tells peers apart: by id or, where none is known yet, by address.
type key struct {
	id   room.NodeID
	addr string
}

type entry struct {
	Peer
	failures int           // in a row
	lost     bool          // we followed it, and the connection broke
	refused  bool          // it will not have us
	rest     time.Duration // not to be tried before
	hosts    time.Duration // since when it is heard to host
	asked    int           // how often it was told, in a merge, that we come to it
	askedAt  time.Duration
	saw      time.Duration // when our host was told of it
}

func keyOf(p Peer) key {
	if p.ID.IsZero() {
		return key{addr: p.Addr}
	}
	return key{id: p.ID}
}

// note takes a peer's newest word into the book. What hosts anew, or elsewhere, gets a fresh chance: unless
// it has refused us.
func (b book) note(p Peer) *entry {
	e := b[keyOf(p)]
	switch {
	case e == nil:
		if len(b) >= maxBook {
			b.forgetWorst()
		}
		e = &entry{Peer: p}
		b[keyOf(p)] = e
	case !e.refused && (p.Reign.Beats(e.Reign) || p.Addr != e.Addr):
		*e = entry{Peer: p}
	default:
		e.Peer = p
	}
	return e
}

func (b book) remove(p Peer) { delete(b, keyOf(p)) }

func (b book) forgetWorst() {
	all := b.ranked(func(*entry) bool { return true })
	b.remove(all[len(all)-1].Peer)
}

// ranked lists the entries that pass, the most promising first. The order is the same on every node that
// knows the same, and in every run.
func (b book) ranked(pass func(*entry) bool) []*entry {
	var list []*entry
	for _, e := range b {
		if pass(e) {
			list = append(list, e)
		}
	}
	slices.SortFunc(list, func(x, y *entry) int {
		switch {
		case x.class() != y.class():
			return cmp.Compare(x.class(), y.class())
		case prevails(x.Peer, y.Peer):
			return -1
		case prevails(y.Peer, x.Peer):
			return 1
		}
		return strings.Compare(x.Addr, y.Addr)
	})
	return list
}

// class 0 is a host of whom nothing bad is known, 1 an address that may be one, 2 what has let us down.
func (e *entry) class() int {
	switch {
	case !e.hopeful():
		return 2
	case e.Role == RoleUnknown:
		return 1
	}
	return 0
}

// hopeful tells whether it is worth waiting for e before claiming.
func (e *entry) hopeful() bool {
	if e.lost || e.refused {
		return false
	}
	return e.failures == 0 || e.Role == RoleHost && e.failures < doubtful
}

// fail lets e rest, longer each time.
func (e *entry) fail(m *Machine) {
	rest := restFirst
	for range e.failures {
		rest = min(2*rest, restMost)
	}
	e.failures++
	e.rest = m.now + rest + m.jitter(rest/4)
}

// prevails orders hosts as they are heard of: forced before unforced, then the greater reign. It decides whom to
// try first, never who remains host.
func prevails(x, y Peer) bool {
	if x.Forced != y.Forced {
		return x.Forced
	}
	return x.Reign.Beats(y.Reign)
}
