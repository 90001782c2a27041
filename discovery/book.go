package discovery

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"parley.lan/identity"
)

// book puts together what was heard of each node by the different ways, and keeps the updates that the consumer has
// not taken yet: one per peer, the newest. It is a value without I/O or clock, bounded by maxPeers, and by
// maxPerSource for one sender.
type book struct {
	peers  map[bookKey]*entry
	queue  []bookKey             // of changed peers, in order, each once
	onLink func(netip.Addr) bool // whether an address is on one of our links
}

// bookKey is an id, or for targets (ViaJoin, ViaRemembered) the address.
type bookKey struct {
	id     identity.NodeID
	target netip.AddrPort
}

type entry struct {
	from   netip.Addr          // of the first sighting
	heard  map[string]sighting // by via
	target *Peer               // for a target, which never expires
	told   *Update             // what the consumer knows
	queued bool
}

// sighting is what was heard of a node in one way.
type sighting struct {
	rec   Record
	addrs map[netip.Addr]addrSeen
	heard time.Time
	until time.Time
}

type addrSeen struct {
	until time.Time
	how   addrHow
}

// addrHow is why an address is believed to be a node's, the better reason first.
type addrHow uint8

const (
	addrSource   addrHow = iota // its packets come from there
	addrListed                  // it says so
	addrDoubtful                // its packets come from there, and it lists others: perhaps a reflector's
)

func newBook(onLink func(netip.Addr) bool) *book {
	return &book{peers: make(map[bookKey]*entry), onLink: onLink}
}

// target adds an address to try.
func (b *book) target(via string, addr netip.AddrPort) {
	k := bookKey{target: addr}
	if b.peers[k] == nil {
		b.peers[k] = &entry{target: &Peer{Addrs: []netip.AddrPort{addr}, Via: via}}
		b.touch(k)
	}
}

// hear puts s in the place of what was heard of id that way.
func (b *book) hear(via string, id identity.NodeID, from netip.Addr, s sighting) {
	k := bookKey{id: id}
	e := b.peers[k]
	if e == nil {
		if !b.admits(from) {
			return
		}
		e = &entry{from: from, heard: make(map[string]sighting)}
		b.peers[k] = e
	}
	e.heard[via] = s
	b.touch(k)
}

// hearFrom adds a packet of rec.ID's, and an address that it shows, to what was heard of it that way.
func (b *book) hearFrom(via string, rec Record, from netip.Addr, how addrHow, now time.Time, ttl time.Duration) {
	s := sighting{rec: rec, addrs: make(map[netip.Addr]addrSeen), heard: now, until: now.Add(ttl)}
	if e := b.peers[bookKey{id: rec.ID}]; e != nil {
		for a, seen := range e.heard[via].addrs {
			if len(s.addrs) < maxAddrs && now.Before(seen.until) {
				s.addrs[a] = seen
			}
		}
	}
	if seen, ok := s.addrs[from]; !ok || how <= seen.how {
		s.addrs[from] = addrSeen{s.until, how}
	}
	b.hear(via, rec.ID, from, s)
}

// leave makes id's sightings end by then at the latest.
func (b *book) leave(id identity.NodeID, then time.Time) {
	k := bookKey{id: id}
	e := b.peers[k]
	if e == nil {
		return
	}
	for via, s := range e.heard {
		if then.Before(s.until) {
			s.until = then
			e.heard[via] = s
		}
	}
}

// expire forgets what is too old.
func (b *book) expire(now time.Time) {
	for k, e := range b.peers {
		for via, s := range e.heard {
			if !now.Before(s.until) {
				delete(e.heard, via)
				b.touch(k)
				continue
			}
			for a, seen := range s.addrs {
				if !now.Before(seen.until) {
					delete(s.addrs, a)
					b.touch(k)
				}
			}
		}
		if e.target == nil && len(e.heard) == 0 && !e.queued {
			delete(b.peers, k)
		}
	}
}

func (b *book) admits(from netip.Addr) bool {
	n := 0
	for _, e := range b.peers {
		if e.target == nil && e.from == from {
			n++
		}
	}
	return len(b.peers) < maxPeers && n < maxPerSource
}

func (b *book) touch(k bookKey) {
	if e := b.peers[k]; !e.queued {
		e.queued = true
		b.queue = append(b.queue, k)
	}
}

// next is when expire has something to do; zero: never.
func (b *book) next() time.Time {
	var next time.Time
	for _, e := range b.peers {
		for _, s := range e.heard {
			next = earliest(next, s.until)
			for _, seen := range s.addrs {
				next = earliest(next, seen.until)
			}
		}
	}
	return next
}

// peek is the oldest update not taken yet, as it is now.
func (b *book) peek() (Update, bool) {
	for len(b.queue) > 0 {
		k := b.queue[0]
		e := b.peers[k]
		u, ok := e.update(b.onLink)
		if ok && (e.told == nil || u.Gone != e.told.Gone || !same(u.Peer, e.told.Peer)) {
			return u, true
		}
		b.drop(k, e)
	}
	return Update{}, false
}

// took notes that the consumer has u, which peek returned last.
func (b *book) took(u Update) {
	k := b.queue[0]
	e := b.peers[k]
	e.told = &u
	b.drop(k, e)
}

func (b *book) drop(k bookKey, e *entry) {
	b.queue = b.queue[1:]
	e.queued = false
	if e.target == nil && len(e.heard) == 0 {
		delete(b.peers, k)
	}
}

// update is what the consumer should know of e. Nothing, when e went before the consumer heard of it.
func (e *entry) update(onLink func(netip.Addr) bool) (Update, bool) {
	if e.target != nil {
		return Update{Peer: *e.target}, true
	}
	if len(e.heard) == 0 {
		if e.told == nil {
			return Update{}, false
		}
		return Update{Peer: e.told.Peer, Gone: true}, true
	}
	return Update{Peer: e.peer(onLink)}, true
}

// peer merges the sightings: the newest record counts, what others tell of the node only while it is silent itself.
func (e *entry) peer(onLink func(netip.Addr) bool) Peer {
	var best sighting
	var p Peer
	for via, s := range e.heard {
		if p.Via == "" || p.Via == ViaTold || (via != ViaTold && s.heard.After(best.heard)) {
			best, p.Via = s, via
		}
	}
	p.Record = best.rec
	if p.Text == 0 {
		return p
	}
	seen := make(map[netip.Addr]addrHow)
	for via, s := range e.heard {
		if via == ViaTold && p.Via != ViaTold {
			continue
		}
		for a, x := range s.addrs {
			if how, ok := seen[a]; !ok || x.how < how {
				seen[a] = x.how
			}
		}
	}
	type ranked struct {
		addr netip.Addr
		rank int
	}
	var list []ranked
	for a, how := range seen {
		list = append(list, ranked{a, rank(a, how, onLink(a))})
	}
	slices.SortFunc(list, func(x, y ranked) int {
		return cmp.Or(cmp.Compare(x.rank, y.rank), x.addr.Compare(y.addr))
	})
	for _, r := range list[:min(len(list), maxAddrs)] {
		p.Addrs = append(p.Addrs, netip.AddrPortFrom(r.addr, p.Text))
	}
	return p
}

// rank orders a peer's addresses, least first. Where its packets came from is surest. But a link-local IPv6 address
// comes after those that mean the same to other machines, whom this node will tell where it found the peer; and
// loopback comes last.
func rank(a netip.Addr, how addrHow, onLink bool) int {
	linkLocal := a.Is6() && a.IsLinkLocalUnicast()
	n := 0
	if a.Is6() {
		n = 1
	}
	switch {
	case a.IsLoopback():
		return 20
	case how == addrDoubtful:
		return 10 + n
	case linkLocal && how == addrSource:
		return 4
	case how == addrSource:
		return n
	case linkLocal:
		return 8
	case onLink:
		return 2 + n
	}
	return 6 + n
}

func same(a, b Peer) bool { return a.Record == b.Record && slices.Equal(a.Addrs, b.Addrs) }
