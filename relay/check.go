package relay

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"parley.lan/identity"
	"parley.lan/room"
	"parley.lan/wire"
)

// Checked is what a greeting has found out that joins nothing.
type Checked struct {
	Stage Stage
	Err   error // why it went no further; RefusedError and RedirectError are a host's answer

	ID    room.NodeID
	Voice VoicePath
	RTT   time.Duration // of voice datagrams, where they pass
	Ahead time.Duration // by how much the host's clock is ahead of this machine's; 0 also when the host doesn't tell
}

// Stage is how far a check has come.
type Stage int

const (
	NotReached Stage = iota // no connection
	Connected               // and no TLS
	Shaken                  // a node, but no answer to the greeting
	Greeted                 // it has said yes or no
)

// VoicePath is whether voice datagrams reach the host and come back.
type VoicePath int

const (
	VoiceUnknown VoicePath = iota // the host was not asked, or is too old to tell
	VoicePasses
	VoiceSilent  // nothing comes back
	VoiceRefused // the host's machine says that nobody listens there
)

// checkPings is how often voice is tried, checkGap how long each waits for its answer.
const (
	checkPings = 5
	checkGap   = 200 * time.Millisecond
)

// Check reaches the host at an address, greets it as an observer that only checks, tries the way of its voice, and leaves.
// Nobody in the room notices. It ends with ctx, at the latest.
func Check(ctx context.Context, addr netip.AddrPort, roomName string) Checked {
	c, err := check(ctx, addr, roomName)
	c.Err = err
	return c
}

func check(ctx context.Context, addr netip.AddrPort, roomName string) (c Checked, err error) {
	own, err := identity.New()
	if err != nil {
		return c, err
	}
	var d net.Dialer
	raw, err := d.DialContext(ctx, "tcp", addr.String())
	if err != nil {
		return c, err
	}
	defer raw.Close()
	defer context.AfterFunc(ctx, func() { raw.Close() })()
	c.Stage = Connected
	conn := tls.Client(raw, own.ClientTLS(room.NodeID{}))
	if err := conn.HandshakeContext(ctx); err != nil {
		return c, err
	}
	c.Stage = Shaken
	if c.ID, _, err = identity.PeerOf(conn.ConnectionState()); err != nil {
		return c, err
	}
	asked := time.Now()
	hello := wire.Hello{Proto: wire.Version, Room: roomName, Name: "doctor", Run: room.Random(), Observer: true, Check: true}
	if _, err := conn.Write(mustAppend(wire.THello, hello)); err != nil {
		return c, err
	}
	typ, body, err := wire.Read(bufio.NewReader(conn), wire.MaxFrame)
	if err != nil {
		return c, err
	}
	took := time.Since(asked)
	c.Stage = Greeted
	switch typ {
	case wire.TRefused:
		var no wire.Refused
		if err := wire.Decode(body, &no); err != nil {
			return c, err
		}
		return c, &RefusedError{room.CleanText(no.Code), room.CleanText(no.Reason)}
	case wire.TRedirect:
		var to wire.Peer
		if err := wire.Decode(body, &to); err != nil {
			return c, err
		}
		return c, &RedirectError{HostOf(to, addr.Addr())}
	case wire.TWelcome:
	default:
		return c, fmt.Errorf("greet %s: unexpected frame type %d", addr, typ)
	}
	var w wire.Welcome
	if err := wire.Decode(body, &w); err != nil {
		return c, err
	}
	if w.Clock != 0 {
		c.Ahead = time.UnixMilli(w.Clock).Sub(asked.Add(took / 2))
	}
	if w.Session != 0 {
		c.Voice, c.RTT, err = checkVoice(ctx, conn, netip.AddrPortFrom(addr.Addr(), w.VoicePort), w.Session)
	}
	conn.SetWriteDeadline(time.Now().Add(checkGap))
	conn.Write(mustAppend(wire.TBye, wire.Bye{Reason: "checked"}))
	return c, err
}

// checkVoice sends pings as a member would, and waits for the first answer.
func checkVoice(ctx context.Context, conn *tls.Conn, to netip.AddrPort, session uint32) (VoicePath, time.Duration, error) {
	out, in, err := identity.VoiceKeys(conn.ConnectionState())
	if err != nil {
		return VoiceUnknown, 0, err
	}
	udp, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		return VoiceSilent, 0, err
	}
	defer udp.Close()
	defer context.AfterFunc(ctx, func() { udp.Close() })()
	sealer, opener := wire.NewSealer(out, session), wire.NewOpener(in)
	path := VoiceSilent
	buf := make([]byte, 2048)
	for range checkPings {
		sent := time.Now()
		if _, err := udp.Write(sealer.Seal(nil, append([]byte{wire.PacketPing}, make([]byte, 8)...))); errors.Is(err, syscall.ECONNREFUSED) {
			path = VoiceRefused
		} else if err != nil {
			return path, 0, err
		}
		udp.SetReadDeadline(sent.Add(checkGap))
		n, err := udp.Read(buf)
		if err == nil {
			if _, err = opener.Open(buf[:n]); err == nil {
				return VoicePasses, time.Since(sent), nil
			}
		}
		if errors.Is(err, syscall.ECONNREFUSED) {
			path = VoiceRefused
		}
		if ctx.Err() != nil {
			break
		}
		time.Sleep(time.Until(sent.Add(checkGap)))
	}
	return path, 0, nil
}
