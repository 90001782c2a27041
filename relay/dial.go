package relay

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"parley.lan/identity"
	"parley.lan/room"
	"parley.lan/wire"
)

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
		Control: c.cfg.Control, WiFi: c.cfg.WiFi, Battery: c.cfg.Battery, State: wire.FromState(c.cfg.State),
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
