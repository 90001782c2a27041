package discovery

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"
)

func TestAnswering(t *testing.T) {
	c := newClaim(hostRecord(1), []netip.Addr{testAddr})
	me := []knownPeer{{testID(1), recordTTL}}
	half := []knownPeer{{testID(1), recordTTL/2 - time.Second}}
	named := func(name string, qtype uint16) *dns.Msg { return new(dns.Msg).SetQuestion(name, qtype) }
	for name, q := range map[string]struct {
		msg       *dns.Msg
		port      uint16
		served    bool
		multicast bool
		unicast   bool
	}{
		"service":                     {question(false, nil, nil), mdnsPort, true, true, false},
		"service, known":              {question(false, me, nil), mdnsPort, true, false, false},
		"service, known for too long": {question(false, half, nil), mdnsPort, true, true, false},
		"unicast wanted":              {question(true, nil, nil), mdnsPort, true, true, false},
		"unicast wanted, no server":   {question(true, nil, nil), mdnsPort, false, true, true},
		"legacy":                      {question(false, nil, nil), 40000, true, false, true},
		"legacy, unicast wanted":      {question(true, nil, nil), 40000, true, false, false},
		"capitals":                    {named("_PARLEY._TCP.LOCAL.", dns.TypePTR), mdnsPort, true, true, false},
		"host, any":                   {named(c.host, dns.TypeANY), mdnsPort, true, true, false},
		"instance":                    {named(c.instance, dns.TypeSRV), mdnsPort, true, true, false},
		"service types":               {named(metaName, dns.TypePTR), mdnsPort, true, true, false},
		"other instance":              {named(instanceOf(testID(2)), dns.TypeSRV), mdnsPort, true, false, false},
		"other type":                  {named(c.instance, dns.TypeMX), mdnsPort, true, false, false},
		"a response with a question":  {&dns.Msg{MsgHdr: dns.MsgHdr{Response: true}, Question: question(false, nil, nil).Question}, mdnsPort, true, false, false},
	} {
		a := newAnswerer(rand.New(rand.NewPCG(1, 1)))
		r := a.hear(t0, c, q.msg, netip.AddrPortFrom(testAddr, q.port), 3, c.addrs, q.served)
		if got := !a.next().IsZero(); got != q.multicast {
			t.Errorf("%s: multicast answer %v", name, got)
		}
		if got := len(r.unicast) > 0; got != q.unicast {
			t.Errorf("%s: unicast answer %v", name, got)
		}
		if r.legacy != (q.unicast && q.port != mdnsPort) {
			t.Errorf("%s: legacy %v", name, r.legacy)
		}
	}
}

func TestAnswersAreLateAndRare(t *testing.T) {
	a := newAnswerer(rand.New(rand.NewPCG(1, 1)))
	c := newClaim(hostRecord(1), nil)
	from := netip.AddrPortFrom(testAddr, mdnsPort)
	var sent []time.Duration
	for now := t0; now.Sub(t0) < 5*time.Second; now = now.Add(time.Millisecond) {
		a.hear(now, c, question(false, nil, nil), from, 3, nil, true)
		if _, ok := a.due(now)[3]; ok {
			sent = append(sent, now.Sub(t0))
		}
	}
	if len(sent) != 5 || sent[0] < answerDelayMin || sent[0] > answerDelayMin+answerDelaySpread {
		t.Fatalf("answers at %v", sent)
	}
	for i := range len(sent) - 1 {
		if sent[i+1]-sent[i] < minAnswerGap {
			t.Errorf("answers at %v", sent)
		}
	}
	// An announcement meanwhile is an answer.
	now := t0.Add(time.Minute)
	a.hear(now, c, question(false, nil, nil), from, 3, nil, true)
	a.said(now, 3)
	if !a.next().IsZero() {
		t.Error("answers what was just announced")
	}
}

func TestLibraryAnswersWhatAsksForUnicast(t *testing.T) {
	z := zone{limit: new(limiter)}
	qu, qm := question(true, nil, nil).Question[0], question(false, nil, nil).Question[0]
	if len(z.Records(qu)) != 0 {
		t.Error("answers before there is anything to say")
	}
	z.claim.Store(newClaim(hostRecord(1), []netip.Addr{testAddr}))
	if len(z.Records(qu)) != 4 || len(z.Records(qm)) != 0 {
		t.Error("wants PTR, SRV, TXT and A for a unicast question, nothing for a multicast one")
	}
	z.alone.Store(true)
	if len(z.Records(qm)) != 4 {
		t.Error("without a socket of ours the library answers everything")
	}
	n := 0
	for range 10000 {
		n += min(1, len(z.Records(qu)))
	}
	if n > 2*answersPerSecond {
		t.Errorf("%d answers in a moment", n)
	}
}

func TestLimiter(t *testing.T) {
	var l limiter
	count := func(now time.Time, from netip.Addr) (n int) {
		for range 1000 {
			if l.allow(now, from) {
				n++
			}
		}
		return n
	}
	if n := count(t0, testAddr); n != perSourceRate {
		t.Errorf("one source got %d", n)
	}
	if n := count(t0, netip.Addr{}); n != answersPerSecond-perSourceRate {
		t.Errorf("the others got %d", n)
	}
	if n := count(t0.Add(time.Second), testAddr); n != perSourceRate {
		t.Errorf("a second later one source got %d", n)
	}
	for i := range 3 * maxPeers {
		l.allow(t0.Add(2*time.Second), netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}))
	}
	if len(l.sources) > maxPeers {
		t.Errorf("%d sources kept", len(l.sources))
	}
	if !l.allow(t0.Add(10*time.Second), netip.MustParseAddr("10.2.0.1")) {
		t.Error("a new source gets nothing after the flood")
	}
}
