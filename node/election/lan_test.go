package election

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"parley.lan/room"
)

// lan is a seeded network in virtual time on which the very machine of the product runs: it stands in for
// discovery, the relays and the clients; and delays, loses, reorders and cuts. It checks I2, I3, I5 and I7 (design
// notes) at every step; the tests check the rest.
type lan struct {
	rand   *rand.Rand
	seed   uint64
	now    time.Duration
	events events
	order  uint64
	nodes  []*node
	cut    map[[2]int]bool     // from, to: nothing passes
	claims map[room.Reign]bool // every reign ever led
	served int                 // Serve outputs
	loss   float64             // of datagrams
	low    time.Duration       // the latency's range
	high   time.Duration
	said   int           // messages ever
	calm   time.Duration // no fault since
	mutant string        // what this LAN or its drivers get wrong
	log    []line
}

// line is one step, for the report of a failure.
type line struct {
	at      time.Duration
	node    *node
	was, is State
	in      Input
	out     []Output
}

func (l line) String() string {
	var says []string
	for _, o := range l.out {
		says = append(says, describe(o))
	}
	return fmt.Sprintf("%v %s@%d %v, %T%v: %s; %v", l.at, showID(l.node.id()), l.node.index, l.was, l.in, l.in,
		strings.Join(says, ", "), l.is)
}

type event struct {
	at    time.Duration
	order uint64
	do    func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].order < e[j].order
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	x := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return x
}

// newLAN makes a wired LAN without faults.
func newLAN(n int, seed uint64) *lan {
	l := &lan{
		seed: seed, rand: rand.New(rand.NewPCG(seed, 1)), cut: map[[2]int]bool{}, claims: map[room.Reign]bool{},
		low: 200 * time.Microsecond, high: 2 * time.Millisecond,
	}
	for i := range n {
		l.nodes = append(l.nodes, &node{lan: l, index: i})
	}
	return l
}

// between draws a time from [a, b).
func (l *lan) between(a, b time.Duration) time.Duration {
	return a + time.Duration(l.rand.Int64N(int64(b-a)))
}

func (l *lan) latency() time.Duration { return l.between(l.low, l.high) }

func (l *lan) after(d time.Duration, do func()) {
	l.order++
	heap.Push(&l.events, event{l.now + d, l.order, do})
}

// run lets d pass.
func (l *lan) run(d time.Duration) { l.until(l.now+d, func() bool { return false }) }

// until lets time pass until the condition holds, and tells whether it did by the given end.
func (l *lan) until(end time.Duration, holds func() bool) bool {
	for len(l.events) > 0 && l.events[0].at <= end {
		e := heap.Pop(&l.events).(event)
		l.now = e.at
		e.do()
		if holds() {
			return true
		}
	}
	l.now = end
	return false
}

// broken is what a run panics with that has broken an invariant.
type broken string

func (l *lan) fail(format string, args ...any) {
	why := fmt.Sprintf("seed %d, at %v: %s", l.seed, l.now, fmt.Sprintf(format, args...))
	for _, line := range l.log[max(0, len(l.log)-80):] {
		why += "\n" + line.String()
	}
	panic(broken(why))
}

// note keeps what matters for a failure's report.
func (l *lan) note(n *node, was State, in Input, out []Output) {
	if is := n.m.State(); len(out) > 0 || is != was {
		if len(l.log) > 400 {
			l.log = append(l.log[:0], l.log[200:]...)
		}
		l.log = append(l.log, line{l.now, n, was, is, in, out})
	}
}

// reach tells whether packets pass from one node to another.
func (l *lan) reach(a, b *node) bool { return !l.cut[[2]int{a.index, b.index}] && !a.off && !b.off }

// both tells whether they pass in both directions, as TCP needs.
func (l *lan) both(a, b *node) bool { return l.reach(a, b) && l.reach(b, a) }

// split cuts the LAN between nodes of different sides.
func (l *lan) split(side func(i int) int) {
	clear(l.cut)
	for i := range l.nodes {
		for j := range l.nodes {
			if side(i) != side(j) {
				l.cut[[2]int{i, j}] = true
			}
		}
	}
}

// packet sends a datagram: late, out of order, or never. do runs at the receiver's process.
func (l *lan) packet(from, to *node, do func()) {
	if !l.reach(from, to) || l.loss > 0 && l.rand.Float64() < l.loss {
		return
	}
	life := to.life
	l.after(l.latency(), func() {
		if l.reach(from, to) {
			to.get(life, do)
		}
	})
}

// live lists the nodes whose process runs.
func (l *lan) live() (list []*node) {
	for _, n := range l.nodes {
		if n.m != nil && n.m.State() != Stopped {
			list = append(list, n)
		}
	}
	return list
}
