package discovery

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/mdns"
)

// run is a Discovery while it runs. One goroutine, the loop, owns all of it; readers of the sockets and resolvers of
// names hand it what they get.
type run struct {
	cfg Config
	d   *Discovery
	log *slog.Logger

	net      network
	packets  chan packet // bounded; while full, packets wait in the system's buffers
	resolved chan []netip.AddrPort

	rec    Record // what is announced; ID is zero before the first Announce
	claim  *claim // the same for mDNS; nil before
	zone   zone
	server *mdns.Server
	served iface // where the server joined
	mute   bool  // the server can't be started here
	limit  limiter

	cache    *cache
	book     *book
	answers  *answerer
	askMDNS  backoff
	askAll   backoff // by beacon
	sayMDNS  burst
	sayAll   burst // by beacon
	probed   int
	probeAt  time.Time
	tidyAt   time.Time // zero: there is nothing
	pollAt   time.Time
	polledAt time.Time        // by the wall clock, which goes on while the machine sleeps
	targets  []netip.AddrPort // --join, resolved
	known    []known          // hosts joined before, newest first
	asked    map[askedBy]time.Time
	warned   map[string]bool // things that are said once
	nonce    func() uint32
	cutOff   int // rounds of beacon questions in a row that could not be sent at all
}

func newRun(d *Discovery) *run {
	random := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	r := &run{
		cfg: d.cfg, d: d, log: d.cfg.Log,
		packets:  make(chan packet, 256),
		resolved: make(chan []netip.AddrPort),
		cache:    newCache(random),
		answers:  newAnswerer(random),
		askMDNS:  backoff{gaps: []time.Duration{mdnsFirstGap}, max: mdnsMaxGap},
		askAll:   backoff{gaps: beaconGaps, max: beaconMaxGap},
		sayAll:   burst{every: beaconEvery},
		asked:    make(map[askedBy]time.Time),
		warned:   make(map[string]bool),
		nonce:    random.Uint32,
	}
	r.net.log = r.log
	r.book = newBook(func(a netip.Addr) bool { return onLink(r.net.ifaces, a) })
	r.zone.limit = &r.limit
	return r
}

func (r *run) loop(ctx context.Context) error {
	nics, err := systemNICs()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	r.net.start(ctx, r.packets)
	r.net.use(choose(nics, r.cfg.Ifaces))
	r.zone.alone.Store(r.net.all[mdnsShared] == [2]*socket{})
	var resolvers sync.WaitGroup
	defer func() {
		r.leave()
		cancel()
		r.net.stop()
		resolvers.Wait()
	}()

	now := time.Now()
	r.pollAt, r.polledAt = now.Add(ifacePoll), now.Round(0)
	if r.cfg.Remembered != "" {
		if r.known, err = loadRemembered(r.cfg.Remembered); err != nil {
			r.log.Warn("starting without the hosts joined before", "err", err)
		}
	}
	for _, t := range r.d.targets {
		if t.Addr.IsValid() {
			r.target(netip.AddrPortFrom(t.Addr, t.Port))
			continue
		}
		resolvers.Go(func() { r.resolve(ctx, t) })
	}
	for _, k := range r.known {
		r.book.target(ViaRemembered, k.addr)
	}
	r.log.Debug("discovery starts", "ifaces", r.names())
	r.seek(now)
	r.obey(now)

	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		now := time.Now()
		r.act(now)
		timer.Reset(r.next().Sub(now))
		var updates chan Update
		u, ok := r.book.peek()
		if ok {
			updates = r.d.updates
		}
		select {
		case <-ctx.Done():
			return nil
		case p := <-r.packets:
			r.hear(time.Now(), p)
		case updates <- u:
			r.book.took(u)
		case <-r.d.wake:
			r.obey(time.Now())
		case addrs := <-r.resolved:
			for _, a := range addrs {
				r.target(a)
			}
			r.askAll.reset(time.Now())
		case <-timer.C:
		}
	}
}

// obey does what the consumer asked for.
func (r *run) obey(now time.Time) {
	w := r.d.wanted()
	if w.announce != nil {
		r.announce(now, *w.announce)
	}
	if w.seek {
		r.seek(now)
	}
	if len(w.remember) == 0 {
		return
	}
	for i := range w.remember {
		r.known = remember(r.known, w.remember[len(w.remember)-1-i])
	}
	if r.cfg.Remembered == "" {
		return
	}
	if err := saveRemembered(r.cfg.Remembered, r.known); err != nil {
		r.once("remembered", "hosts joined are not kept for the next start", "err", err)
	}
}

func (r *run) seek(now time.Time) {
	r.askMDNS.reset(now)
	r.askAll.reset(now)
}

// announce takes over what is said from now on.
func (r *run) announce(now time.Time, rec Record) {
	rec, ok := rec.sane()
	if !ok {
		r.log.Error("not announced: a record that others would refuse", "record", rec)
		return
	}
	if rec == r.rec {
		return
	}
	r.rec = rec
	r.renew(now)
}

// renew says everything anew, after a change of the record or of the addresses. Whoever looks for its first room
// has nothing to offer by mDNS yet: browsers such as Avahi's resolve a service once, and would show it without a
// port. By beacon, other nodes learn of it.
func (r *run) renew(now time.Time) {
	if r.rec.ID.IsZero() {
		return
	}
	r.sayAll.every = beaconEvery
	if r.rec.Role == Host {
		r.sayAll.every = hostEvery
	}
	r.sayAll.start(now)
	if r.rec.Role == Looking && r.claim == nil {
		return
	}
	if r.claim == nil {
		r.probeAt = now.Add(probeDelay)
	}
	r.claim = newClaim(r.rec, r.net.own())
	r.zone.claim.Store(r.claim)
	r.sayMDNS.start(now)
}

// act does everything that is due. Questions come first: they are what a starting node waits for.
func (r *run) act(now time.Time) {
	if !r.tidyAt.IsZero() && !now.Before(r.tidyAt) {
		r.tidy(now)
	}
	r.ask(now)
	r.say(now)
	if r.claim != nil && r.server == nil {
		r.serve()
	}
	if !now.Before(r.pollAt) {
		r.poll(now)
	}
}

func (r *run) next() time.Time {
	return earliest(r.askMDNS.next, r.askAll.next, r.sayMDNS.next, r.sayAll.next, r.probeAt, r.pollAt, r.tidyAt,
		r.answers.next())
}

// tidy forgets what is too old and asks for what soon will be. It looks at every peer, so it isn't done for every packet
// but when the next deadline is due that it saw, or by when a packet may have brought an earlier one.
func (r *run) tidy(now time.Time) {
	r.book.expire(now)
	for _, id := range r.cache.expire(now) {
		r.sighted(now, id, netip.Addr{})
	}
	if refresh, incomplete := r.cache.ask(now); refresh || len(incomplete) > 0 {
		r.askService(now, false, incomplete)
	}
	r.tidyAt = earliest(r.cache.next(), r.book.next())
	if soon := now.Add(tidyGap); !r.tidyAt.IsZero() && r.tidyAt.Before(soon) {
		r.tidyAt = soon
	}
}

func (r *run) tidyBy(t time.Time) { r.tidyAt = earliest(r.tidyAt, t) }

// poll looks whether interfaces came, went or changed, or the machine slept. If so, everything begins anew on them.
func (r *run) poll(now time.Time) {
	r.pollAt = now.Add(ifacePoll)
	wall := now.Round(0)
	slept := wall.Sub(r.polledAt) > napGap
	r.polledAt = wall
	nics, err := systemNICs()
	if err != nil {
		r.once("interfaces", "network changes go unnoticed", "err", err)
		return
	}
	ifaces := choose(nics, r.cfg.Ifaces)
	if !slept && sameIfaces(ifaces, r.net.ifaces) {
		return
	}
	r.net.use(ifaces)
	r.log.Info("network changed", "ifaces", r.names())
	r.unserve() // the library's server is deaf once its interface was deleted
	r.mute = false
	r.answers.ports = make(map[int]*answerPort)
	r.seek(now)
	r.renew(now)
}

// target takes a --join address.
func (r *run) target(a netip.AddrPort) {
	for _, t := range r.targets {
		if t == a {
			return
		}
	}
	if len(r.targets) < 4*maxJoin {
		r.targets = append(r.targets, a)
		r.book.target(ViaJoin, a)
	}
}

// once logs a warning the first time.
func (r *run) once(key, msg string, args ...any) {
	if !r.warned[key] {
		r.warned[key] = true
		r.log.Warn(msg, args...)
	}
}

func (r *run) names() []string {
	var names []string
	for _, f := range r.net.ifaces {
		names = append(names, f.name)
	}
	return names
}
