package relay

import (
	"context"
	"errors"
	"maps"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"parley.lan/room"
	"parley.lan/wire"
)

// voiceRelay passes every member's voice to all the others. Its packet path takes no lock and allocates
// nothing: it reads an immutable table that joining and leaving replace.
type voiceRelay struct {
	udp      *net.UDPConn
	counters *Counters
	started  time.Time // of the server, as beats count it

	deliveries atomic.Uint64 // of voice packets, to whomever
	busy       atomic.Int64  // nanoseconds spent on datagrams

	mu    sync.Mutex // guards replacing the table
	table atomic.Pointer[voiceTable]
}

type voiceTable struct {
	byID map[uint32]*voiceSession
	all  []*voiceSession // that hear and speak
}

// voiceSession is one member's voice, both ways.
type voiceSession struct {
	id   uint32
	ssrc uint32

	checks bool // its pings are answered, and it neither hears nor speaks

	// A node's session. Until a packet from its address has opened, and when the member says that UDP does
	// not pass, addr is nil and its packets go through the tunnel.
	open   *wire.Opener
	seal   *wire.Sealer
	addr   atomic.Pointer[netip.AddrPort]
	tunnel func(packet []byte) bool
	acked  atomic.Int64  // when the last beat was answered, in nanoseconds since the server's start
	acks   atomic.Uint64 // beats answered
	down   atomic.Uint32 // the wire.Loss that the last answer told
	rtt    atomic.Int64  // smoothed; 0 at first
	wifi   bool
	hop    hop    // the loop of beats alone
	drop   func() // sends the member away

	// A plain member's session: hears frames one by one. The loop of beats tells it the path of its own.
	hear   func(room.VoiceFrame)
	path   atomic.Pointer[room.VoicePath]
	forget func(ssrc uint32)
}

func newVoiceRelay(udp *net.UDPConn, started time.Time, c *Counters) *voiceRelay {
	v := &voiceRelay{udp: udp, started: started, counters: c}
	v.table.Store(&voiceTable{byID: map[uint32]*voiceSession{}})
	return v
}

// add opens a session under a fresh id, sealing with the given key.
func (v *voiceRelay) add(s *voiceSession, key [16]byte) {
	s.acked.Store(int64(time.Since(v.started)))
	v.change(func(t *voiceTable) {
		for s.id == 0 || t.byID[s.id] != nil {
			s.id = uint32(room.Random())
		}
		s.seal = wire.NewSealer(key, s.id)
		t.byID[s.id] = s
	})
}

// remove closes a session.
func (v *voiceRelay) remove(s *voiceSession) {
	v.change(func(t *voiceTable) { delete(t.byID, s.id) })
	for _, o := range v.table.Load().all {
		if o.forget != nil {
			o.forget(s.ssrc)
		}
	}
}

func (v *voiceRelay) change(f func(*voiceTable)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	t := &voiceTable{byID: maps.Clone(v.table.Load().byID)}
	f(t)
	for _, s := range t.byID {
		if !s.checks {
			t.all = append(t.all, s)
		}
	}
	v.table.Store(t)
}

// run takes datagrams until the socket closes.
func (v *voiceRelay) run(ctx context.Context) error {
	in, out := make([]byte, 2048), make([]byte, 0, 2048)
	for {
		n, from, err := v.udp.ReadFromUDPAddrPort(in)
		if errors.Is(err, net.ErrClosed) || ctx.Err() != nil {
			return nil
		}
		if err != nil {
			continue // an ICMP error of some listener's; the socket is still good
		}
		began := time.Now()
		v.datagram(in[:n], from, out)
		v.busy.Add(int64(time.Since(began)))
	}
}

// datagram handles one datagram; out is scratch.
func (v *voiceRelay) datagram(b []byte, from netip.AddrPort, out []byte) {
	id, ok := wire.Session(b)
	if !ok {
		v.counters.PacketsBad.Add(1)
		return
	}
	s := v.table.Load().byID[id]
	if s == nil || s.open == nil {
		v.counters.PacketsBad.Add(1)
		return
	}
	packet, err := s.open.Open(b)
	if err != nil || len(packet) == 0 || s.checks && packet[0] != wire.PacketPing {
		v.counters.PacketsBad.Add(1)
		return
	}
	if a := s.addr.Load(); a == nil || *a != from { // roaming: only what opens moves a session
		moved := from // so that only a move allocates
		s.addr.Store(&moved)
	}
	switch packet[0] {
	case wire.PacketPing:
		packet[0] = wire.PacketPong
		v.udp.WriteToUDPAddrPort(s.seal.Seal(out[:0], packet), from)
	case wire.PacketVoice:
		v.pass(s, packet, out)
	case wire.PacketAck:
		s.ack(packet, time.Since(v.started))
	}
}

// pass gives a packet of one session to all the others. out is scratch for sealing.
func (v *voiceRelay) pass(from *voiceSession, packet, out []byte) {
	if len(packet) == 1 || len(packet) > wire.MaxPacket {
		v.counters.PacketsBad.Add(1)
		return
	}
	var f room.VoiceFrame
	for rest := packet[1:]; len(rest) > 0; {
		var err error
		if rest, err = wire.NextFrame(rest, &f); err != nil || f.SSRC != from.ssrc {
			v.counters.PacketsBad.Add(1)
			return // a member speaks as itself only
		}
	}
	all := v.table.Load().all
	v.deliveries.Add(uint64(len(all) - 1))
	for _, to := range all {
		switch addr := to.addr.Load(); {
		case to == from:
		case to.hear != nil:
			for rest := packet[1:]; len(rest) > 0; {
				rest, _ = wire.NextFrame(rest, &f)
				to.hear(f)
			}
		case addr != nil:
			if _, err := v.udp.WriteToUDPAddrPort(to.seal.Seal(out[:0], packet), *addr); err != nil {
				v.counters.PacketsDropped.Add(1)
			}
		case !to.tunnel(packet):
			v.counters.PacketsDropped.Add(1)
		}
	}
}

// tunnelled takes a packet that came over the member's own connection: UDP does not pass for it. But for an answer to
// a beat, which takes the way of the beat.
func (v *voiceRelay) tunnelled(s *voiceSession, packet, out []byte) {
	if len(packet) > 0 && packet[0] == wire.PacketAck {
		s.ack(packet, time.Since(v.started))
		return
	}
	s.addr.Store(nil)
	if len(packet) > 0 && packet[0] == wire.PacketVoice {
		v.pass(s, packet, out)
	}
}
