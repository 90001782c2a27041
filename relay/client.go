package relay

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync/atomic"

	"parley.lan/identity"
	"parley.lan/room"
	"parley.lan/wire"
)

// ClientConfig is what a member comes with.
type ClientConfig struct {
	Identity *identity.Identity
	Expect   room.NodeID // the host's id; zero takes whoever answers
	Room     string
	Name     string
	Run      uint64
	SSRC     uint32
	Reign    room.Reign // followed last
	Log      *room.Log
	Outbox   *room.Outbox
	Observer bool
	Terms    *wire.Terms // of a node that hosts
	Warm     *Warm       // a connection to use before any new one; may be nil
	Control  uint16      // port of this node's control datagrams
	WiFi     bool
	Battery  bool
	State    room.State            // what this node does
	Hear     func(room.VoiceFrame) // gets every frame of the others; must not block
	Logger   *slog.Logger
}

// RefusedError is a host's final no.
type RefusedError struct{ Code, Reason string }

func (e *RefusedError) Error() string { return "refused: " + e.Reason }

// RedirectError is a host's word that another one prevails. Without addresses it knows of none, or it is not decided.
type RedirectError struct{ To Host }

func (e *RedirectError) Error() string { return "the host is elsewhere: " + e.To.Reign.Host.String() }

// How a host ends a member's connection.
var (
	ErrHostLeft = errors.New("the host left")
	ErrDropped  = errors.New("the host heard nothing of this node for a while")
	ErrTwin     = errors.New("another run of this node's key has come to the host")
)

// Client is a member's connection to the host.
type Client struct {
	cfg     ClientConfig
	conn    *tls.Conn
	r       *bufio.Reader
	control chan []byte // frames for the writer; a full queue means a host that takes nothing: the end
	sync    chan vector // what the host asks for
	voice   *voiceClient
	quiet   atomic.Bool   // messages are said elsewhere
	taken   atomic.Uint64 // entries that came from the host and are in the log
	fresh   chan struct{} // of one: taken has grown

	Reign   room.Reign
	Forced  bool          // the host was started with --host
	Heirs   []Host        // who hosts next, as the welcome gave them
	Members []room.Member // as the welcome gave them
	digest  []byte
}

// Notice is something that the host tells besides messages, which go to the log.
type Notice interface{ notice() }

type (
	// Arrived: entries have come and are in the log, Last the last of them. What the host told before and
	// after them comes before and after this.
	Arrived struct{ Last room.ID }
	// Synced: both logs hold what the other held.
	Synced struct{}
	// MemberJoined: somebody came, or came anew.
	MemberJoined struct{ Member room.Member }
	// MemberLeft: somebody went.
	MemberLeft struct{ ID room.NodeID }
	// Raised: the reign has a higher epoch now.
	Raised struct{ Reign room.Reign }
	// Succession: who hosts next.
	Succession struct{ Heirs []Host }
	// HandOver: this node is to host from now on.
	HandOver struct{}
	// Moved: another host prevails. The connection stays until FollowElsewhere, and a little longer.
	Moved struct{ To Host }
	// Beat: the host's sign of life. This and the next two come at their own time, not in the order of the others.
	Beat struct{ wire.Beat }
	// Answered: the host has answered Ping.
	Answered struct{ Probe uint64 }
	// Unreachable: the host's machine says that nobody listens for voice there.
	Unreachable struct{}
	// Safe: messages of one's own that the host's first successor has too.
	Safe struct{ IDs []room.ID }
)

func (Succession) notice()   {}
func (HandOver) notice()     {}
func (Moved) notice()        {}
func (Beat) notice()         {}
func (Answered) notice()     {}
func (Unreachable) notice()  {}
func (Arrived) notice()      {}
func (Synced) notice()       {}
func (MemberJoined) notice() {}
func (MemberLeft) notice()   {}
func (Raised) notice()       {}
func (Safe) notice()         {}

// peer reads a frame about another host.
func (c *Client) peer(body []byte) (Host, error) {
	var p wire.Peer
	err := wire.Decode(body, &p)
	return HostOf(p, c.Addr().Addr()), err
}

func (c *Client) hosts(peers []wire.Peer) []Host {
	var out []Host
	for _, p := range peers[:min(len(peers), maxHeirs)] {
		out = append(out, HostOf(p, c.Addr().Addr()))
	}
	return out
}

// Addr is the host's text address.
func (c *Client) Addr() netip.AddrPort {
	a, _ := c.conn.RemoteAddr().(*net.TCPAddr)
	return netip.AddrPortFrom(a.AddrPort().Addr().Unmap(), uint16(a.Port))
}

// Close ends the connection without a word. Run ends it by itself.
func (c *Client) Close() {
	c.conn.NetConn().Close()
	if c.voice != nil {
		c.voice.udp.Close()
	}
}

// sameDigest tells whether the host's log held the same as ours when it welcomed us.
func (c *Client) sameDigest() bool {
	ours, _ := c.cfg.Log.Digest()
	return bytes.Equal(ours, c.digest)
}
