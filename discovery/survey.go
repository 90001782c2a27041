package discovery

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"

	"parley.lan/identity"
)

// SurveyConfig says where to look, and for how long.
type SurveyConfig struct {
	Ifaces []string     // as in Config
	Ask    []netip.Addr // machines to ask by name, by the beacon
	// Of whoever is not heard by then, every address of the small networks is asked by itself; zero never.
	Sweep time.Duration
	// Enough tells, once the first answers should be there, whether what was heard will do.
	Enough func([]Sighted) bool
	Time   time.Duration // in all
}

// Sighted is a node, and by which ways it was heard.
type Sighted struct {
	Record
	Addrs []netip.AddrPort // of a host's text, best first
	From  []netip.Addr     // where its packets came from
	Ways  []string         // ViaMDNS, ViaBeacon: by multicast or broadcast, or in answer to one; ViaDirect: asked by name only
	Here  bool             // on this machine

	Answered bool // to this machine alone: so its packets come through
}

// ViaDirect: the node was asked by its address alone.
const ViaDirect = "direct"

// Surveyed is what a survey found.
type Surveyed struct {
	Nodes  []Sighted
	Others []netip.Addr     // machines that speak mDNS
	MDNS   error            // why its port could not be had; nil: it could
	Beacon error            // the same
	Send   map[string]error // by interface: why nothing could be sent by multicast there
}

const (
	surveyEnough = 900 * time.Millisecond // answers to multicast come within 120 ms, and a lost question is asked again
	sweepGap     = 2 * time.Millisecond   // between two addresses
	sweepMax     = 256                    // addresses of one network
)

// When questions go out.
var surveyAsks = []time.Duration{0, 300 * time.Millisecond, 800 * time.Millisecond, 1600 * time.Millisecond}

// Survey looks around and says nothing of this machine. Unlike a Discovery it keeps the ways apart on which nodes were
// found, and takes what comes from other networks, too: it looks for what is wrong.
func Survey(ctx context.Context, cfg SurveyConfig) (*Surveyed, error) {
	nics, err := systemNICs()
	if err != nil {
		return nil, err
	}
	s := newSurvey(choose(nics, cfg.Ifaces))
	ctx, cancel := context.WithTimeout(ctx, cfg.Time)
	defer cancel()
	packets := make(chan packet, 256)
	s.net.start(ctx, packets)
	defer s.net.stop()
	defer cancel()
	s.net.use(s.net.ifaces)
	s.out.MDNS, s.out.Beacon = s.net.closed[mdnsShared], s.net.closed[beaconShared]
	direct := s.openDirect(ctx)
	defer direct.stop()

	began := time.Now()
	asks, swept := surveyAsks, cfg.Sweep == 0
	var sweep []netip.Addr
	var sweepFrom time.Time
	for {
		now := time.Now()
		for len(asks) > 0 && now.Sub(began) >= asks[0] {
			s.ask(len(surveyAsks)-len(asks), cfg.Ask, direct)
			asks = asks[1:]
		}
		if now.Sub(began) >= surveyEnough && cfg.Enough != nil && cfg.Enough(s.nodes()) {
			return s.result(), nil
		}
		if !swept && now.Sub(began) >= cfg.Sweep {
			swept, sweep, sweepFrom = true, sweepOf(s.net.ifaces), now
		}
		for len(sweep) > 0 && now.Sub(sweepFrom) >= 0 {
			s.direct(direct, sweep[0])
			sweep, sweepFrom = sweep[1:], sweepFrom.Add(sweepGap)
		}
		select {
		case <-ctx.Done():
			return s.result(), nil
		case p := <-packets:
			s.hear(time.Now(), p, false)
		case p := <-direct.packets:
			s.hear(time.Now(), p, true)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// survey is one while it runs.
type survey struct {
	net    network
	cache  *cache
	book   *book
	nonce  func() uint32
	ways   map[identity.NodeID][]string
	from   map[identity.NodeID][]netip.Addr
	told   map[identity.NodeID]bool // it has answered to this machine alone
	others map[netip.Addr]bool
	out    Surveyed
}

func newSurvey(ifaces []iface) *survey {
	random := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	s := &survey{
		cache: newCache(random), nonce: random.Uint32,
		ways: make(map[identity.NodeID][]string), from: make(map[identity.NodeID][]netip.Addr), others: make(map[netip.Addr]bool),
		told: make(map[identity.NodeID]bool),
		out:  Surveyed{Send: make(map[string]error)},
	}
	s.net.log, s.net.ifaces = slog.New(slog.DiscardHandler), ifaces
	s.book = newBook(func(a netip.Addr) bool { return onLink(ifaces, a) })
	return s
}

// directly is the sockets of questions to single machines, so that their answers tell themselves apart. A question to a machine
// that is not there fills the socket's buffer until the system gives up, so it takes some.
type directly struct {
	nets    [sweepSockets]network
	next    int
	packets chan packet
}

const sweepSockets = 4

func (d *directly) stop() {
	for i := range d.nets {
		d.nets[i].stop()
	}
}

func (s *survey) openDirect(ctx context.Context) *directly {
	d := &directly{packets: make(chan packet, 256)}
	for i := range d.nets {
		n := &d.nets[i]
		n.log = s.net.log
		for v6 := range 2 {
			if sock, err := open(beaconAsk, v6 == 1, 0); err == nil {
				n.all[beaconAsk][v6] = sock
				n.readers.Go(func() { sock.receive(ctx, d.packets) })
			}
		}
	}
	return d
}

func (s *survey) direct(d *directly, to netip.Addr) {
	query := beacon{kind: beaconQuery, nonce: s.nonce() | 1}
	d.next = (d.next + 1) % sweepSockets
	d.nets[d.next].tell(beaconAsk, query.encode(nil), netip.AddrPortFrom(to, beaconPort))
}

// ask sends one round of questions. Other machines are asked what services they have, so that somebody answers where no node is.
func (s *survey) ask(round int, named []netip.Addr, d *directly) {
	on := mdnsShared
	if round == 0 || s.net.all[mdnsShared] == [2]*socket{} {
		on = mdnsAsk
	}
	msg := question(on == mdnsAsk, nil, nil)
	class := uint16(dns.ClassINET)
	if on == mdnsAsk {
		class |= unicastBit
	}
	msg.Question = append(msg.Question, dns.Question{Name: "_services._dns-sd._udp.local.", Qtype: dns.TypePTR, Qclass: class})
	data, err := msg.Pack()
	if err != nil {
		return
	}
	query := beacon{kind: beaconQuery, nonce: s.nonce() | 1}
	for _, f := range s.net.ifaces {
		one := network{log: s.net.log, ifaces: []iface{f}, all: s.net.all}
		s.sent(f, one.multicastErr(on, f, data))
		one.shout(query, true)
	}
	for _, a := range named {
		s.direct(d, a)
	}
}

// sent keeps why nothing went out; one datagram that did is enough.
func (s *survey) sent(f iface, err error) {
	if was, ok := s.out.Send[f.name]; ok && was == nil || errors.Is(err, errNothingSent) {
		return
	}
	s.out.Send[f.name] = err
}

var errNothingSent = errors.New("no socket for this interface")

// multicastErr is multicast, and tells why nothing could be sent.
func (n *network) multicastErr(on port, f iface, data []byte) error {
	if !f.multicast || f.loopback {
		return errNothingSent
	}
	var first error
	sent := false
	for v6, s := range n.all[on] {
		if s == nil || !f.has(v6 == 1) {
			continue
		}
		group := mdnsGroup[v6]
		if v6 == 1 {
			group = group.WithZone(f.name)
		}
		err := s.send(data, netip.AddrPortFrom(group, mdnsPort), f.index)
		sent = sent || err == nil
		if err != nil && first == nil {
			first = err
		}
	}
	switch {
	case sent:
		return nil
	case first == nil:
		return errNothingSent
	}
	return first
}

// hear takes one packet; direct tells that it answers a question to that machine alone.
func (s *survey) hear(now time.Time, p packet, direct bool) {
	from := p.from.Addr()
	if p.on >= beaconShared {
		b, ok := parseBeacon(p.data)
		if !ok || b.rec.ID.IsZero() || b.kind == beaconGoodbye {
			return
		}
		way := ViaBeacon
		if direct {
			way = ViaDirect
		}
		s.saw(b.rec.ID, way, from)
		s.told[b.rec.ID] = s.told[b.rec.ID] || direct || p.on == beaconAsk
		s.book.hearFrom(ViaBeacon, b.rec, from, addrSource, now, beaconTTL)
		if b.v4.IsValid() && from.Is6() && from.IsLinkLocalUnicast() {
			s.book.hearFrom(ViaBeacon, b.rec, b.v4, addrListed, now, beaconTTL)
		}
		if b.hostAt.IsValid() {
			host := Record{ID: b.rec.Host, Room: b.rec.Room, Role: Host, Epoch: b.rec.Epoch, Host: b.rec.Host,
				Locked: b.rec.Locked, Proto: b.rec.Proto, Text: b.hostAt.Port()}
			s.book.hearFrom(ViaTold, host, b.hostAt.Addr(), addrListed, now, beaconTTL)
		}
		return
	}
	var msg dns.Msg
	if msg.Unpack(p.data) != nil {
		return
	}
	if !local(s.net.ifaces, from) && len(s.others) < maxPeers {
		s.others[from.WithZone("")] = true
	}
	if !msg.Response || p.from.Port() != mdnsPort {
		return
	}
	for _, f := range factsOf(&msg, from, p.ifindex) {
		if f.bye || !s.cache.hear(now, f) {
			continue
		}
		if sight, ok := s.cache.sighting(now, f.id); ok {
			s.saw(f.id, ViaMDNS, from)
			s.told[f.id] = s.told[f.id] || p.on == mdnsAsk
			s.book.hear(ViaMDNS, f.id, from, sight)
		}
	}
}

func (s *survey) saw(id identity.NodeID, way string, from netip.Addr) {
	if len(s.ways) >= maxPeers && s.ways[id] == nil {
		return
	}
	if !slices.Contains(s.ways[id], way) {
		s.ways[id] = append(s.ways[id], way)
	}
	if !slices.Contains(s.from[id], from) && len(s.from[id]) < maxAddrs {
		s.from[id] = append(s.from[id], from)
	}
}

func (s *survey) nodes() []Sighted {
	var out []Sighted
	for k, e := range s.book.peers {
		if e.target != nil || len(e.heard) == 0 {
			continue
		}
		p := e.peer(s.book.onLink)
		n := Sighted{Record: p.Record, Addrs: p.Addrs, From: s.from[k.id], Ways: slices.Sorted(slices.Values(s.ways[k.id])), Answered: s.told[k.id]}
		if len(n.Ways) == 0 {
			n.Ways = []string{ViaTold}
		}
		n.Here = slices.ContainsFunc(n.From, func(a netip.Addr) bool { return local(s.net.ifaces, a) })
		out = append(out, n)
	}
	slices.SortFunc(out, func(a, b Sighted) int { return slices.Compare(a.ID[:], b.ID[:]) })
	return out
}

func (s *survey) result() *Surveyed {
	s.out.Nodes = s.nodes()
	for a := range s.others {
		s.out.Others = append(s.out.Others, a)
	}
	slices.SortFunc(s.out.Others, netip.Addr.Compare)
	return &s.out
}

// sweepOf lists the addresses of the small IPv4 networks of these interfaces, the nearest to one's own first.
func sweepOf(ifaces []iface) []netip.Addr {
	var out []netip.Addr
	for _, f := range ifaces {
		for _, p := range f.prefixes {
			if !p.Addr().Is4() || p.Bits() < 24 || p.Bits() > 30 || f.loopback || f.tier > 0 {
				continue
			}
			own := p.Addr().As4()
			first := p.Masked().Addr().As4()[3]
			size := 1 << (32 - p.Bits())
			for d := 1; d < size; d++ {
				for _, n := range []int{int(own[3]) - d, int(own[3]) + d} {
					if n > int(first) && n < int(first)+size-1 && len(out) < sweepMax {
						out = append(out, netip.AddrFrom4([4]byte{own[0], own[1], own[2], byte(n)}))
					}
				}
			}
		}
	}
	return out
}
