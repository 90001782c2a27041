package election

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"parley.lan/room"
)

// node is one driver with its machine; a crash takes both, and life tells the next ones' events from theirs.
type node struct {
	lan     *lan
	index   int
	life    int
	m       *Machine
	epoch   uint64 // kept on disk
	forced  bool
	wifi    bool
	off     bool // no power, or no cable
	paused  bool // SIGSTOP; asleep
	backlog []func()
	says    Announce
	heard   map[int]Peer // discovery's cache
	reign   room.Reign   // after the last step
	timer   time.Duration
	roster  []int         // of the last host, for ASK and CLAIM
	host    *node         // followed last
	proof   time.Duration // the last sign of life from the host
	joined  time.Duration // when it followed or led last

	relay *relayNode
	conn  *conn // as a client
	dials map[uint64]*conn
	warm  *node
	bound bool
	book  ledger
}

func (n *node) id() room.NodeID {
	// Printable, for up to 64 nodes; their order has nothing to do with that of starting.
	return room.NodeID{'0' + byte(n.index*37+int(n.lan.seed))%64, byte(n.index)}
}

func (n *node) addr() string { return fmt.Sprint("@", n.index) }

func (n *node) peer(a Announce) Peer {
	return Peer{ID: n.id(), Addr: n.addr(), Role: a.Role, Reign: a.Reign, Forced: a.Forced}
}

func (l *lan) at(addr string) *node {
	i, err := strconv.Atoi(addr[1:])
	if err != nil {
		l.fail("bad address %q", addr)
	}
	return l.nodes[i]
}

func (n *node) start(forced bool) {
	n.life++
	n.forced, n.off, n.paused, n.backlog = forced, false, false, nil
	n.heard, n.conn, n.relay, n.reign, n.says, n.timer = map[int]Peer{}, nil, nil, room.Reign{}, Announce{}, 0
	n.dials, n.warm, n.bound, n.roster, n.host = map[uint64]*conn{}, nil, false, nil, nil
	n.book.restart(n.index)
	n.m = New(Config{
		Self: n.id(), Forced: forced, Epoch: n.epoch, WiFi: n.wifi,
		Rand: rand.New(rand.NewPCG(n.lan.seed, uint64(n.index)<<32|uint64(n.life))),
	})
	n.beacon(n.life)
	n.step(Start{})
}

// crash ends the process: its connections are reset, its record stays in the others' caches.
func (n *node) crash() {
	conns := n.conns()
	n.m, n.relay, n.conn = nil, nil, nil
	n.life++
	n.paused, n.backlog = false, nil
	for _, c := range conns {
		c.from(n).reset()
	}
}

// power takes the machine away without a word. start brings it back; so does clearing off for a cable.
func (n *node) power() {
	for _, c := range n.conns() {
		c.from(n).queue = nil
	}
	n.m, n.relay, n.conn = nil, nil, nil
	n.life++
	n.off, n.paused, n.backlog = true, false, nil
}

func (n *node) conns() (list []*conn) {
	if n.relay != nil {
		list = n.relay.all()
	}
	if n.conn != nil {
		list = append(list, n.conn)
	}
	return list
}

// get runs what has come for the process, or keeps it while it sleeps.
func (n *node) get(life int, do func()) {
	switch {
	case n.m == nil || n.life != life:
	case n.paused:
		if len(n.backlog) < 5000 {
			n.backlog = append(n.backlog, do)
		}
	default:
		do()
	}
}

func (n *node) resume() {
	if !n.paused {
		return
	}
	n.paused = false
	list, life := n.backlog, n.life
	n.backlog = nil
	n.step(Tick{})
	for _, do := range list {
		n.get(life, do)
	}
}

// step feeds the machine, checks it, and does what it says.
func (n *node) step(in Input) {
	if n.m == nil {
		return
	}
	l := n.lan
	was := n.m.State()
	mutate(l, n.m)
	out := n.m.Step(l.now, in)
	l.note(n, was, in, out)
	n.check(was, out)
	for _, o := range out {
		n.do(o)
	}
	n.arm()
}

// check is I2 and I7.
func (n *node) check(was State, out []Output) {
	r := n.m.Reign()
	if n.reign.Beats(r) {
		n.lan.fail("I2: node %d went from epoch %d to %d", n.index, n.reign.Epoch, r.Epoch)
	}
	n.reign = r
	for _, o := range out {
		if _, ok := o.(Serve); ok && was != Member && !n.forced {
			n.heardByMost()
		}
	}
}

// heardByMost is I7, where no datagram is lost and nothing has changed for a second: a node claims while most of its peers,
// whom it can ask, hear its host. Who follows that host only since after the last question could not say so: a host that
// crashed and is back takes its members in again one after the other.
func (n *node) heardByMost() {
	l := n.lan
	if l.loss > 0 || l.now-l.calm < time.Second || n.host == nil || n.host.m == nil || n.host.relay == nil {
		return
	}
	peers, hear := 0, 0
	for _, p := range l.live() {
		if p == n || p == n.host || !slices.Contains(n.roster, p.index) {
			continue
		}
		peers++
		if l.both(n, p) && p.m.State() == Member && p.host == n.host && l.both(p, n.host) && l.now-p.proof < 100*time.Millisecond && l.now-p.joined > 200*time.Millisecond {
			hear++
		}
	}
	if 2*hear > peers {
		l.fail("I7: node %d claims while %d of %d peers hear %d", n.index, hear, peers, n.host.index)
	}
}

// arm keeps one timer, like the driver.
func (n *node) arm() {
	at, ok := n.m.Deadline()
	if !ok || at == n.timer {
		return
	}
	if at <= n.lan.now {
		n.lan.fail("node %d: deadline %v has passed, in %v", n.index, at, n.m.State())
	}
	n.timer = at
	life := n.life
	n.lan.after(at-n.lan.now, func() {
		if n.life == life && n.timer == at && !n.paused {
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
		if o.Role == RoleHost {
			n.claim()
		}
	case Seek:
		for i, other := range l.nodes {
			if p, ok := n.heard[i]; ok { // a cache may be full of the dead
				l.after(time.Millisecond, func() { n.get(life, func() { n.hear(p) }) })
			}
			l.packet(n, other, func() {
				if other != n && other.says.Role != RoleUnknown {
					l.after(l.between(5*time.Millisecond, 60*time.Millisecond), func() { other.tellAbout(n) })
				}
			})
		}
	case Join:
		n.dial(o)
	case Leave:
		if c := n.dials[o.Attempt]; c != nil {
			delete(n.dials, o.Attempt)
			c.memberEnd.close(nil)
		}
		if c := n.conn; c != nil && c.attempt == o.Attempt {
			n.conn = nil
			c.memberEnd.close(nil)
		}
	case Followed:
		n.follow(o)
	case Serve:
		n.epochs(o.Reign)
		l.served++
		wait := l.between(3*time.Millisecond, 20*time.Millisecond)
		if n.bound {
			wait = l.between(100*time.Microsecond, time.Millisecond)
		}
		n.bound = false
		r := &relayNode{node: n, attempt: o.Attempt, reign: o.Reign, beats: o.Reign, members: map[int]*conn{}}
		n.relay = r
		l.after(wait, func() {
			n.get(life, func() {
				if n.relay == r {
					r.open = true
					n.joined, n.host = l.now, n
					n.step(Served{o.Attempt})
					n.flush(n.book.pending + 1)
					r.roster()
					r.beat()
				}
			})
		})
	case Raise:
		n.epochs(o.Reign)
		n.relay.reign = o.Reign
		if l.mutant != "raises in silence" {
			n.relay.beats = o.Reign
			for _, c := range n.relay.all() {
				c.hostEnd.send(func() { c.member.step(Raised{c.attempt, o.Reign}) })
			}
		}
	case Yield:
		n.relay.yield(o)
	case Succession:
		if l.mutant != "no successors" {
			n.relay.successors = o.Successors
		}
	case HandOver:
		if c := n.relay.members[int(o.To.ID[1])]; c != nil {
			c.hostEnd.send(func() { c.member.step(TakeOver{c.attempt}) })
		}
	case Warm:
		n.warm = nil
		if o.To.Addr != "" {
			n.warm = l.at(o.To.Addr)
		}
	case Prepare:
		n.bound = o.On
	case Ping:
		n.ping(o)
	case Ask:
		if l.mutant == "nobody asks" {
			return
		}
		for _, i := range n.roster {
			if p := l.nodes[i]; p != n && p.id() != o.About.Host {
				l.packet(n, p, func() { p.step(Asked{n.id(), o.Probe, o.About}) })
			}
		}
	case Tell:
		to := l.nodes[o.ID[1]]
		if o.Host.ID == n.id() {
			o.Host.Addr = n.addr()
		}
		l.packet(n, to, func() { to.step(Told{o.Probe, n.id(), o.Hears, o.Host}) })
	case Saw:
		if c := n.conn; c != nil && c.attempt == o.Attempt && l.mutant != "members keep quiet" {
			c.memberEnd.send(func() { c.host.hear(o.Peer) })
		}
	}
}

// epochs is I3.
func (n *node) epochs(r room.Reign) {
	if n.lan.claims[r] {
		n.lan.fail("I3: node %d claims epoch %d twice", n.index, r.Epoch)
	}
	n.lan.claims[r] = true
	if n.lan.mutant != "forgets epochs" {
		n.epoch = r.Epoch
	}
}

// claim tells everybody of the last roster, and the host that hands over.
func (n *node) claim() {
	p := n.peer(n.says)
	for _, i := range n.roster {
		if other := n.lan.nodes[i]; other != n {
			n.lan.packet(n, other, func() { other.hear(p) })
		}
	}
	if c := n.conn; c != nil {
		c.memberEnd.send(func() { c.host.hear(p) })
	}
}

// beacon announces while the process lives: each second as a host, each 250 ms while it looks.
func (n *node) beacon(life int) {
	if n.life != life {
		return
	}
	every := time.Second
	switch {
	case n.says.Role == RoleLooking:
		every = 250 * time.Millisecond
		n.shout()
	case n.says.Role == RoleHost:
		n.shout()
	}
	n.lan.after(n.lan.between(every*9/10, every*11/10), func() { n.beacon(life) })
}

func (n *node) shout() {
	if n.paused || n.m == nil {
		return
	}
	for _, other := range n.lan.nodes {
		if other != n {
			n.tellAbout(other)
		}
	}
}

func (n *node) tellAbout(to *node) {
	if n.says.Role != RoleUnknown && n.m != nil && !n.paused {
		p := n.peer(n.says)
		n.lan.packet(n, to, func() { to.hear(p) })
	}
}

func (n *node) hear(p Peer) {
	if n.lan.mutant == "hosts are deaf" && n.says.Role == RoleHost || p.ID == n.id() {
		return
	}
	n.heard[int(p.ID[1])] = p
	n.step(Seen{p})
}

// ping goes by datagram; the machine without the process says that nothing listens.
func (n *node) ping(o Ping) {
	l := n.lan
	host := l.at(o.To.Addr)
	answer := func(in Pong) {
		l.packet(host, n, func() {
			if in.Answer == Yours || in.Answer == Stranger {
				n.proof = l.now
			}
			n.step(in)
		})
	}
	if host.m == nil && l.reach(n, host) {
		l.after(l.latency(), func() { answer(Pong{Probe: o.Probe, Answer: Closed}) })
		return
	}
	l.packet(n, host, func() {
		in := Pong{Probe: o.Probe, Answer: Stranger}
		switch r := host.relay; {
		case r == nil || !r.open:
			in.Answer, in.Hint = NotHosts, host.m.link.to
		case n.conn != nil && r.members[n.index] == n.conn || l.mutant == "PONG without membership":
			in.Answer = Yours
		}
		answer(in)
	})
}
