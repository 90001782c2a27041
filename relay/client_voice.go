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

// SendVoice sends one frame of one's own. For one goroutine at a time; it never blocks.
func (c *Client) SendVoice(f room.VoiceFrame) {
	v := c.voice
	f.SSRC = c.cfg.SSRC
	v.packet = wire.AppendFrame(append(v.packet[:0], wire.PacketVoice), &f)
	if len(v.packet) > wire.MaxPacket {
		return
	}
	if v.passes() {
		v.udp.Write(v.seal.Seal(v.sealed[:0], v.packet))
		return
	}
	c.tunnel(v.packet)
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
	ack := wire.AppendAck(nil, b)
	if !tunnelled && c.voice.passes() {
		c.voice.udp.Write(c.voice.seal.Seal(nil, ack))
	} else {
		c.tunnel(ack)
	}
}

// passes tells whether UDP reaches the host and back: assumed at first, then by the last pong.
func (v *voiceClient) passes() bool {
	return time.Since(v.opened)-time.Duration(v.heard.Load()) < pathGap
}

// ping asks for a pong with the same number; 0 is for the path's sake alone.
func (v *voiceClient) ping(probe uint64) {
	packet := binary.BigEndian.AppendUint64([]byte{wire.PacketPing}, probe)
	v.udp.Write(v.seal.Seal(nil, packet))
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
			c.voice.heard.Store(int64(time.Since(c.voice.opened)))
			if len(packet) == 9 && binary.BigEndian.Uint64(packet[1:]) != 0 {
				on(Answered{binary.BigEndian.Uint64(packet[1:])})
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
