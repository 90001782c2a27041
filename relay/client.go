package relay

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

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

// Dial reaches the host over the warm connection, or at the first address that answers, and greets. Besides the
// network's errors it returns RefusedError and RedirectError.
func Dial(ctx context.Context, addrs []netip.AddrPort, cfg ClientConfig) (*Client, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	if cfg.Warm != nil {
		c, err := cfg.Warm.greet(ctx, cfg)
		var no *RefusedError
		var elsewhere *RedirectError
		if err == nil || errors.As(err, &no) || errors.As(err, &elsewhere) {
			return c, err
		}
		cfg.Logger.Info("the warm connection is of no use", "error", err)
	}
	c, err := shake(ctx, addrs, cfg)
	if err != nil {
		return nil, err
	}
	return c.greeted(ctx)
}

// shake makes a connection and learns who is at the other end.
func shake(ctx context.Context, addrs []netip.AddrPort, cfg ClientConfig) (*Client, error) {
	conn, err := dialAny(ctx, addrs)
	if err != nil {
		return nil, err
	}
	c := &Client{
		cfg: cfg, conn: tls.Client(conn, cfg.Identity.ClientTLS(cfg.Expect)),
		control: make(chan []byte, 256), sync: make(chan vector, 1), fresh: make(chan struct{}, 1),
	}
	c.r = bufio.NewReaderSize(c.conn, 64<<10)
	if err := c.conn.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, fmt.Errorf("greet %s: %w", conn.RemoteAddr(), err)
	}
	return c, nil
}

// greeted greets; without a welcome the connection is closed.
func (c *Client) greeted(ctx context.Context) (*Client, error) {
	impatient := context.AfterFunc(ctx, func() { c.conn.NetConn().Close() })
	err := c.greet()
	if !impatient() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// dialAny tries the addresses one after the other, each a little later than the one before or as soon as that has
// failed, and takes the first connection (after RFC 8305).
func dialAny(ctx context.Context, addrs []netip.AddrPort) (net.Conn, error) {
	if len(addrs) == 0 {
		return nil, errors.New("no address to dial")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		conn net.Conn
		err  error
	}
	results := make(chan result)
	var won net.Conn
	var errs error
	next := time.NewTimer(0)
	defer next.Stop()
	for tried, ended := 0, 0; ended < len(addrs) && (won == nil || ended < tried); { // every dial has ended when this returns
		select {
		case <-next.C:
			if tried < len(addrs) && won == nil {
				a := addrs[tried]
				tried++
				go func() {
					var d net.Dialer
					conn, err := d.DialContext(ctx, "tcp", a.String())
					results <- result{conn, err}
				}()
				next.Reset(dialStagger)
			}
		case r := <-results:
			ended++
			switch {
			case r.err != nil && won == nil:
				errs = errors.Join(errs, r.err)
				next.Reset(0)
			case r.err != nil:
			case won == nil:
				won = r.conn
				cancel()
			default:
				r.conn.Close()
			}
		}
	}
	if won == nil {
		return nil, errs
	}
	return won, nil
}

// greet says hello and reads the welcome.
func (c *Client) greet() error {
	host, _, err := identity.PeerOf(c.conn.ConnectionState())
	if err != nil {
		return err
	}
	hello := wire.Hello{
		Proto: wire.Version, Room: c.cfg.Room, Name: c.cfg.Name, Run: c.cfg.Run, SSRC: c.cfg.SSRC,
		Epoch: c.cfg.Reign.Epoch, Observer: c.cfg.Observer, Terms: c.cfg.Terms,
		Control: c.cfg.Control, WiFi: c.cfg.WiFi, Battery: c.cfg.Battery,
	}
	if !c.cfg.Reign.IsZero() {
		hello.Host = c.cfg.Reign.Host[:]
	}
	hello.Digest, _ = c.cfg.Log.Digest()
	if _, err := c.conn.Write(mustAppend(wire.THello, hello)); err != nil {
		return fmt.Errorf("greet %s: %w", c.conn.RemoteAddr(), err)
	}
	typ, body, err := wire.Read(c.r, wire.MaxFrame)
	if typ == wire.TSaw && err == nil { // the claim of a host to which we kept a warm connection
		typ, body, err = wire.Read(c.r, wire.MaxFrame)
	}
	if err != nil {
		return fmt.Errorf("greet %s: %w", c.conn.RemoteAddr(), err)
	}
	switch typ {
	case wire.TRefused:
		var no wire.Refused
		if err := wire.Decode(body, &no); err != nil {
			return err
		}
		return &RefusedError{no.Code, room.CleanText(no.Reason)}
	case wire.TRedirect:
		to, err := c.peer(body)
		if err != nil {
			return err
		}
		return &RedirectError{to}
	case wire.TWelcome:
		return c.welcomed(host, body)
	}
	return fmt.Errorf("greet %s: unexpected frame type %d", c.conn.RemoteAddr(), typ)
}

func (c *Client) welcomed(host room.NodeID, body []byte) error {
	var w wire.Welcome
	if err := wire.Decode(body, &w); err != nil {
		return err
	}
	if id, ok := wire.NodeID(w.Host); !ok || id != host || w.Epoch < c.cfg.Reign.Epoch {
		return errors.New("the welcome claims a reign that the host can't have")
	}
	c.Reign = room.Reign{Epoch: w.Epoch, Host: host}
	c.digest, c.Forced, c.Heirs = w.Digest, w.Forced, c.hosts(w.Heirs)
	for _, m := range w.Members {
		if m, ok := m.Room(); ok {
			c.Members = append(c.Members, m)
		}
	}
	if c.cfg.Observer {
		return nil
	}
	return c.openVoice(w.Session, w.VoicePort)
}

// peer reads a frame about another host.
func (c *Client) peer(body []byte) (Host, error) {
	var p wire.Peer
	err := wire.Decode(body, &p)
	return HostOf(p, c.Addr().Addr()), err
}

func (c *Client) hosts(peers []wire.Peer) []Host {
	var out []Host
	for _, p := range peers {
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
