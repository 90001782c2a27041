package discovery

import (
	"io"
	"log"
	"net"
	"net/netip"
	"runtime"
	"time"

	"github.com/hashicorp/mdns"
	"github.com/miekg/dns"

	"parley.lan/identity"
)

// ask sends the questions that are due.
func (r *run) ask(now time.Time) {
	if round, ok := r.askMDNS.due(now); ok {
		r.askService(now, round == 0, nil)
	}
	if round, ok := r.askAll.due(now); ok {
		r.askBeacon(round)
		if round < beaconRounds {
			r.sayAll.due(now) // a query says as much as an announcement
		}
	}
}

// askService asks by mDNS. The first question of a round goes out of a port of our own and wants its answers there, so
// that they come at once and to nobody else on this machine. Later ones go out of port 5353: their answers are
// multicast, and the known need not answer.
func (r *run) askService(now time.Time, first bool, incomplete []identity.NodeID) {
	on := mdnsShared
	var known []knownPeer
	if first || r.net.all[mdnsShared] == [2]*socket{} {
		on = mdnsAsk
	} else {
		known = r.cache.known(now)
		if r.claim != nil {
			known = append([]knownPeer{{r.rec.ID, recordTTL}}, known...)
		}
	}
	r.spread(on, question(on == mdnsAsk, known, incomplete))
}

// askBeacon asks by beacon: everybody in the first rounds, hosts joined before in fewer, --join targets in all.
func (r *run) askBeacon(round int) {
	query := beacon{kind: beaconQuery, nonce: r.nonce() | 1, rec: r.rec, hostAt: r.hostAt()}
	r.net.sent, r.net.failed = 0, 0
	if round < beaconRounds {
		r.net.shout(query, round > 0)
	}
	data := query.encode(nil)
	at := make(map[netip.Addr]bool)
	for _, t := range r.targets {
		at[t.Addr()] = true
	}
	if round < rememberedRounds {
		for _, k := range r.known {
			at[k.addr.Addr()] = true
		}
	}
	for a := range at {
		r.net.tell(beaconAsk, data, netip.AddrPortFrom(a, beaconPort))
	}
	switch {
	case len(r.net.ifaces) == 0 && len(at) == 0:
		r.once("none", "no network interface to look on; waiting for one", "only", r.cfg.Ifaces)
	case r.net.failed == 0 || r.net.failed < r.net.sent:
		r.cutOff = 0
	case r.cutOff < 2: // an interface that has just come has no address yet
		r.cutOff++
	default:
		r.once("send", "no packet could be sent; a firewall or a missing permission (macOS: Local Network) may forbid it",
			"ifaces", r.names())
	}
}

// hostAt is where a member reaches its host, for those who reach only the member. Addresses that mean something only
// on this machine or link are of no use to them.
func (r *run) hostAt() netip.AddrPort {
	if r.rec.Role != Member || r.rec.Host.IsZero() {
		return netip.AddrPort{}
	}
	var candidates []netip.AddrPort
	for _, k := range r.known {
		if k.id == r.rec.Host {
			candidates = append(candidates, k.addr)
		}
	}
	if e := r.book.peers[bookKey{id: r.rec.Host}]; e != nil {
		candidates = append(candidates, e.peer(r.book.onLink).Addrs...)
	}
	for _, c := range candidates {
		if !c.Addr().IsLoopback() && !c.Addr().IsLinkLocalUnicast() {
			return c
		}
	}
	return netip.AddrPort{}
}

// say sends the announcements, probes and delayed answers that are due.
func (r *run) say(now time.Time) {
	if !r.rec.ID.IsZero() && r.sayAll.due(now) {
		r.net.shout(r.beacon(beaconAnnounce), r.sayAll.sent > 1)
	}
	if r.claim == nil {
		return
	}
	if r.sayMDNS.due(now) {
		for _, f := range r.net.ifaces {
			r.sayOn(now, f, recordTTL, false)
		}
	}
	for ifindex, meta := range r.answers.due(now) {
		for _, f := range r.net.ifaces {
			if f.index == ifindex || ifindex == 0 {
				r.sayOn(now, f, recordTTL, meta)
			}
		}
	}
	if !r.probeAt.IsZero() && !now.Before(r.probeAt) {
		r.spread(mdnsShared, r.claim.probe())
		r.probeAt = now.Add(probeGap)
		if r.probed++; r.probed == probes {
			r.probeAt = time.Time{}
		}
	}
}

// sayOn multicasts all records on one interface, with that interface's addresses.
func (r *run) sayOn(now time.Time, f iface, ttl time.Duration, meta bool) {
	rrs := r.claim.records(f.addrs(), ttl, true)
	if meta {
		rrs = append(rrs, metaRecord())
	}
	if data, err := response(rrs).Pack(); err == nil {
		r.net.multicast(mdnsShared, f, data)
		r.answers.said(now, f.index)
	}
}

func (r *run) spread(on port, msg *dns.Msg) {
	data, err := msg.Pack()
	if err != nil {
		r.log.Error("mDNS message can't be packed", "err", err)
		return
	}
	for _, f := range r.net.ifaces {
		r.net.multicast(on, f, data)
	}
}

func (r *run) beacon(kind beaconKind) beacon {
	return beacon{kind: kind, rec: r.rec, hostAt: r.hostAt()}
}

// serve starts the library's server. One is enough: on Linux a socket hears what any socket of the machine joined, and
// elsewhere the answerer fills in. It has to be given an interface, for without one it wants a default route.
func (r *run) serve() {
	var best *iface
	for i, f := range r.net.ifaces {
		if f.multicast && !f.loopback && (best == nil || f.has(false) && !best.has(false)) {
			best = &r.net.ifaces[i]
		}
	}
	if best == nil || r.mute {
		return
	}
	server, err := mdns.NewServer(&mdns.Config{Zone: &r.zone, Logger: log.New(io.Discard, "", 0),
		Iface: &net.Interface{Index: best.index, Name: best.name}})
	if err != nil {
		r.mute = true
		r.once("server", "no fast answers by mDNS; slower ones and the beacon go on", "err", err)
		return
	}
	r.server, r.served = server, *best
}

// unserve stops the server. Its goroutines end by themselves, soon after; they touch nothing but the zone.
func (r *run) unserve() {
	if r.server != nil {
		r.server.Shutdown()
		r.server = nil
	}
}

// serves tells whether the library's server hears questions of that family on that interface.
func (r *run) serves(ifindex int, v6 bool) bool {
	return r.server != nil && r.served.has(v6) && (runtime.GOOS == "linux" || ifindex == r.served.index)
}

// leave says goodbye, twice.
func (r *run) leave() {
	r.zone.claim.Store(nil)
	r.unserve()
	if r.claim == nil {
		return
	}
	for i := range 2 {
		if i > 0 {
			time.Sleep(farewellGap)
		}
		for _, f := range r.net.ifaces {
			r.sayOn(time.Now(), f, 0, false)
		}
		r.net.shout(r.beacon(beaconGoodbye), i > 0)
		for _, t := range r.targets {
			r.net.tell(beaconAsk, r.beacon(beaconGoodbye).encode(nil), netip.AddrPortFrom(t.Addr(), beaconPort))
		}
	}
}
