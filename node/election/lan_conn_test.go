package election

import (
	"time"

	"parley.lan/room"
)

// Connections on the simulated LAN: TCP, in order and resent through cuts, and the relay at their end.

// conn is a member's connection.
type conn struct {
	attempt            uint64
	member, host       *node
	memberEnd, hostEnd *end
	acked              time.Duration // the last beat that the member acknowledged
	sent               bool          // the member has been sent on
}

// end is one end of a connection; what it sends arrives in order.
type end struct {
	c          *conn
	self, peer *node
	life       int // of self
	peerLife   int
	queue      []func()
	pumping    bool
	lost       int // attempts in vain
	closed     bool
	gone       func(reset bool) // the other end has closed
}

func newConn(member, host *node, attempt uint64) *conn {
	c := &conn{attempt: attempt, member: member, host: host, acked: host.lan.now}
	c.memberEnd = &end{c: c, self: member, peer: host, life: member.life, peerLife: host.life}
	c.hostEnd = &end{c: c, self: host, peer: member, life: host.life, peerLife: member.life}
	return c
}

func (c *conn) from(n *node) *end {
	if n == c.host {
		return c.hostEnd
	}
	return c.memberEnd
}

func (e *end) other() *end {
	if e == e.c.hostEnd {
		return e.c.memberEnd
	}
	return e.c.hostEnd
}

// send delivers do at the other end's process.
func (e *end) send(do func()) {
	if !e.closed {
		e.queue = append(e.queue, do)
		e.pump()
	}
}

func (e *end) pump() {
	if e.pumping || len(e.queue) == 0 {
		return
	}
	e.pumping = true
	l := e.self.lan
	wait := l.latency()
	if l.loss > 0 && l.rand.Float64() < l.loss { // resent
		wait += 200 * time.Millisecond
	}
	var try func()
	try = func() {
		switch {
		case len(e.queue) == 0:
			e.pumping = false
		case e.self.off && e.self.life != e.life: // nobody is there to resend
			e.queue, e.pumping = nil, false
		case !l.both(e.self, e.peer):
			if e.closed && e.lost > 5 { // the kernel doesn't resend for ever what nobody waits for
				e.queue, e.pumping = nil, false
				return
			}
			e.lost++
			l.after(200*time.Millisecond, try)
		case e.peer.life != e.peerLife: // another process, or none: reset
			e.queue, e.pumping = nil, false
			e.hangUp(true)
		default:
			do := e.queue[0]
			e.queue = e.queue[1:]
			e.peer.get(e.peerLife, func() {
				if !e.other().closed {
					do()
				}
			})
			l.after(10*time.Microsecond, try)
		}
	}
	l.after(wait, try)
}

// hangUp tells this end's process that the connection is gone.
func (e *end) hangUp(reset bool) {
	if e.closed {
		return
	}
	e.closed = true
	e.self.get(e.life, func() {
		if e.gone != nil {
			e.gone(reset)
		}
	})
}

// close ends the connection from here, with a last word if any.
func (e *end) close(last func()) {
	if e.closed {
		return
	}
	if last != nil {
		e.send(last)
	}
	e.send(func() { e.other().hangUp(false) })
	e.closed = true
}

// reset is what the kernel does for a process that dies: nothing queued arrives any more.
func (e *end) reset() {
	e.queue = nil
	e.closed = true
	e.queue = append(e.queue, func() { e.other().hangUp(true) })
	e.pump()
}

// dial reaches a host, and answers the machine.
func (n *node) dial(o Join) {
	l := n.lan
	host := l.at(o.To.Addr)
	life := n.life
	c := newConn(n, host, o.Attempt)
	n.dials[o.Attempt] = c
	answer := func(in Input) {
		l.after(l.latency(), func() {
			n.get(life, func() {
				if l.both(n, host) && n.dials[o.Attempt] == c {
					delete(n.dials, o.Attempt)
					n.step(in)
				}
			})
		})
	}
	wait := l.latency()
	if n.warm != host || host.m == nil {
		wait += 2*l.latency() + l.between(2*time.Millisecond, 8*time.Millisecond)
	}
	l.after(wait, func() {
		switch {
		case !l.both(n, host): // silence: the machine's own patience ends it
		case host.m == nil:
			answer(JoinFailed{o.Attempt, "connection refused"})
		default:
			c.memberEnd.peerLife, c.hostEnd.life = host.life, host.life
			host.get(host.life, func() {
				if host.relay == nil || !host.relay.open {
					answer(NotHost{o.Attempt, host.m.link.to})
					return
				}
				host.admit(c, o, answer)
			})
		}
	})
}

// admit asks the machine, and does what its answer says.
func (n *node) admit(c *conn, o Join, answer func(Input)) {
	l := n.lan
	in := Knock{ID: c.member.id(), Reign: o.Reign, Terms: o.Terms}
	if o.Terms.Hosting {
		in.Addr = c.member.addr()
	}
	if l.mutant == "no fence" {
		in.Reign = n.m.Reign()
	}
	r := n.relay
	if r.moved != nil {
		answer(NotHost{o.Attempt, *r.moved})
		return
	}
	was := n.m.State()
	mutate(l, n.m)
	out := n.m.Step(l.now, in)
	l.note(n, was, in, out)
	n.check(was, out)
	for _, o := range out {
		switch o := o.(type) {
		case Admit:
			r.welcome(c, o.Reign)
		case Refer:
			answer(NotHost{c.attempt, o.To})
		default:
			n.do(o)
		}
	}
	n.arm()
}

// follow makes the dial the link.
func (n *node) follow(o Followed) {
	c := n.dials[o.Attempt]
	if c == nil || c.memberEnd.closed {
		n.lan.fail("node %d follows by a connection it hasn't got", n.index)
	}
	delete(n.dials, o.Attempt)
	if old := n.conn; old != nil {
		old.memberEnd.close(nil)
	}
	n.conn, n.host, n.joined, n.proof = c, c.host, n.lan.now, n.lan.now
}

// relayNode is a host's relay.
type relayNode struct {
	node       *node
	attempt    uint64
	reign      room.Reign
	beats      room.Reign // what the beats say
	open       bool
	moved      *Peer // yielded to
	successors []Peer
	members    map[int]*conn
}

// all lists the members' connections in order: a seed must give one run.
func (r *relayNode) all() (list []*conn) {
	for i := range r.node.lan.nodes {
		if c := r.members[i]; c != nil {
			list = append(list, c)
		}
	}
	return list
}

func (r *relayNode) welcome(c *conn, reign room.Reign) {
	h, m, l := r.node, c.member, r.node.lan
	if old := r.members[m.index]; old != nil {
		old.hostEnd.close(nil)
	}
	r.members[m.index] = c
	c.acked = l.now
	c.hostEnd.gone = func(bool) { r.drop(c) }
	c.memberEnd.gone = func(reset bool) {
		if m.dials[c.attempt] == c {
			delete(m.dials, c.attempt)
		}
		if m.conn == c {
			m.conn = nil
		}
		m.step(HostGone{Attempt: c.attempt, Reason: "reset"})
	}
	forced, successors, book := h.forced, r.successors, h.book.copy()
	c.hostEnd.send(func() {
		if m.dials[c.attempt] != c { // given up meanwhile
			c.memberEnd.close(nil)
			return
		}
		m.step(Joined{Attempt: c.attempt, Reign: reign, Forced: forced, Successors: successors, Beats: true})
		if m.conn == c {
			m.exchange(c, book)
		}
	})
	r.roster()
}

// drop forgets a member whose connection has ended.
func (r *relayNode) drop(c *conn) {
	if r.members[c.member.index] == c {
		delete(r.members, c.member.index)
		r.roster()
	}
}

// roster tells the host's machine, and the members by their next beat.
func (r *relayNode) roster() {
	if r.node.relay != r || r.moved != nil {
		return
	}
	in := Roster{Attempt: r.attempt}
	r.node.roster = nil
	for _, c := range r.all() {
		m := c.member
		in.Members = append(in.Members, Candidate{
			Peer: Peer{ID: m.id(), Addr: m.addr(), Role: RoleMember, Forced: m.forced}, Wired: !m.wifi, Mains: true,
		})
		r.node.roster = append(r.node.roster, m.index)
	}
	r.node.step(in)
}

// beat is the heartbeat, and drops who has acknowledged none for too long.
func (r *relayNode) beat() {
	h, l := r.node, r.node.lan
	every, patience := BeatWired, DropTime
	if h.wifi {
		every, patience = BeatWiFi, 2*DropTime
	}
	life := h.life
	l.after(every, func() {
		if h.life != life || h.m == nil || h.relay != r && r.moved == nil {
			return
		}
		if r.moved == nil || len(r.members) > 0 {
			r.beat()
		}
		if h.paused {
			return
		}
		all := r.all()
		roster := make([]int, 0, len(all)+1)
		for _, c := range all {
			roster = append(roster, c.member.index)
		}
		roster = append(roster, h.index)
		for _, c := range all {
			if l.now-c.acked > patience {
				m := c.member
				delete(r.members, m.index)
				c.hostEnd.close(func() { c.byeTo(HostGone{Attempt: c.attempt, Dropped: true, Reason: "dropped"}) })
				r.roster()
				continue
			}
			in := Heartbeat{c.attempt, r.beats, r.successors, 1 + len(all), h.wifi}
			m := c.member
			l.packet(h, m, func() {
				if m.conn != c || c.memberEnd.closed {
					return
				}
				m.proof, m.roster = l.now, roster
				if l.reach(m, h) && (l.loss == 0 || l.rand.Float64() >= l.loss) {
					c.acked = l.now
				}
				m.step(in)
			})
		}
	})
}

// byeTo is the host's last word at its member.
func (c *conn) byeTo(in HostGone) {
	m := c.member
	c.memberEnd.closed = true
	if m.conn == c {
		m.conn = nil
	}
	delete(m.dials, c.attempt)
	m.step(in)
}

// yield sends the members on, and passes on what they say until they have gone. The simulation passes on nothing:
// what is said meanwhile waits for the next host.
func (r *relayNode) yield(o Yield) {
	h, l := r.node, r.node.lan
	if h.relay == r {
		h.relay = nil
	}
	to := o.To
	r.moved = &to
	if o.To.Addr == "" {
		for _, c := range r.all() {
			c.hostEnd.close(func() { c.byeTo(HostGone{Attempt: c.attempt, Left: true, Reason: "the host left"}) })
		}
		clear(r.members)
		return
	}
	for _, c := range r.all() {
		if l.mutant == "nobody is sent on" {
			continue
		}
		c.hostEnd.send(func() { c.member.step(MoveTo{c.attempt, to}) })
	}
	r.beat()
	life := h.life
	until := l.now + MoveTime
	var wait func()
	wait = func() {
		h.get(life, func() {
			if len(r.members) > 0 && l.now < until {
				l.after(time.Millisecond, wait)
				return
			}
			for _, c := range r.all() {
				c.hostEnd.close(nil)
			}
			clear(r.members)
			h.step(Yielded{o.Attempt})
		})
	}
	l.after(0, wait)
}
