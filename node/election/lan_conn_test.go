package election

import (
	"strconv"
	"time"
)

// Connections on the simulated LAN: dialling, welcoming, breaking.

// silence is how long a member takes to notice that its host is out of reach.
const silence = 4 * time.Second

// conn is a member's connection. What the host says arrives in order.
type conn struct {
	attempt      uint64
	member, host *node
	mlife, hlife int
	closed       bool
	last         time.Duration
}

func (l *lan) join(n *node, o Join) {
	i, err := strconv.Atoi(o.To.Addr[1:])
	if err != nil {
		l.fail("node %d dials %q", n.index, o.To.Addr)
	}
	host := l.nodes[i]
	c := &conn{attempt: o.Attempt, member: n, host: host, mlife: n.life}
	rtt := func() time.Duration { return l.between(time.Millisecond, 20*time.Millisecond) }
	answer := func(in Input) {
		l.after(rtt(), func() {
			if n.life == c.mlife && l.reach(n, host) {
				n.step(in)
			}
		})
	}
	l.after(rtt(), func() {
		switch {
		case !l.reach(n, host): // silence: the machine's own patience ends it
		case host.m == nil || host.relay == 0:
			answer(JoinFailed{o.Attempt, "connection refused"})
		default:
			c.hlife = host.life
			host.admit(c, o, answer)
		}
	})
}

// admit asks the machine, and does what its answer says.
func (n *node) admit(c *conn, o Join, answer func(Input)) {
	l := n.lan
	in := Knock{ID: c.member.id(), Reign: o.Reign}
	if l.mutant == "no fence" {
		in.Reign = n.m.Reign()
	}
	out := n.m.Step(l.now, in)
	l.note(n, Host, in, out)
	n.check()
	for _, o := range out {
		switch o := o.(type) {
		case Admit:
			// The member has the connection once the welcome arrives.
			n.members[c.member.index] = c
			reign, forced := o.Reign, n.forced
			l.tell(c, func() {
				if c.member.m.try.number != c.attempt { // given up meanwhile
					l.closeConn(c)
					return
				}
				c.member.conn = c
				c.member.step(Joined{Attempt: c.attempt, Reign: reign, Forced: forced})
			})
			l.watch(c)
		case Raise:
			if l.mutant != "raises in silence" {
				n.do(o)
			}
		case Refer:
			answer(NotHost{c.attempt, o.To})
		default:
			n.do(o)
		}
	}
	n.arm()
}

// tell delivers something from the host to its member, in order, through short cuts too, as TCP does.
func (l *lan) tell(c *conn, do func()) {
	c.last = max(c.last+1, l.now+l.between(time.Millisecond, 20*time.Millisecond))
	var deliver func()
	deliver = func() {
		switch {
		case c.closed || c.member.life != c.mlife:
		case l.reach(c.member, c.host):
			do()
		default:
			l.after(200*time.Millisecond, deliver)
		}
	}
	l.after(c.last-l.now, deliver)
}

// hangUp ends a connection from the host's side; its member learns that, at once or, out of reach, later.
func (l *lan) hangUp(c *conn, reason string) {
	l.tell(c, func() {
		c.closed = true
		c.member.step(HostGone{Attempt: c.attempt, Reason: reason})
	})
}

// watch is the heartbeat: a connection through a cut ends on both sides, each in its own time.
func (l *lan) watch(c *conn) {
	cut := time.Duration(-1)
	var beat func()
	beat = func() {
		if c.closed || c.member.life != c.mlife {
			return
		}
		switch {
		case l.reach(c.member, c.host) && c.host.life == c.hlife && c.host.members[c.member.index] == c:
			cut = -1
		case cut < 0:
			cut = l.now
		case l.now-cut > silence:
			l.closeConn(c)
			c.member.step(HostGone{Attempt: c.attempt, Reason: "silence"})
			return
		}
		l.after(500*time.Millisecond, beat)
	}
	beat()
}

func (l *lan) closeConn(c *conn) {
	c.closed = true
	if c.member.conn == c {
		c.member.conn = nil
	}
	if h := c.host; h.life == c.hlife && h.members[c.member.index] == c {
		delete(h.members, c.member.index)
	}
}

func (n *node) closeRelay(each func(*conn)) {
	n.relay = 0
	for i := range n.lan.nodes { // not by the map: a seed must give one run
		if c := n.members[i]; c != nil {
			delete(n.members, i)
			each(c)
		}
	}
}
