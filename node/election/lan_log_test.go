package election

import "maps"

// The message log of the simulation: what package room keeps, reduced to who has what in which order. A run's
// messages are numbered without gaps, and a log always holds a beginning of every run (I5 fails otherwise).

type runKey struct{ node, life int }

// ledger is one node's log and its outbox.
type ledger struct {
	has     map[runKey]int // how many of each run, from the first on
	self    runKey
	said    int // of this run
	shown   int // entries taken, each once
	pending int // the first of our own that no host has given back is pending+1
}

func (b *ledger) restart(index int) {
	b.self.node = index
	if b.has == nil {
		b.has = map[runKey]int{}
	}
	b.self.life++
	b.said, b.pending = 0, 0
}

func (b *ledger) copy() map[runKey]int { return maps.Clone(b.has) }

// take adds one message; false when it was there.
func (n *node) take(run runKey, seq int) bool {
	b := &n.book
	switch have := b.has[run]; {
	case seq <= have:
		return false
	case seq > have+1:
		n.lan.fail("I5: node %d gets message %d of a run of %d, and has %d", n.index, seq, run.node, have)
	}
	b.has[run] = seq
	b.shown++
	if run == b.self {
		b.pending = seq
	}
	if n.relay != nil { // from wherever it came, the members follow the host's log
		n.relay.pass(run, seq)
	}
	return true
}

// say sends one message of this node's own.
func (n *node) say() {
	if n.m == nil || n.paused || n.m.State() == Stopped {
		return
	}
	n.book.said++
	n.lan.said++
	n.flush(n.book.said)
}

// flush sends what is pending from seq on to the host there is.
func (n *node) flush(seq int) {
	if r := n.relay; r != nil && r.open && r.moved == nil {
		for seq := seq; seq <= n.book.said; seq++ {
			n.relay.order(n.book.self, seq)
		}
		return
	}
	c := n.conn
	if c == nil {
		return
	}
	for seq := seq; seq <= n.book.said; seq++ {
		run := n.book.self
		c.memberEnd.send(func() {
			if r := c.host.relay; r != nil && r.members[n.index] == c {
				r.order(run, seq)
			}
		})
	}
}

// order is the host's part: every member gets the message.
func (r *relayNode) order(run runKey, seq int) {
	h := r.node
	if have := h.book.has[run]; seq > have+1 { // its author must compare logs again
		if c := r.members[run.node]; c != nil {
			delete(r.members, run.node)
			c.hostEnd.close(func() { c.byeTo(HostGone{Attempt: c.attempt, Dropped: true, Reason: "a gap"}) })
			r.roster()
		}
		return
	}
	h.take(run, seq)
}

// pass gives every member what has entered the host's log.
func (r *relayNode) pass(run runKey, seq int) {
	for _, c := range r.all() {
		m := c.member
		c.hostEnd.send(func() {
			if m.conn == c {
				m.take(run, seq)
			}
		})
	}
}

// exchange brings both logs to the same once the host has welcomed us: it told what it has.
func (n *node) exchange(c *conn, theirs map[runKey]int) {
	if n.lan.mutant == "no exchange" {
		n.flush(n.book.pending + 1)
		return
	}
	for i := range n.lan.nodes { // in order: a seed must give one run
		for life := range 50 {
			run := runKey{i, life}
			for seq := n.book.has[run] + 1; seq <= theirs[run]; seq++ {
				n.take(run, seq)
			}
			for seq := theirs[run] + 1; seq <= n.book.has[run]; seq++ {
				c.memberEnd.send(func() {
					if r := c.host.relay; r != nil {
						r.order(run, seq)
					}
				})
			}
		}
	}
	n.flush(n.book.pending + 1)
}
