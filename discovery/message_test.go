package discovery

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

var testAddr = netip.MustParseAddr("10.77.0.9")

func hostRecord(n int) Record {
	r := hosting(n)
	r.ID, r.Host = testID(n), testID(n)
	return r
}

// deaf is a run without sockets, on an imaginary interface.
func deaf(t testing.TB) *run {
	t.Helper()
	d, err := New(Config{ID: testID(500)})
	if err != nil {
		t.Fatal(err)
	}
	r := newRun(d)
	r.net.ifaces = []iface{{name: "eth0", index: 1, multicast: true,
		prefixes: []netip.Prefix{netip.MustParsePrefix("10.77.0.1/24"), netip.MustParsePrefix("fe80::1/64")}}}
	r.announce(time.Now(), hosting(500))
	return r
}

// hearAnything lets a run hear a packet, do everything that may become due, and checks what it tells the consumer.
func hearAnything(t testing.TB, p packet) {
	t.Helper()
	r := deaf(t)
	p.from, p.ifindex = netip.AddrPortFrom(testAddr, mdnsPort), 1
	now := time.Now()
	r.hear(now, p)
	r.hear(now, p)
	for range 4 {
		now = now.Add(time.Second)
		r.cache.expire(now)
		r.cache.ask(now)
		r.answers.due(now)
		r.book.expire(now)
		for u, ok := r.book.peek(); ok; u, ok = r.book.peek() {
			if rec, ok := u.Peer.Record.sane(); !ok || rec != u.Peer.Record || rec.ID == r.cfg.ID {
				t.Fatalf("reported %+v", u)
			}
			for _, a := range u.Peer.Addrs {
				if !usable(a.Addr()) || a.Port() == 0 {
					t.Fatalf("reported at %v", u.Peer.Addrs)
				}
			}
			r.book.took(u)
		}
	}
}

func pack(t testing.TB, m *dns.Msg) []byte {
	t.Helper()
	data, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func FuzzDNS(f *testing.F) {
	c := newClaim(hostRecord(1), []netip.Addr{testAddr, netip.MustParseAddr("fe80::9")})
	f.Add(pack(f, response(c.records(c.addrs, recordTTL, true))))
	f.Add(pack(f, response(c.records(c.addrs, 0, true))))
	f.Add(pack(f, question(true, []knownPeer{{testID(500), time.Minute}}, nil)))
	f.Add(pack(f, question(false, nil, nil)))
	f.Add(pack(f, newClaim(hostRecord(500), nil).probe()))
	f.Fuzz(func(t *testing.T, data []byte) {
		hearAnything(t, packet{on: mdnsShared, data: data})
		hearAnything(t, packet{on: mdnsAsk, data: data})
	})
}

func TestMalformedMessages(t *testing.T) {
	c := newClaim(hostRecord(1), []netip.Addr{testAddr})
	good := pack(t, response(c.records(c.addrs, recordTTL, true)))
	for n := range len(good) {
		hearAnything(t, packet{on: mdnsShared, data: good[:n]})
	}
	for i := range good {
		for _, x := range []byte{0x01, 0x80, 0xff} {
			bad := append([]byte(nil), good...)
			bad[i] ^= x
			hearAnything(t, packet{on: mdnsShared, data: bad})
		}
	}
}

// The order of records, what else is in the packet, and capitals make no difference.
func TestFactsOfAnyOrder(t *testing.T) {
	a, b := newClaim(hostRecord(1), []netip.Addr{testAddr}), newClaim(hostRecord(2), nil)
	foreign := &dns.PTR{Hdr: dns.RR_Header{Name: "_googlecast._tcp.local.", Rrtype: dns.TypePTR, Class: 1, Ttl: 9},
		Ptr: "n-x._googlecast._tcp.local."}
	rrs := append(b.records(b.addrs, recordTTL, true), foreign)
	rrs = append(rrs, a.records(a.addrs, recordTTL, false)...)
	for i, j := 0, len(rrs)-1; i < j; i, j = i+1, j-1 {
		rrs[i], rrs[j] = rrs[j], rrs[i]
	}
	for _, rr := range rrs {
		rr.Header().Name = strings.ToUpper(rr.Header().Name)
	}
	m := response(rrs[:2])
	m.Extra = rrs[2:]
	facts := factsOf(m, testAddr, 1)
	if len(facts) != 2 {
		t.Fatalf("%d facts", len(facts))
	}
	for _, f := range facts {
		if rec, ok := recordOf(f.txt, f.port); !ok || rec.ID != f.id || !f.named || f.bye {
			t.Errorf("%+v", f)
		}
		if f.id == testID(1) && (len(f.addrs) != 1 || f.addrs[0].addr != testAddr) {
			t.Errorf("addresses %v", f.addrs)
		}
	}
}

func TestQuestionStaysInOneFrame(t *testing.T) {
	var known []knownPeer
	for n := range 500 {
		known = append(known, knownPeer{testID(n), time.Minute})
	}
	if size := len(pack(t, question(false, known, nil))); size > queryMax || size < queryMax/2 {
		t.Errorf("%d bytes", size)
	}
}

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{
		`plain`: "plain", `a\\b`: `a\b`, `\195\164`: "ä", `\"q\"`: `"q"`, `end\`: `end\`, `\12`: "12", `\000x`: "\x00x",
	} {
		if got := unescape([]string{in})[0]; got != want {
			t.Error(fmt.Sprintf("%q became %q, want %q", in, got, want))
		}
	}
}
