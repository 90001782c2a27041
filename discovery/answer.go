package discovery

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// answerer decides how the questions that our own socket hears are answered: a value without I/O or clock.
//
//	asked from port 5353, a multicast answer wanted → multicast, 20–120 ms later, once a second per interface
//	asked from port 5353, a unicast answer wanted   → the library's server has answered; multicast as well, because on
//	                                                  a machine where several programs share the port, a unicast
//	                                                  answer reaches any one of them (and Avahi loses it)
//	asked from another port (a legacy query)        → unicast at once, with the question and its id (section 6.7)
//
// Known answers are honoured. The library's server hears the other interfaces too on Linux only (IP_MULTICAST_ALL);
// elsewhere the caller tells that it doesn't, and unicast answers are ours as well.
type answerer struct {
	rand  *rand.Rand
	ports map[int]*answerPort // by interface index
}

type answerPort struct {
	due  time.Time // zero: nothing to send
	meta bool      // the service type was asked for
	last time.Time // last multicast of our records
}

// reply is what a question gets at once.
type reply struct {
	unicast []dns.RR // empty: none
	legacy  bool     // repeat question and id
}

func newAnswerer(r *rand.Rand) *answerer {
	return &answerer{rand: r, ports: make(map[int]*answerPort)}
}

// hear takes a query in, heard on an interface whose own addresses are addrs. served tells whether the library's
// server answers the questions there that ask for unicast.
func (a *answerer) hear(now time.Time, c *claim, q *dns.Msg, from netip.AddrPort, ifindex int, addrs []netip.Addr, served bool) reply {
	if q.Response || q.Opcode != dns.OpcodeQuery || q.Rcode != 0 {
		return reply{}
	}
	var r reply
	known := c.knownIn(q.Answer)
	for _, question := range q.Question {
		if !c.about(question) {
			continue
		}
		service := strings.EqualFold(question.Name, serviceName)
		if service && known {
			continue
		}
		wantsUnicast := question.Qclass&unicastBit != 0
		if wantsUnicast && !served || !wantsUnicast && from.Port() != mdnsPort {
			r.unicast = append(r.unicast, c.answerTo(question, addrs)...)
			r.legacy = from.Port() != mdnsPort
		}
		if from.Port() == mdnsPort {
			a.schedule(now, ifindex, strings.EqualFold(question.Name, metaName))
		}
	}
	return r
}

func (a *answerer) schedule(now time.Time, ifindex int, meta bool) {
	p := a.port(ifindex)
	p.meta = p.meta || meta
	if !p.due.IsZero() {
		return
	}
	p.due = now.Add(answerDelayMin + time.Duration(a.rand.Int64N(int64(answerDelaySpread))))
	if t := p.last.Add(minAnswerGap); !p.last.IsZero() && t.After(p.due) {
		p.due = t
	}
}

func (a *answerer) port(ifindex int) *answerPort {
	p := a.ports[ifindex]
	if p == nil {
		p = new(answerPort)
		a.ports[ifindex] = p
	}
	return p
}

// said notes that all records just went out on an interface, asked for or not.
func (a *answerer) said(now time.Time, ifindex int) {
	p := a.port(ifindex)
	p.last = now
	if !p.meta {
		p.due = time.Time{}
	}
}

// due returns the interfaces on which to answer now, each with whether the service type goes along.
func (a *answerer) due(now time.Time) map[int]bool {
	var out map[int]bool
	for i, p := range a.ports {
		if !p.due.IsZero() && !now.Before(p.due) {
			if out == nil {
				out = make(map[int]bool)
			}
			out[i] = p.meta
			*p = answerPort{last: now}
		}
	}
	return out
}

// next is when due has something; zero: never.
func (a *answerer) next() time.Time {
	var next time.Time
	for _, p := range a.ports {
		next = earliest(next, p.due)
	}
	return next
}

// knownIn tells whether the asker knows c's instance well enough (section 7.1: half of its TTL is left).
func (c *claim) knownIn(answers []dns.RR) bool {
	for _, rr := range answers {
		if ptr, ok := rr.(*dns.PTR); ok && strings.EqualFold(ptr.Hdr.Name, serviceName) &&
			strings.EqualFold(ptr.Ptr, c.instance) && time.Duration(ptr.Hdr.Ttl)*time.Second >= recordTTL/2 {
			return true
		}
	}
	return false
}
