package election

import (
	"fmt"
	"math/rand/v2"
	"time"

	"parley.lan/room"
)

// node is one driver with its machine; a crash takes both, and life tells the next ones' events from theirs.
type node struct {
	lan    *lan
	index  int
	life   int
	m      *Machine
	epoch  uint64 // kept on disk
	forced bool
	says   Announce
	heard  map[int]Peer // discovery's cache
	reign  room.Reign   // after the last step
	timer  time.Duration

	relay   uint64 // attempt of the open one; 0 none
	members map[int]*conn
	conn    *conn // as a client
}

func (n *node) id() room.NodeID {
	// Printable, for up to 64 nodes; their order has nothing to do with that of starting.
	return room.NodeID{'0' + byte(n.index*37+int(n.lan.seed))%64, byte(n.index)}
}

func (n *node) peer(a Announce) Peer {
	return Peer{ID: n.id(), Addr: fmt.Sprint("@", n.index), Role: a.Role, Reign: a.Reign, Forced: a.Forced}
}

func (n *node) start(forced bool) {
	n.life++
	n.forced = forced
	n.heard, n.members, n.conn, n.relay, n.reign, n.says, n.timer = map[int]Peer{}, map[int]*conn{}, nil, 0, room.Reign{}, Announce{}, 0
	n.m = New(Config{
		Self: n.id(), Forced: forced, Epoch: n.epoch, Rand: rand.New(rand.NewPCG(n.lan.seed, uint64(n.index)<<32|uint64(n.life))),
	})
	n.beacon(n.life)
	n.step(Start{})
}

// crash ends the process: its connections are reset, its record stays in the others' caches.
func (n *node) crash() {
	n.m = nil
	n.life++
	n.closeRelay(func(c *conn) { n.lan.hangUp(c, "reset") })
	if n.conn != nil {
		n.lan.closeConn(n.conn)
	}
}

// step feeds the machine, checks it, and does what it says.
func (n *node) step(in Input) {
	if n.m == nil {
		return
	}
	l := n.lan
	was := n.m.State()
	out := n.m.Step(l.now, in)
	l.note(n, was, in, out)
	n.check()
	for _, o := range out {
		n.do(o)
	}
	n.arm()
}

// check is I2.
func (n *node) check() {
	r := n.m.Reign()
	if n.reign.Beats(r) {
		n.lan.fail("I2: node %d went from epoch %d to %d", n.index, n.reign.Epoch, r.Epoch)
	}
	n.reign = r
}

// arm keeps one timer, like the driver.
func (n *node) arm() {
	at, ok := n.m.Deadline()
	if !ok || at == n.timer {
		return
	}
	if at <= n.lan.now {
		n.lan.fail("node %d: deadline %v has passed", n.index, at)
	}
	n.timer = at
	life := n.life
	n.lan.after(at-n.lan.now, func() {
		if n.life == life && n.timer == at {
			n.timer = 0
			n.step(Tick{})
		}
	})
}

// do carries out one output.
func (n *node) do(o Output) {
	l := n.lan
	life := n.life
	switch o := o.(type) {
	case Announce:
		n.says = o
		n.shout()
	case Seek:
		for i, other := range l.nodes {
			if p, ok := n.heard[i]; ok { // a cache may be full of the dead
				l.after(time.Millisecond, func() { n.hear(life, p) })
			}
			l.after(l.between(5*time.Millisecond, 60*time.Millisecond), func() {
				if other.m != nil && other != n && l.reach(n, other) {
					other.shout()
				}
			})
		}
	case Join:
		l.join(n, o)
	case Leave:
		if c := n.conn; c != nil && c.attempt == o.Attempt {
			l.closeConn(c)
		}
	case Followed:
		if c := n.conn; c == nil || c.closed || c.attempt != o.Attempt {
			l.fail("node %d follows by a connection it hasn't got", n.index)
		}
	case Serve:
		n.claim(o.Reign)
		l.served++
		if c := n.conn; c != nil && !c.closed {
			l.fail("node %d hosts and is a member", n.index)
		}
		l.after(l.between(time.Millisecond, 20*time.Millisecond), func() {
			if n.life == life && n.m.State() == Host && n.m.serve.attempt == o.Attempt {
				n.relay = o.Attempt
				n.step(Served{o.Attempt})
			}
		})
	case Raise:
		n.claim(o.Reign)
		for _, c := range n.members {
			l.tell(c, func() { c.member.step(Raised{c.attempt, o.Reign}) })
		}
	case Yield:
		n.closeRelay(func(c *conn) {
			l.tell(c, func() { c.member.step(MoveTo{c.attempt, o.To}) })
			l.hangUp(c, "the host left")
		})
	}
}

func (n *node) claim(r room.Reign) {
	if n.lan.claims[r] {
		n.lan.fail("I3: node %d claims epoch %d twice", n.index, r.Epoch)
	}
	n.lan.claims[r] = true
	if n.lan.mutant != "forgets epochs" {
		n.epoch = r.Epoch
	}
}

// beacon announces each second while the process lives.
func (n *node) beacon(life int) {
	if n.life == life {
		n.shout()
		n.lan.after(n.lan.between(900*time.Millisecond, 1100*time.Millisecond), func() { n.beacon(life) })
	}
}

func (n *node) shout() {
	if n.says.Role == RoleUnknown {
		return
	}
	p := n.peer(n.says)
	for _, other := range n.lan.nodes {
		if other == n || n.lan.rand.Float64() < n.lan.loss {
			continue
		}
		n.lan.after(n.lan.between(time.Millisecond, 40*time.Millisecond), func() {
			if n.lan.reach(n, other) {
				other.hear(other.life, p)
			}
		})
	}
}

func (n *node) hear(life int, p Peer) {
	if n.lan.mutant == "hosts are deaf" && n.says.Role == RoleHost {
		return
	}
	if n.m != nil && n.life == life {
		n.heard[int(p.ID[1])] = p
		n.step(Seen{p})
	}
}
