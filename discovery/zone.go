package discovery

import (
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"parley.lan/identity"
)

const (
	serviceName = "_parley._tcp.local."
	metaName    = "_services._dns-sd._udp.local." // RFC 6763 section 9
	namePrefix  = "n-"

	flushBit   = 1 << 15 // in a record's class: section 10.2
	unicastBit = 1 << 15 // in a question's class: section 5.4
)

// Instance and host are named after the NodeID, so that no text of a user's gets into a name: no dots, no
// spaces, no conflicts.
func instanceOf(id identity.NodeID) string { return namePrefix + id.String() + "." + serviceName }
func hostOf(id identity.NodeID) string     { return namePrefix + id.String() + ".local." }

// idOf reads the id out of a name with the given suffix (".local." or "."+serviceName).
func idOf(name, suffix string) (identity.NodeID, bool) {
	name = strings.ToLower(name)
	label, ok := strings.CutSuffix(name, suffix)
	if !ok {
		return identity.NodeID{}, false
	}
	if label, ok = strings.CutPrefix(label, namePrefix); !ok {
		return identity.NodeID{}, false
	}
	return parseID(label)
}

// claim is everything that this node says of itself by mDNS. It is immutable.
type claim struct {
	rec            Record
	instance, host string
	txt            []string
	addrs          []netip.Addr // of all interfaces
}

func newClaim(rec Record, addrs []netip.Addr) *claim {
	c := &claim{rec: rec, instance: instanceOf(rec.ID), host: hostOf(rec.ID), addrs: addrs}
	for _, s := range rec.txt() {
		c.txt = append(c.txt, strings.ReplaceAll(s, `\`, `\\`)) // miekg/dns reads backslashes as escapes
	}
	return c
}

// about tells whether q asks for something of c's.
func (c *claim) about(q dns.Question) bool {
	if class := q.Qclass &^ unicastBit; class != dns.ClassINET && class != dns.ClassANY {
		return false
	}
	is := func(types ...uint16) bool {
		for _, t := range types {
			if q.Qtype == t {
				return true
			}
		}
		return q.Qtype == dns.TypeANY
	}
	switch strings.ToLower(q.Name) {
	case serviceName, metaName:
		return is(dns.TypePTR)
	case c.instance:
		return is(dns.TypeSRV, dns.TypeTXT)
	case c.host:
		return is(dns.TypeA, dns.TypeAAAA)
	}
	return false
}

// records is the whole set: one packet tells all. Only multicast answers carry the flush bit, and only on
// records that have one owner.
func (c *claim) records(addrs []netip.Addr, ttl time.Duration, flush bool) []dns.RR {
	unique := uint16(dns.ClassINET)
	if flush {
		unique |= flushBit
	}
	head := func(name string, rrtype, class uint16) dns.RR_Header {
		return dns.RR_Header{Name: name, Rrtype: rrtype, Class: class, Ttl: uint32(ttl / time.Second)}
	}
	rrs := []dns.RR{
		&dns.PTR{Hdr: head(serviceName, dns.TypePTR, dns.ClassINET), Ptr: c.instance},
		&dns.SRV{Hdr: head(c.instance, dns.TypeSRV, unique), Port: c.rec.Text, Target: c.host},
		&dns.TXT{Hdr: head(c.instance, dns.TypeTXT, unique), Txt: c.txt},
	}
	for _, a := range addrs {
		if a.Is4() {
			rrs = append(rrs, &dns.A{Hdr: head(c.host, dns.TypeA, unique), A: a.AsSlice()})
		} else {
			rrs = append(rrs, &dns.AAAA{Hdr: head(c.host, dns.TypeAAAA, unique), AAAA: a.AsSlice()})
		}
	}
	return rrs
}

func metaRecord() dns.RR {
	return &dns.PTR{Ptr: serviceName, Hdr: dns.RR_Header{Name: metaName, Rrtype: dns.TypePTR, Class: dns.ClassINET,
		Ttl: uint32(recordTTL / time.Second)}}
}

// answerTo picks what answers q alone: whoever asks for the service or the instance gets everything at once.
func (c *claim) answerTo(q dns.Question, addrs []netip.Addr) []dns.RR {
	if !c.about(q) {
		return nil
	}
	if strings.EqualFold(q.Name, metaName) {
		return []dns.RR{metaRecord()}
	}
	all := c.records(addrs, recordTTL, false)
	if strings.EqualFold(q.Name, c.host) {
		return all[3:]
	}
	if strings.EqualFold(q.Name, c.instance) {
		return all[1:]
	}
	return all
}

// zone is what hashicorp/mdns asks for answers, from goroutines of its own. It answers by unicast, which is right
// for questions that ask for that; the others are ours to answer by multicast (answerer), unless we have no socket
// to do it with.
type zone struct {
	claim atomic.Pointer[claim] // nil: nothing to say
	alone atomic.Bool           // nobody else answers
	limit *limiter
}

// Records implements mdns.Zone.
func (z *zone) Records(q dns.Question) []dns.RR {
	c := z.claim.Load()
	if c == nil || (q.Qclass&unicastBit == 0 && !z.alone.Load()) || !c.about(q) || !z.limit.allow(time.Now(), netip.Addr{}) {
		return nil
	}
	return c.answerTo(q, c.addrs)
}
