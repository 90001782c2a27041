package discovery

import (
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"

	"parley.lan/identity"
)

// fact is what one mDNS message says of one node. Its names carry the node's id, so every record is somebody's
// by itself, and neither order nor company of the records in a message matters.
type fact struct {
	id      identity.NodeID
	named   bool // there was a PTR, SRV or TXT record
	bye     bool // one of those had TTL 0
	hasSRV  bool
	port    uint16
	srvTTL  time.Duration
	hasTXT  bool
	txt     []string
	txtTTL  time.Duration
	addrs   []heardAddr
	from    netip.Addr
	ifindex int
}

type heardAddr struct {
	addr  netip.Addr
	ttl   time.Duration // 0: withdrawn
	flush bool          // replaces what was heard before on that interface, of that family
}

// factsOf sorts the records of a response by node. from is the sender, zone included.
func factsOf(msg *dns.Msg, from netip.Addr, ifindex int) []*fact {
	var facts []*fact
	find := func(id identity.NodeID) *fact {
		for _, f := range facts {
			if f.id == id {
				return f
			}
		}
		f := &fact{id: id, from: from, ifindex: ifindex}
		facts = append(facts, f)
		return f
	}
	for _, section := range [][]dns.RR{msg.Answer, msg.Extra} {
		for _, rr := range section {
			h := rr.Header()
			if h.Class&^flushBit != dns.ClassINET {
				continue
			}
			ttl := min(time.Duration(h.Ttl)*time.Second, maxTTL)
			switch rr := rr.(type) {
			case *dns.PTR:
				if id, ok := idOf(rr.Ptr, "."+serviceName); ok && strings.EqualFold(h.Name, serviceName) {
					f := find(id)
					f.named, f.bye = true, f.bye || ttl == 0
				}
			case *dns.SRV:
				id, ok := idOf(h.Name, "."+serviceName)
				if target, same := idOf(rr.Target, ".local."); ok && same && target == id {
					f := find(id)
					f.named, f.bye = true, f.bye || ttl == 0
					f.hasSRV, f.port, f.srvTTL = true, rr.Port, ttl
				}
			case *dns.TXT:
				if id, ok := idOf(h.Name, "."+serviceName); ok {
					f := find(id)
					f.named, f.bye = true, f.bye || ttl == 0
					f.hasTXT, f.txt, f.txtTTL = true, unescape(rr.Txt), ttl
				}
			case *dns.A:
				if id, ok := idOf(h.Name, ".local."); ok {
					find(id).hear(rr.A, ttl, h.Class&flushBit != 0)
				}
			case *dns.AAAA:
				if id, ok := idOf(h.Name, ".local."); ok {
					find(id).hear(rr.AAAA, ttl, h.Class&flushBit != 0)
				}
			}
		}
	}
	return facts
}

func (f *fact) hear(ip []byte, ttl time.Duration, flush bool) {
	addr, ok := netip.AddrFromSlice(ip)
	addr = addr.Unmap()
	if !ok || !usable(addr) || addr.IsLoopback() || len(f.addrs) >= 2*maxAddrs {
		return
	}
	if addr.IsLinkLocalUnicast() && addr.Is6() {
		addr = addr.WithZone(f.from.Zone())
		if addr.Zone() == "" {
			return // nobody could dial it; the same address may come as the source of an IPv6 packet
		}
	}
	f.addrs = append(f.addrs, heardAddr{addr, ttl, flush})
}

// unescape undoes the presentation format in which miekg/dns gives TXT strings: \DDD and \X.
func unescape(txt []string) []string {
	out := make([]string, 0, len(txt))
	for _, s := range txt {
		if !strings.Contains(s, `\`) {
			out = append(out, s)
			continue
		}
		b := make([]byte, 0, len(s))
		for i := 0; i < len(s); i++ {
			switch {
			case s[i] != '\\' || i+1 == len(s):
				b = append(b, s[i])
			case i+3 < len(s) && digit(s[i+1]) && digit(s[i+2]) && digit(s[i+3]):
				b = append(b, (s[i+1]-'0')*100+(s[i+2]-'0')*10+(s[i+3]-'0'))
				i += 3
			default:
				i++
				b = append(b, s[i])
			}
		}
		out = append(out, string(b))
	}
	return out
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

// question asks who is there. known are the PTR records that need no answer, each with its remaining TTL.
func question(unicast bool, known []knownPeer, incomplete []identity.NodeID) *dns.Msg {
	class := uint16(dns.ClassINET)
	if unicast {
		class |= unicastBit
	}
	m := &dns.Msg{Compress: true}
	m.Question = []dns.Question{{Name: serviceName, Qtype: dns.TypePTR, Qclass: class}}
	for _, id := range incomplete {
		m.Question = append(m.Question, dns.Question{Name: instanceOf(id), Qtype: dns.TypeANY, Qclass: class})
	}
	const each = 2 + 10 + 2 + 29 // a PTR record whose names are compressed
	for i, k := range known {
		if i*each+60*len(m.Question) > queryMax-100 {
			break
		}
		m.Answer = append(m.Answer, &dns.PTR{Ptr: instanceOf(k.id), Hdr: dns.RR_Header{Name: serviceName,
			Rrtype: dns.TypePTR, Class: dns.ClassINET, Ttl: uint32(k.left / time.Second)}})
	}
	return m
}

// probe asks whether anybody else has the names of c, and says what c would put there (section 8.1, 8.2).
func (c *claim) probe() *dns.Msg {
	m := new(dns.Msg)
	m.Question = []dns.Question{{Name: c.instance, Qtype: dns.TypeANY, Qclass: dns.ClassINET | unicastBit}}
	m.Ns = c.records(nil, recordTTL, false)[1:]
	return m
}

// response is an unasked-for or multicast answer: authoritative, without a question, id 0 (section 18).
func response(rrs []dns.RR) *dns.Msg {
	return &dns.Msg{MsgHdr: dns.MsgHdr{Response: true, Authoritative: true}, Compress: true, Answer: rrs}
}
