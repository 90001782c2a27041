//go:build linux

// Package lantest is a virtual LAN for tests: hosts in network namespaces, joined by an Ethernet switch that
// is a Go value in the test's process.
//
// A host is a network namespace of its own, with a loopback and a TAP device eth0 that has an IPv4 address
// in 10.77.0.0/24, a link-local IPv6 address and no default route, as on a switch that somebody found in a
// drawer. What the kernel sends out of eth0 comes to the LAN as a frame, and the LAN decides what becomes of
// it: it can be lost, delayed, reordered or filtered, cables can be pulled and the LAN split. (Many kernels
// of test machines lack netem, and netem could not tell one receiver of a multicast from another.)
//
// Nothing outlives the test's process, however it ends: namespaces and devices have no name and are held by
// file descriptors alone, and every process that Command starts gets SIGKILL from the kernel when the test
// dies. So there is nothing stale that a later run would have to clear away.
//
// It takes root (CAP_SYS_ADMIN and CAP_NET_ADMIN) and /dev/net/tun. Where they are missing the test is
// skipped, with the reason; with CI=true in the environment it fails instead.
package lantest

import (
	"math/rand/v2"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"testing"
)

// Seed feeds the LAN's loss and reordering. The environment's LANTEST_SEED replaces it. It makes two runs
// alike, not equal: which frame meets which draw still hangs on the scheduling of real processes.
const Seed = 1

// LAN is one Ethernet segment: a learning switch and the hosts plugged into it. Its methods may be called
// from any goroutine, while traffic flows.
type LAN struct {
	t      testing.TB
	prefix netip.Prefix
	number int // of this LAN among those of the test

	mu      sync.Mutex // guards what follows; never held while a frame is written
	ports   []*port
	table   map[mac]*port // where each address was seen last
	next    int           // last host number given out
	weather weather
	rand    *rand.Rand

	late    *delayLine
	readers sync.WaitGroup
	shared  *shared
}

// shared is what LANs of one test have in common.
type shared struct {
	mu    sync.Mutex
	lans  []*LAN
	hosts []*Host
}

// New makes a LAN, 10.77.0.0/24, for as long as the test lasts. At its end, after the test's own later
// cleanups, processes that are still in one of the LAN's namespaces are killed.
func New(t testing.TB) *LAN {
	t.Helper()
	if err := allowed(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("a virtual LAN cannot be made here, and CI=true forbids to skip: %v", err)
		}
		t.Skipf("a virtual LAN takes root and /dev/net/tun: %v", err)
	}
	s := &shared{}
	t.Cleanup(s.close)
	return s.addLAN(t)
}

// Beside makes a further LAN for the same test, with a switch and a subnet (10.78.0.0/24, …) of its own.
// Hosts reach it through AddInterface.
func (l *LAN) Beside() *LAN { return l.shared.addLAN(l.t) }

func (s *shared) addLAN(t testing.TB) *LAN {
	seed := uint64(Seed)
	if v, err := strconv.ParseUint(os.Getenv("LANTEST_SEED"), 10, 64); err == nil {
		seed = v
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.lans)
	l := &LAN{
		t:      t,
		number: n,
		prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(77 + n), 0, 0}), 24),
		table:  make(map[mac]*port),
		rand:   rand.New(rand.NewPCG(seed, uint64(n))),
		late:   newDelayLine(),
		shared: s,
	}
	l.readers.Go(l.late.run)
	s.lans = append(s.lans, l)
	return l
}

// Prefix is the LAN's IPv4 subnet.
func (l *LAN) Prefix() netip.Prefix { return l.prefix }

// close ends what the test left running, then the LANs.
func (s *shared) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.hosts {
		h.killLeftovers()
	}
	for _, l := range s.lans {
		l.mu.Lock()
		ports := l.ports
		l.ports = nil
		l.mu.Unlock()
		for _, p := range ports {
			p.tap.Close()
		}
		l.late.close()
		l.readers.Wait()
	}
	for _, h := range s.hosts {
		h.ns.close()
	}
}

// allowed tells why a virtual LAN cannot be made here, by making and discarding its two parts.
var allowed = sync.OnceValue(func() error {
	ns, err := newNamespace()
	if err != nil {
		return err
	}
	defer ns.close()
	return ns.do(func() error {
		tap, err := openTAP("eth0")
		if err != nil {
			return err
		}
		return tap.Close()
	})
})
