package discovery

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

// Every time here is virtual: the cache has no clock.
var t0 = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func factFrom(rec Record, addrs ...netip.Addr) *fact {
	c := newClaim(rec, addrs)
	return factsOf(response(c.records(addrs, recordTTL, true)), testAddr, 1)[0]
}

func byeOf(rec Record) *fact {
	return factsOf(response(newClaim(rec, nil).records(nil, 0, true)), testAddr, 1)[0]
}

func seen(c *cache, now time.Time, n int) bool {
	_, ok := c.sighting(now, testID(n))
	return ok
}

func TestCacheRefreshesThenExpires(t *testing.T) {
	c := newCache(rand.New(rand.NewPCG(1, 1)))
	c.hear(t0, factFrom(hostRecord(1), testAddr))
	var asked []time.Duration
	for next := c.next(); !next.IsZero(); next = c.next() {
		if refresh, _ := c.ask(next); refresh {
			asked = append(asked, next.Sub(t0))
		}
		c.expire(next)
		if next.Sub(t0) < recordTTL && !seen(c, next, 1) {
			t.Fatalf("forgotten after %v", next.Sub(t0))
		}
	}
	if len(asked) != 4 {
		t.Fatalf("refreshes at %v", asked)
	}
	for i, d := range asked {
		low := recordTTL * time.Duration(80+5*i) / 100
		if d < low || d > low+recordTTL*2/100 {
			t.Errorf("refresh %d after %v, want %v to %v", i, d, low, low+recordTTL*2/100)
		}
	}
	if len(c.peers) != 0 {
		t.Error("not forgotten")
	}
}

func TestCacheAnswerEndsRefreshing(t *testing.T) {
	c := newCache(rand.New(rand.NewPCG(1, 1)))
	c.hear(t0, factFrom(hostRecord(1)))
	later := t0.Add(97 * time.Second)
	c.ask(later)
	c.hear(later, factFrom(hostRecord(1)))
	if refresh, _ := c.ask(later.Add(90 * time.Second)); refresh {
		t.Error("asks again though it was answered")
	}
	if c.expire(later.Add(119 * time.Second)); !seen(c, later.Add(119*time.Second), 1) {
		t.Error("forgotten though it was heard again")
	}
}

func TestCacheGoodbye(t *testing.T) {
	c := newCache(rand.New(rand.NewPCG(1, 1)))
	if c.hear(t0, byeOf(hostRecord(1))); len(c.peers) != 0 {
		t.Error("a goodbye made a peer")
	}
	c.hear(t0, factFrom(hostRecord(1)))
	c.hear(t0, byeOf(hostRecord(1)))
	if !seen(c, t0.Add(999*time.Millisecond), 1) || seen(c, t0.Add(time.Second), 1) {
		t.Error("gone earlier or later than one second after its goodbye")
	}
	c.hear(t0.Add(500*time.Millisecond), factFrom(hostRecord(1))) // it started again
	if !seen(c, t0.Add(time.Minute), 1) {
		t.Error("gone though it came back within the second")
	}
}

// SRV and TXT records that come apart are put together; what is missing is asked for, thrice.
func TestCachePutsPartsTogether(t *testing.T) {
	c := newCache(rand.New(rand.NewPCG(1, 1)))
	whole := newClaim(hostRecord(1), nil).records(nil, recordTTL, true)
	c.hear(t0, factsOf(response(whole[:1]), testAddr, 1)[0]) // PTR alone
	asks := 0
	for i := range 10 {
		if _, incomplete := c.ask(t0.Add(time.Duration(i) * 500 * time.Millisecond)); len(incomplete) > 0 {
			asks++
		}
	}
	if asks != followUps || seen(c, t0, 1) {
		t.Errorf("asked %d times", asks)
	}
	c.hear(t0, factsOf(response(whole[2:]), testAddr, 1)[0])  // TXT
	c.hear(t0, factsOf(response(whole[1:2]), testAddr, 1)[0]) // SRV
	if s, ok := c.sighting(t0, testID(1)); !ok || s.rec != hostRecord(1) {
		t.Errorf("%v %+v", ok, s.rec)
	}
	c = newCache(rand.New(rand.NewPCG(1, 1)))
	c.hear(t0, factsOf(response(whole[:1]), testAddr, 1)[0])
	if c.expire(t0.Add(5 * time.Second)); len(c.peers) != 0 {
		t.Error("an instance that never had an SRV record is kept")
	}
}

func TestCacheFlushReplacesAddresses(t *testing.T) {
	c := newCache(rand.New(rand.NewPCG(1, 1)))
	old, new := netip.MustParseAddr("10.77.0.50"), netip.MustParseAddr("10.77.0.60")
	c.hear(t0, factFrom(hostRecord(1), old))
	now := t0.Add(10 * time.Second)
	c.hear(now, factFrom(hostRecord(1), new))
	now = now.Add(flushGrace)
	if changed := c.expire(now); len(changed) != 1 {
		t.Error("no address went")
	}
	s, _ := c.sighting(now, testID(1))
	if _, ok := s.addrs[old]; ok {
		t.Error("the old address is still there")
	}
	if how := s.addrs[new].how; how != addrListed {
		t.Error("the new address is not listed")
	}
	if how := s.addrs[testAddr].how; how != addrDoubtful {
		t.Error("a source that the node doesn't list is trusted")
	}
}

func TestCacheIsBounded(t *testing.T) {
	c := newCache(rand.New(rand.NewPCG(1, 1)))
	for n := range 3 * maxPerSource {
		c.hear(t0, factFrom(hostRecord(1+n)))
	}
	if len(c.peers) != maxPerSource {
		t.Errorf("%d peers from one address", len(c.peers))
	}
	for n := range 3 * maxPeers {
		f := factFrom(hostRecord(1000 + n))
		f.from = netip.AddrFrom4([4]byte{10, 77, byte(n >> 8), byte(n)})
		c.hear(t0, f)
	}
	if len(c.peers) != maxPeers {
		t.Errorf("%d peers", len(c.peers))
	}
	for _, life := range c.peers[testID(1)].addrs {
		if life.until.Sub(t0) > maxTTL {
			t.Error("kept for", life.until.Sub(t0))
		}
	}
}

func TestKnownAnswersAreThoseWithHalfTheirTime(t *testing.T) {
	c := newCache(rand.New(rand.NewPCG(1, 1)))
	c.hear(t0, factFrom(hostRecord(1)))
	c.hear(t0.Add(30*time.Second), factFrom(hostRecord(2)))
	known := c.known(t0.Add(61 * time.Second))
	if len(known) != 1 || known[0].id != testID(2) || known[0].left != 89*time.Second {
		t.Errorf("known: %v", known)
	}
}
