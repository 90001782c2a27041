package relay

import (
	"context"
	"math"
	"net/netip"
	"time"

	"parley.lan/room"
	"parley.lan/wire"
)

// Candidate is a member that may host next.
type Candidate struct {
	ID      room.NodeID
	Text    netip.AddrPort // of its relay, which stands by; zero while it does not
	WiFi    bool
	Battery bool
	Since   time.Time     // when it came in
	RTT     time.Duration // 0 when unknown
}

// Candidates lists the members that are nodes, but for the host itself.
func (s *Server) Candidates() []Candidate {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Candidate
	for _, m := range s.members {
		if m.Plain || m.ID == s.cfg.Identity.ID {
			continue
		}
		c := Candidate{ID: m.ID, Text: m.text, WiFi: m.wifi, Battery: m.battery, Since: m.since}
		if m.life != nil {
			c.RTT = time.Duration(m.life.rtt.Load())
		}
		out = append(out, c)
	}
	return out
}

// beat gives every member a sign of life, and sends away who gives none.
func (s *Server) beat(ctx context.Context) error {
	if s.cfg.Beat == 0 {
		return nil
	}
	tick := time.NewTicker(s.cfg.Beat)
	defer tick.Stop()
	b := beater{relay: s.voice, drop: s.cfg.Drop, packet: make([]byte, 0, 64), out: make([]byte, 0, 128)}
	last := time.Since(s.started)
	s.beaten.Store(int64(last))
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now := time.Since(s.started)
		if now-last > 3*s.cfg.Beat { // we were asleep, not they
			s.voice.excuse(now)
			s.woke.Store(int64(now))
		}
		last = now
		s.beaten.Store(int64(now))
		b.beat(now, wire.Beat{
			Epoch: s.Reign().Epoch, Sent: uint64(now), Members: uint16(min(s.Members(), math.MaxUint16)), WiFi: s.cfg.WiFi,
		})
	}
}

// doubtful tells whether this process has just gone on after a stop, and does not know yet who has stayed: what its
// sockets still held may have been said to another host meanwhile.
func (s *Server) doubtful() bool {
	beaten, woke, now := s.beaten.Load(), s.woke.Load(), int64(time.Since(s.started))
	switch {
	case beaten == 0: // no beats here
		return false
	case now-beaten > int64(5*s.cfg.Beat):
		return true
	}
	return woke != 0 && now-woke < int64(wakeTime) && !s.voice.heardSince(woke)
}

// heardSince tells whether every node has answered a beat since then.
func (v *voiceRelay) heardSince(then int64) bool {
	for _, s := range v.table.Load().all {
		if s.open != nil && s.acked.Load() <= then {
			return false
		}
	}
	return true
}

// beater is what the loop of beats keeps.
type beater struct {
	relay *voiceRelay
	drop  time.Duration
	pace  pace
	frame time.Duration
	paced time.Duration // when the pace was last asked
	done  uint64        // deliveries until then
	busy  int64

	packet, out []byte // scratch
}

// beat sends every node's session its beat, and ends those that have answered none for too long.
func (b *beater) beat(now time.Duration, base wire.Beat) {
	all := b.relay.table.Load().all
	wifi := base.WiFi
	var w worst
	for _, s := range all {
		wifi = wifi || s.wifi
		if s.open == nil { // a plain member's
			continue
		}
		s.hop.upLoss = s.hop.up.observe(now, s.open.Tally())
		acks := s.acks.Load()
		s.hop.credit.beat(acks != s.hop.acks)
		s.hop.acks = acks
		if now-time.Duration(s.acked.Load()) < lossAge {
			w.add(s, s.hop.credit.believe(wire.Loss(s.down.Load())))
		}
	}
	b.setPace(now, len(all), wifi)
	base.Frame = uint8(b.frame / wire.FrameUnit)
	for _, s := range all {
		switch {
		case s.open == nil:
			base.Up, base.Down = 0, w.besides(s)
			s.tell(PathOf(base))
			continue
		case time.Duration(s.acked.Load()) < now-b.drop:
			s.drop()
			continue
		}
		base.Up, base.Down = s.hop.upLoss, w.besides(s)
		b.packet = wire.AppendBeat(b.packet[:0], base)
		if addr := s.addr.Load(); addr != nil {
			b.relay.udp.WriteToUDPAddrPort(s.seal.Seal(b.out[:0], b.packet), *addr)
		} else {
			s.tunnel(b.packet)
		}
	}
}

// tell leaves a plain member's path for whoever makes its frames.
func (s *voiceSession) tell(p room.VoicePath) {
	if old := s.path.Load(); old == nil || *old != p {
		s.path.Store(&p)
	}
}

// setPace asks the pace, once a second.
func (b *beater) setPace(now time.Duration, members int, wifi bool) {
	past := now - b.paced
	if b.frame != 0 && past < time.Second {
		return
	}
	done, busy := b.relay.deliveries.Load(), b.relay.busy.Load()
	b.frame = b.pace.next(now, traffic{
		members: members, wifi: wifi,
		deliveries: float64(done-b.done) / past.Seconds(), busy: float64(busy-b.busy) / float64(past),
	})
	b.paced, b.done, b.busy = now, done, busy
}

// excuse counts everybody as alive now.
func (v *voiceRelay) excuse(now time.Duration) {
	for _, s := range v.table.Load().all {
		s.acked.Store(int64(now))
	}
}

// ack takes a member's answer to a beat.
func (s *voiceSession) ack(packet []byte, now time.Duration) {
	a, ok := wire.ParseAck(packet)
	if !ok || a.Sent > uint64(now) {
		return
	}
	s.acked.Store(int64(now))
	s.acks.Add(1)
	s.down.Store(uint32(a.Down))
	rtt := int64(now) - int64(a.Sent)
	if old := s.rtt.Load(); old != 0 { // smoothed as in RFC 6298
		rtt = old + (rtt-old)/8
	}
	s.rtt.Store(rtt)
}
