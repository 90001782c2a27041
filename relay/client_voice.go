package relay

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"

	"parley.lan/identity"
	"parley.lan/room"
	"parley.lan/wire"
)

// voiceClient is a member's end of its voice session.
type voiceClient struct {
	udp  *net.UDPConn
	seal *wire.Sealer
	open *wire.Opener

	packet, sealed []byte       // scratch of SendVoice
	heard          atomic.Int64 // when the last pong came, in nanoseconds since opening; 0 never
	opened         time.Time
	asked          atomic.Int64 // when the last ping went out for the path's sake, in nanoseconds since opening
	rtt            atomic.Int64 // smoothed; 0 at first
	down           lossMeter    // of the goroutine that hears
}

// openVoice sets up the session that the welcome granted, to the address that the connection reached.
func (c *Client) openVoice(session uint32, voicePort uint16) error {
	out, in, err := identity.VoiceKeys(c.conn.ConnectionState())
	if err != nil {
		return err
	}
	to := netip.AddrPortFrom(c.Addr().Addr(), voicePort)
	udp, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		return err
	}
	_ = udp.SetReadBuffer(voiceBuf)
	c.voice = &voiceClient{
		udp: udp, seal: wire.NewSealer(out, session), open: wire.NewOpener(in), opened: time.Now(),
		packet: make([]byte, 0, 2048), sealed: make([]byte, 0, 2048),
	}
	c.voice.ping(0) // teaches the host our address before the first word
	return nil
}

// SendVoice sends one packet of one's own frames. For one goroutine at a time; it never blocks.
func (c *Client) SendVoice(frames []room.VoiceFrame) {
	v := c.voice
	v.packet = append(v.packet[:0], wire.PacketVoice)
	for _, f := range frames {
		f.SSRC = c.cfg.SSRC
		v.packet = wire.AppendFrame(v.packet, &f)
	}
	if len(frames) == 0 || len(v.packet) > wire.MaxPacket {
		return
	}
	if v.passes() {
		v.udp.Write(v.seal.Seal(v.sealed[:0], v.packet))
		return
	}
	c.tunnel(v.packet)
}

// RTT is the smoothed round trip to the host by UDP; 0 while none is known.
func (c *Client) RTT() time.Duration {
	if c.voice == nil {
		return 0
	}
	return time.Duration(c.voice.rtt.Load())
}

// PathOf reads what a beat tells a speaker: the loss on its way to the host and, on top of that, to whom the host
// reaches worst.
func PathOf(b wire.Beat) room.VoicePath {
	p := room.VoicePath{Frame: time.Duration(b.Frame) * wire.FrameUnit, Loss: 1 - (1-b.Up.Rate())*(1-b.Down.Rate())}
	if p.Loss > 0 {
		p.Burst = max(b.Up.Burst(), b.Down.Burst())
	}
	return p
}

// tunnel sends a packet over the connection itself; when that is congested, the packet is dropped.
func (c *Client) tunnel(packet []byte) {
	if len(c.control) < cap(c.control)/2 {
		c.post(mustAppend(wire.TVoice, wire.Voice{Packet: packet}))
	}
}

// answer tells the host that its beat has come, by the way on which it came: the host drops whom it does not hear
// before the pings can tell that UDP does not pass.
func (c *Client) answer(b wire.Beat, tunnelled bool) {
	a := wire.Ack{Sent: b.Sent}
	if !tunnelled && c.voice.passes() {
		a.Down = c.voice.down.observe(time.Since(c.voice.opened), c.voice.open.Tally())
		c.voice.udp.Write(c.voice.seal.Seal(nil, wire.AppendAck(nil, a)))
	} else {
		c.tunnel(wire.AppendAck(nil, a)) // in which nothing is lost
	}
}

// passes tells whether UDP reaches the host and back: assumed at first, then by the last pong.
func (v *voiceClient) passes() bool {
	return time.Since(v.opened)-time.Duration(v.heard.Load()) < pathGap
}

// ping asks for a pong with the same number; 0 is for the path's sake alone.
func (v *voiceClient) ping(probe uint64) {
	if probe == 0 {
		v.asked.Store(int64(time.Since(v.opened)))
	}
	packet := binary.BigEndian.AppendUint64([]byte{wire.PacketPing}, probe)
	v.udp.Write(v.seal.Seal(nil, packet))
}

// pong takes the answer to a ping.
func (v *voiceClient) pong(packet []byte) (probe uint64) {
	now := time.Since(v.opened)
	v.heard.Store(int64(now))
	if len(packet) != 9 {
		return 0
	}
	probe = binary.BigEndian.Uint64(packet[1:])
	if probe != 0 {
		return probe
	}
	asked := v.asked.Swap(0)
	if asked == 0 { // the answer to an earlier one has come after the next went out
		return 0
	}
	rtt := int64(now) - asked
	if old := v.rtt.Load(); old != 0 { // smoothed as in RFC 6298
		rtt = old + (rtt-old)/8
	}
	v.rtt.Store(rtt)
	return 0
}

// keepPath pings through UDP, and tells the host through the connection when nothing comes back.
func (c *Client) keepPath(ctx context.Context) {
	tick := time.NewTicker(pathBeat)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			c.voice.ping(0)
			if !c.voice.passes() {
				c.tunnel([]byte{wire.PacketPing})
			}
		}
	}
}

// hear takes the host's datagrams until the socket closes.
func (c *Client) hear(on func(Notice)) {
	in := make([]byte, 2048)
	for {
		n, err := c.voice.udp.Read(in)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if errors.Is(err, syscall.ECONNREFUSED) {
			on(Unreachable{})
		}
		if err != nil {
			time.Sleep(10 * time.Millisecond) // refused by ICMP: the host is going, or a firewall says no
			continue
		}
		packet, err := c.voice.open.Open(in[:n])
		if err != nil || len(packet) == 0 {
			continue
		}
		if packet[0] == wire.PacketPong {
			if probe := c.voice.pong(packet); probe != 0 {
				on(Answered{probe})
			}
			continue
		}
		c.packet(packet, on, false)
	}
}

// packet gives the frames of a packet to whoever plays them, and answers a beat.
func (c *Client) packet(p []byte, on func(Notice), tunnelled bool) {
	if b, ok := wire.ParseBeat(p); ok {
		c.answer(b, tunnelled)
		on(Beat{b})
		return
	}
	if len(p) == 0 || p[0] != wire.PacketVoice || c.cfg.Hear == nil {
		return
	}
	var f room.VoiceFrame
	for rest := p[1:]; len(rest) > 0; {
		var err error
		if rest, err = wire.NextFrame(rest, &f); err != nil {
			return
		}
		c.cfg.Hear(f)
	}
}
