package relay

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"parley.lan/room"
	"parley.lan/wire"
)

// What a member tells its host for the election.

// Quiet ends the saying of messages over this connection: another one does that from now on.
func (c *Client) Quiet() { c.quiet.Store(true) }

// FollowElsewhere answers Moved: this node follows the other host, and the old one need not wait for it.
func (c *Client) FollowElsewhere() {
	c.Quiet()
	c.post(mustAppend(wire.TMoved, struct{}{}))
}

// SetState tells the host what this node does from now on, unless it knows. For one goroutine.
func (c *Client) SetState(s room.State) {
	if s == c.cfg.State {
		return
	}
	c.cfg.State = s
	w := wire.FromState(s)
	if w == nil {
		w = &wire.State{}
	}
	c.post(mustAppend(wire.TState, w))
}

// SetName tells the host what this node calls itself from now on, unless it knows. For one goroutine.
func (c *Client) SetName(name string) {
	if name == c.cfg.Name {
		return
	}
	c.cfg.Name = name
	c.post(mustAppend(wire.TRename, wire.Rename{Name: name}))
}

// Ready tells the host that this node's own relay stands by at a port; 0 when it does no more.
func (c *Client) Ready(textPort uint16) { c.post(mustAppend(wire.TReady, wire.Ready{Text: textPort})) }

// Saw tells the host of another one.
func (c *Client) Saw(h Host) {
	p := wire.Peer{Epoch: h.Reign.Epoch, Host: h.Reign.Host[:], Forced: h.Forced}
	for _, a := range h.Addrs {
		p.Addrs = append(p.Addrs, a.String())
	}
	c.post(mustAppend(wire.TSaw, p))
}

// Claim tells the old host that this node hosts now.
func (c *Client) Claim(r room.Reign, forced bool, textPort uint16) {
	c.post(mustAppend(wire.TSaw, wire.Here(r, forced, textPort)))
}

// Ping asks for Answered with the same number, which is not 0.
func (c *Client) Ping(probe uint64) {
	if c.voice != nil {
		c.voice.ping(probe)
	}
}

// Probed is a node's answer to Probe.
type Probed struct {
	Hosts bool
	Yours bool // we are among its members
	Host  Host // where the room is hosted, as far as it knows
}

// Probe asks a node, over a connection of its own, whether it hosts the room. A machine on which nobody listens is the
// network's error.
func Probe(ctx context.Context, addrs []netip.AddrPort, cfg ClientConfig) (Probed, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	c, err := shake(ctx, addrs, cfg)
	if err != nil {
		return Probed{}, err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, c.Close)()
	p, err := c.probe(false)
	if err != nil {
		return Probed{}, err
	}
	return Probed{p.Hosts, p.Yours, HostOf(p.Host, c.Addr().Addr())}, nil
}

func (c *Client) probe(look bool) (p wire.Probed, err error) {
	if _, err := c.conn.Write(mustAppend(wire.TProbe, wire.Probe{Room: c.cfg.Room, Look: look})); err != nil {
		return p, err
	}
	typ, body, err := wire.Read(c.r, wire.MaxFrame)
	if err != nil {
		return p, fmt.Errorf("probe %s: %w", c.Addr(), err)
	}
	if typ != wire.TProbed {
		return p, fmt.Errorf("probe %s: unexpected frame type %d", c.Addr(), typ)
	}
	return p, wire.Decode(body, &p)
}

// Warm is an idle connection to a node that will host, should the host fail: authenticated, so that joining it takes
// one exchange.
type Warm struct {
	c *Client

	mu    sync.Mutex
	taken bool
	idle  chan struct{} // closed when nobody reads
}

// DialWarm connects and learns that the right node is there. Then Watch is to be called.
func DialWarm(ctx context.Context, addrs []netip.AddrPort, cfg ClientConfig) (*Warm, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	c, err := shake(ctx, addrs, cfg)
	if err != nil {
		return nil, err
	}
	return &Warm{c: c, idle: make(chan struct{})}, nil
}

// Watch reads until the connection ends, ctx does, or Dial takes it. claimed gets the word that its node hosts now.
func (w *Warm) Watch(ctx context.Context, claimed func(Host)) error {
	defer close(w.idle)
	stop := context.AfterFunc(ctx, w.c.Close)
	defer stop()
	for {
		if _, err := w.c.r.Peek(1); err != nil { // takes nothing, so that Dial may interrupt it
			if w.take() {
				w.c.Close()
			}
			return err
		}
		w.deadline(time.Now().Add(warmTime))
		typ, body, err := wire.Read(w.c.r, wire.MaxGreeting)
		if err != nil || typ != wire.TSaw {
			w.c.Close()
			return errors.Join(err, errors.New("the warm connection says nonsense"))
		}
		h, err := w.c.peer(body)
		if err != nil {
			w.c.Close()
			return err
		}
		claimed(h)
		w.deadline(time.Time{})
	}
}

// deadline is for the watching, which ends when the connection is taken.
func (w *Warm) deadline(t time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.taken {
		w.c.conn.SetReadDeadline(t)
	}
}

// take makes the connection the caller's; false when it is somebody's already.
func (w *Warm) take() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.taken {
		return false
	}
	w.taken = true
	w.c.conn.SetReadDeadline(time.Unix(1, 0)) // ends the watching
	return true
}

// greet makes a member's connection of it.
func (w *Warm) greet(ctx context.Context, cfg ClientConfig) (*Client, error) {
	if !w.take() {
		return nil, errors.New("taken, or broken")
	}
	<-w.idle
	w.c.conn.SetReadDeadline(time.Time{})
	w.c.cfg = cfg
	ctx, cancel := context.WithTimeout(ctx, warmTime)
	defer cancel()
	return w.c.greeted(ctx)
}
