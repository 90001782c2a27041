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
	packet, out := make([]byte, 0, 64), make([]byte, 0, 128)
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
		packet = wire.AppendBeat(packet[:0], wire.Beat{
			Epoch: s.Reign().Epoch, Sent: uint64(now), Members: uint16(min(s.Members(), math.MaxUint16)), WiFi: s.cfg.WiFi,
		})
		s.voice.beat(packet, out, now-s.cfg.Drop)
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

// beat sends the packet on every node's session, and ends those that have answered none since the given time.
func (v *voiceRelay) beat(packet, out []byte, since time.Duration) {
	for _, s := range v.table.Load().all {
		switch {
		case s.open == nil: // a plain member's
			continue
		case time.Duration(s.acked.Load()) < since:
			s.drop()
			continue
		}
		if addr := s.addr.Load(); addr != nil {
			v.udp.WriteToUDPAddrPort(s.seal.Seal(out[:0], packet), *addr)
		} else {
			s.tunnel(packet)
		}
	}
}

// excuse counts everybody as alive now.
func (v *voiceRelay) excuse(now time.Duration) {
	for _, s := range v.table.Load().all {
		s.acked.Store(int64(now))
	}
}

// ack takes a member's answer to a beat.
func (s *voiceSession) ack(packet []byte, now time.Duration) {
	sent, ok := wire.ParseAck(packet)
	if !ok || sent > uint64(now) {
		return
	}
	s.acked.Store(int64(now))
	rtt := int64(now) - int64(sent)
	if old := s.rtt.Load(); old != 0 { // smoothed as in RFC 6298
		rtt = old + (rtt-old)/8
	}
	s.rtt.Store(rtt)
}
