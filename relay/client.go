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
	Hear     func(room.VoiceFrame) // gets every frame of the others; must not block
	Logger   *slog.Logger
}

// RefusedError is a host's final no.
type RefusedError struct{ Code, Reason string }

func (e *RefusedError) Error() string { return "refused: " + e.Reason }

// RedirectError is a host's word that another one prevails.
type RedirectError struct {
	Reign room.Reign
	Addrs []netip.AddrPort
}

func (e *RedirectError) Error() string { return "the host is elsewhere: " + e.Reign.Host.String() }

// ErrHostLeft is a host's polite end.
var ErrHostLeft = errors.New("the host left")

// Client is a member's connection to the host.
type Client struct {
	cfg     ClientConfig
	conn    *tls.Conn
	r       *bufio.Reader
	control chan []byte // frames for the writer; a full queue means a host that takes nothing: the end
	sync    chan vector // what the host asks for
	voice   *voiceClient
	taken   atomic.Uint64 // entries that came from the host and are in the log
	fresh   chan struct{} // of one: taken has grown

	Reign   room.Reign
	Forced  bool          // the host was started with --host
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
	// Safe: messages of one's own that the host's first successor has too.
	Safe struct{ IDs []room.ID }
)

func (Arrived) notice()      {}
func (Synced) notice()       {}
func (MemberJoined) notice() {}
func (MemberLeft) notice()   {}
func (Raised) notice()       {}
func (Safe) notice()         {}

// Dial reaches the host at the first address that answers, and greets. Besides the network's errors it
// returns RefusedError and RedirectError.
func Dial(ctx context.Context, addrs []netip.AddrPort, cfg ClientConfig) (*Client, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	conn, err := dialAny(ctx, addrs)
	if err != nil {
		return nil, err
	}
	c := &Client{
		cfg: cfg, conn: tls.Client(conn, cfg.Identity.ClientTLS(cfg.Expect)),
		control: make(chan []byte, 256), sync: make(chan vector, 1), fresh: make(chan struct{}, 1),
	}
	c.r = bufio.NewReaderSize(c.conn, 64<<10)
	impatient := context.AfterFunc(ctx, func() { conn.Close() })
	if err = c.greet(ctx); err == nil && !impatient() {
		err = ctx.Err()
	}
	if err != nil {
		impatient()
		c.Close()
		return nil, err
	}
	return c, nil
}

// dialAny tries the addresses one after the other, each a little later than the one before, and takes the
// first connection (after RFC 8305).
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
	results := make(chan result, len(addrs))
	for i, a := range addrs {
		go func() {
			select {
			case <-time.After(time.Duration(i) * dialStagger):
			case <-ctx.Done():
				results <- result{err: ctx.Err()}
				return
			}
			var d net.Dialer
			conn, err := d.DialContext(ctx, "tcp", a.String())
			results <- result{conn, err}
		}()
	}
	var won net.Conn
	var errs error
	for range addrs { // every dial has ended when this returns
		r := <-results
		switch {
		case r.err != nil && won == nil:
			errs = errors.Join(errs, r.err)
		case r.err != nil:
		case won == nil:
			won = r.conn
			cancel()
		default:
			r.conn.Close()
		}
	}
	if won == nil {
		return nil, errs
	}
	return won, nil
}

// greet says hello and reads the welcome.
func (c *Client) greet(ctx context.Context) error {
	if err := c.conn.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("greet %s: %w", c.conn.RemoteAddr(), err)
	}
	host, _, err := identity.PeerOf(c.conn.ConnectionState())
	if err != nil {
		return err
	}
	hello := wire.Hello{
		Proto: wire.Version, Room: c.cfg.Room, Name: c.cfg.Name, Run: c.cfg.Run, SSRC: c.cfg.SSRC,
		Epoch: c.cfg.Reign.Epoch, Observer: c.cfg.Observer,
	}
	if !c.cfg.Reign.IsZero() {
		hello.Host = c.cfg.Reign.Host[:]
	}
	hello.Digest, _ = c.cfg.Log.Digest()
	if _, err := c.conn.Write(mustAppend(wire.THello, hello)); err != nil {
		return fmt.Errorf("greet %s: %w", c.conn.RemoteAddr(), err)
	}
	typ, body, err := wire.Read(c.r, wire.MaxFrame)
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
		return redirect(body)
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
	c.digest, c.Forced = w.Digest, w.Forced
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

func redirect(body []byte) error {
	var to wire.Redirect
	if err := wire.Decode(body, &to); err != nil {
		return err
	}
	host, _ := wire.NodeID(to.Host) // zero: it knows of none
	return &RedirectError{room.Reign{Epoch: to.Epoch, Host: host}, to.AddrPorts()}
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
