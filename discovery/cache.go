package discovery

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"parley.lan/identity"
)

// cache is what was heard by mDNS, until it expires: a value without I/O or clock. It is bounded by maxPeers, and
// by maxPerSource for one sender.
type cache struct {
	rand  *rand.Rand
	peers map[identity.NodeID]*cached
}

type cached struct {
	from  netip.Addr // first heard from
	until time.Time  // when all of it is forgotten

	txt                []string // as heard last, which may be nonsense
	port               uint16
	txtUntil, srvUntil time.Time
	rec                Record // the last that made sense; ID is zero before there was one
	addrs              map[addrOn]*addrLife

	heard   time.Time     // when rec was heard
	ttl     time.Duration // of whichever part of it expires first
	refresh time.Time     // when to ask again; zero: no more
	stage   int           // refreshes asked: at 80, 85, 90 and 95 % of ttl

	asked   int       // follow-up questions, while there is no rec
	askNext time.Time // zero: no more
}

type addrOn struct {
	addr    netip.Addr
	ifindex int
	source  bool // a packet came from there
}

type addrLife struct{ heard, until time.Time }

// knownPeer is a node that needs not answer a question, and for how long it is known yet.
type knownPeer struct {
	id   identity.NodeID
	left time.Duration
}

func newCache(r *rand.Rand) *cache {
	return &cache{rand: r, peers: make(map[identity.NodeID]*cached)}
}

// hear takes in a fact. The node's sighting may have changed when it returns true.
func (c *cache) hear(now time.Time, f *fact) bool {
	e := c.peers[f.id]
	if e == nil {
		if !f.named || f.bye || !c.admits(f.from) {
			return false
		}
		e = &cached{from: f.from, addrs: make(map[addrOn]*addrLife), askNext: now,
			until: now.Add((followUps + 1) * followUpGap)}
		c.peers[f.id] = e
	}
	if f.bye {
		if soon := now.Add(goodbyeGrace); soon.Before(e.until) {
			e.until, e.refresh = soon, time.Time{}
		}
		return true
	}
	for _, h := range f.addrs {
		e.hearAddr(now, h, f.ifindex)
	}
	if f.hasTXT {
		e.txt, e.txtUntil = f.txt, now.Add(f.txtTTL)
	}
	if f.hasSRV {
		e.port, e.srvUntil = f.port, now.Add(f.srvTTL)
	}
	if (f.hasTXT || f.hasSRV) && now.Before(e.txtUntil) && now.Before(e.srvUntil) {
		if rec, ok := recordOf(e.txt, e.port); ok && rec.ID == f.id {
			e.settle(now, rec, f, c.rand)
		}
	}
	return true
}

// settle takes a record that is whole.
func (e *cached) settle(now time.Time, rec Record, f *fact, r *rand.Rand) {
	e.until = e.srvUntil
	if e.txtUntil.Before(e.until) {
		e.until = e.txtUntil
	}
	if source := (addrOn{f.from, f.ifindex, true}); f.from.IsValid() && (e.addrs[source] != nil || len(e.addrs) < 4*maxAddrs) {
		e.addrs[source] = &addrLife{now, e.until}
	}
	e.rec, e.heard, e.ttl, e.stage, e.askNext = rec, now, e.until.Sub(now), 0, time.Time{}
	e.plan(r)
}

// plan sets the next refresh, a little late by chance, for the others ask too (section 5.2).
func (e *cached) plan(r *rand.Rand) {
	if e.stage == 4 {
		e.refresh = time.Time{}
		return
	}
	percent := 80 + 5*float64(e.stage) + 2*r.Float64()
	e.refresh = e.heard.Add(time.Duration(float64(e.ttl) * percent / 100))
}

// hearAddr takes an A or AAAA record. With the flush bit it replaces what was heard more than a second ago: not the
// others of its packet or of the packet before, which belong together (section 10.2).
func (e *cached) hearAddr(now time.Time, h heardAddr, ifindex int) {
	soon := now.Add(flushGrace)
	if h.flush {
		for k, life := range e.addrs {
			if k.ifindex == ifindex && !k.source && k.addr.Is4() == h.addr.Is4() &&
				now.Sub(life.heard) > time.Second && soon.Before(life.until) {
				life.until = soon
			}
		}
	}
	k := addrOn{h.addr, ifindex, false}
	life := e.addrs[k]
	switch {
	case h.ttl == 0 && life != nil && soon.Before(life.until):
		life.until = soon
	case h.ttl > 0 && (life != nil || len(e.addrs) < 4*maxAddrs):
		e.addrs[k] = &addrLife{now, now.Add(h.ttl)}
	}
}

func (c *cache) admits(from netip.Addr) bool {
	n := 0
	for _, e := range c.peers {
		if e.from == from {
			n++
		}
	}
	return len(c.peers) < maxPeers && n < maxPerSource
}

// sighting is what the cache knows of a node; false when nothing that makes sense.
func (c *cache) sighting(now time.Time, id identity.NodeID) (sighting, bool) {
	e := c.peers[id]
	if e == nil || e.rec.ID.IsZero() || !now.Before(e.until) {
		return sighting{}, false
	}
	s := sighting{rec: e.rec, heard: e.heard, until: e.until, addrs: make(map[netip.Addr]addrSeen)}
	listed := make(map[netip.Addr]bool)
	for k, life := range e.addrs {
		if !k.source && now.Before(life.until) {
			listed[k.addr] = true
			s.addrs[k.addr] = addrSeen{life.until, addrListed}
		}
	}
	for k, life := range e.addrs {
		if k.source && now.Before(life.until) {
			// Who doesn't list the address it sends from passes on another's words (an mDNS reflector).
			how := addrSource
			if len(listed) > 0 && !listed[k.addr] {
				how = addrDoubtful
			}
			s.addrs[k.addr] = addrSeen{life.until, how}
		}
	}
	return s, true
}

// forget drops a node.
func (c *cache) forget(id identity.NodeID) { delete(c.peers, id) }

// expire drops what is too old. It returns the nodes that lost an address.
func (c *cache) expire(now time.Time) (changed []identity.NodeID) {
	for id, e := range c.peers {
		if !now.Before(e.until) {
			delete(c.peers, id)
			continue
		}
		n := len(e.addrs)
		for k, life := range e.addrs {
			if !now.Before(life.until) {
				delete(e.addrs, k)
			}
		}
		if len(e.addrs) < n {
			changed = append(changed, id)
		}
	}
	return changed
}

// ask tells what to ask now: whether some record wants a refresh, and which nodes are known by name only.
func (c *cache) ask(now time.Time) (refresh bool, incomplete []identity.NodeID) {
	for id, e := range c.peers {
		if !e.refresh.IsZero() && !now.Before(e.refresh) {
			refresh = true
			e.stage++
			e.plan(c.rand)
		}
		if !e.askNext.IsZero() && !now.Before(e.askNext) && len(incomplete) < 16 {
			incomplete = append(incomplete, id)
			e.asked++
			e.askNext = now.Add(followUpGap)
			if e.asked == followUps {
				e.askNext = time.Time{}
			}
		}
	}
	return refresh, incomplete
}

// known lists the nodes that need not answer: those known for more than half of their time (section 7.1).
func (c *cache) known(now time.Time) []knownPeer {
	var known []knownPeer
	for id, e := range c.peers {
		if left := e.until.Sub(now); !e.rec.ID.IsZero() && left > e.ttl/2 {
			known = append(known, knownPeer{id, left})
		}
	}
	return known
}

// next is when expire or ask has something to do; zero: never.
func (c *cache) next() time.Time {
	var next time.Time
	for _, e := range c.peers {
		next = earliest(next, e.until, e.refresh, e.askNext)
		for _, life := range e.addrs {
			next = earliest(next, life.until)
		}
	}
	return next
}
