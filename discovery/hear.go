package discovery

import (
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"parley.lan/identity"
)

// hear takes one packet. Whatever makes no sense is dropped without a word: anybody on the LAN can send anything.
func (r *run) hear(now time.Time, p packet) {
	if p.on >= beaconShared {
		r.hearBeacon(now, p)
		return
	}
	if !onLink(r.net.ifaces, p.from.Addr()) {
		return
	}
	var msg dns.Msg
	if msg.Unpack(p.data) != nil {
		return
	}
	if !msg.Response {
		r.hearQuestion(now, p, &msg)
		return
	}
	if p.from.Port() != mdnsPort || msg.Opcode != dns.OpcodeQuery || msg.Rcode != 0 {
		return // section 6, section 18
	}
	for _, f := range factsOf(&msg, p.from.Addr(), p.ifindex) {
		if f.id == r.cfg.ID {
			r.doppelganger(p.from.Addr(), f.named && !f.bye)
			continue
		}
		if f.bye {
			r.book.leave(f.id, now.Add(goodbyeGrace))
			r.tidyBy(now.Add(goodbyeGrace))
		}
		if r.cache.hear(now, f) {
			r.sighted(now, f.id, p.from.Addr())
			r.tidyBy(now.Add(tidyGap))
		}
	}
}

// sighted brings the book up to date with the cache.
func (r *run) sighted(now time.Time, id identity.NodeID, from netip.Addr) {
	if s, ok := r.cache.sighting(now, id); ok && s.rec.plausible(r.rec) {
		r.book.hear(ViaMDNS, id, from, s)
	}
}

func (r *run) hearQuestion(now time.Time, p packet, msg *dns.Msg) {
	if r.claim == nil || p.on != mdnsShared {
		return
	}
	addrs := r.net.at(p.ifindex)
	reply := r.answers.hear(now, r.claim, msg, p.from, p.ifindex, addrs, r.serves(p.ifindex, p.v6))
	if len(reply.unicast) == 0 || !r.limit.allow(now, p.from.Addr()) {
		return
	}
	m := response(reply.unicast)
	if reply.legacy {
		m.Id, m.Question = msg.Id, msg.Question
	}
	data, err := m.Pack()
	v6 := 0
	if p.v6 {
		v6 = 1
	}
	if s := r.net.all[mdnsShared][v6]; s != nil && err == nil {
		r.net.send(s, data, p.from, p.ifindex)
	}
}

// askedBy tells copies of one beacon query: it comes by several broadcast addresses, and by both families.
type askedBy struct {
	nonce uint32
	from  netip.AddrPort
}

const maxAsked = 1024

// hearBeacon takes a beacon. A host answers whoever asks. The others answer only those who ask them in particular or
// who only look: to a node that seeks a host they are of no use, and fifty answers at once are.
func (r *run) hearBeacon(now time.Time, p packet) {
	b, ok := parseBeacon(p.data)
	if !ok {
		return
	}
	from := p.from.Addr()
	if !b.rec.ID.IsZero() && b.rec.ID == r.cfg.ID {
		if r.doppelganger(from, b.kind != beaconGoodbye) && b.rec.Role == Host && b.rec.plausible(r.rec) {
			r.book.hearFrom(ViaBeacon, b.rec, from, addrSource, now, beaconTTL)
			r.tidyBy(now.Add(beaconTTL))
		}
		return
	}
	switch {
	case b.kind == beaconGoodbye:
		r.book.leave(b.rec.ID, now)
		r.cache.forget(b.rec.ID)
		r.tidyBy(now)
		return
	case !b.rec.ID.IsZero() && b.rec.plausible(r.rec):
		r.book.hearFrom(ViaBeacon, b.rec, from, addrSource, now, beaconTTL)
		if b.v4.IsValid() && from.Is6() && from.IsLinkLocalUnicast() {
			r.book.hearFrom(ViaBeacon, b.rec, b.v4, addrListed, now, beaconTTL) // same link, better address
		}
		r.hearTold(now, b, from)
		r.tidyBy(now.Add(beaconTTL))
	}
	if b.kind != beaconQuery || r.claim == nil {
		return
	}
	by := askedBy{b.nonce, p.from}
	if t, again := r.asked[by]; again && now.Sub(t) < time.Second {
		return
	}
	if len(r.asked) >= maxAsked {
		clear(r.asked) // at worst somebody is answered twice
	}
	r.asked[by] = now
	if r.rec.Role != Host && !b.rec.ID.IsZero() && !r.net.unicast(p) || !r.limit.allow(now, from) {
		return
	}
	answer := r.beacon(beaconAnnounce)
	answer.v4 = r.net.on(p.ifindex).v4()
	r.net.tell(p.on, answer.encode(nil), p.from)
}

// hearTold takes what a member says of its host. What the host itself says of itself comes before it (book).
func (r *run) hearTold(now time.Time, b beacon, from netip.Addr) {
	if !b.hostAt.IsValid() || b.rec.Host == r.cfg.ID || local(r.net.ifaces, b.hostAt.Addr()) {
		return
	}
	host := Record{ID: b.rec.Host, Room: b.rec.Room, Role: Host, Epoch: b.rec.Epoch, Host: b.rec.Host,
		Locked: b.rec.Locked, Proto: b.rec.Proto, Text: b.hostAt.Port()}
	r.book.hearFrom(ViaTold, host, b.hostAt.Addr(), addrListed, now, beaconTTL)
}

// doppelganger notices another machine that uses this node's key. Where that one hosts, the consumer gets to know it:
// under this node's own id.
func (r *run) doppelganger(from netip.Addr, says bool) bool {
	if !says || r.cfg.Passive || local(r.net.ifaces, from) {
		return false
	}
	r.once("double", "another machine says that it has this node's key; was its state folder copied?", "addr", from)
	return true
}
