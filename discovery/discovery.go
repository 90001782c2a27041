// Package discovery answers one question: who is on the LAN?
//
// It says what this node is (Announce) and tells what it hears of others (Updates), by multicast DNS and by
// a one-packet beacon, side by side. What it reports is hearsay: nothing here is authenticated, and nothing
// here decides who is alive. The consumer dials, and believes what TLS proves.
//
// The decisions are values without I/O or clock (cache, book, answerer, backoff, burst); one loop (run) owns them and
// the sockets (network).
package discovery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"

	"parley.lan/identity"
)

// How a Peer was found.
const (
	ViaMDNS       = "mdns"
	ViaBeacon     = "beacon"
	ViaTold       = "told"       // a member of its room named it
	ViaRemembered = "remembered" // in the cache file; ID is zero
	ViaJoin       = "join"       // in Config.Join; ID is zero
)

// Peer is a Record as heard, with where its node can be reached.
type Peer struct {
	Record
	Addrs []netip.AddrPort // text port, best first; empty when the peer does not host
	Via   string
}

// Update is the newest state of one peer. Gone means that it said goodbye or was not heard for a while, which is
// no proof that it is dead. Peers with a zero ID (ViaJoin, ViaRemembered) are told apart by their addresses, and
// never go.
type Update struct {
	Peer Peer
	Gone bool
}

// Config is what a Discovery is made from.
type Config struct {
	ID         identity.NodeID
	Ifaces     []string // use only these network interfaces; none means all suitable ones
	Remembered string   // file that keeps the hosts joined before; "" keeps none
	Join       []string // further addresses, as ParseTarget reads them
	Passive    bool     // look, but say nothing of oneself; ID is ignored, so a node of this id is found as any other
	Log        *slog.Logger
}

// Discovery finds nodes and lets itself be found.
type Discovery struct {
	cfg     Config
	targets []Target
	updates chan Update
	wake    chan struct{} // one token: there is something in wants

	mu    sync.Mutex
	wants wants
}

// wants is what the consumer asked for since Run looked last.
type wants struct {
	announce *Record // the last
	seek     bool
	remember []known // the last maxRemembered
}

// New validates cfg. It starts nothing.
func New(cfg Config) (*Discovery, error) {
	if cfg.ID.IsZero() && !cfg.Passive {
		return nil, errors.New("discovery: no id to announce")
	}
	if cfg.Passive {
		cfg.ID = identity.NodeID{}
	}
	if len(cfg.Join) > maxJoin {
		return nil, fmt.Errorf("discovery: %d addresses to join, at most %d", len(cfg.Join), maxJoin)
	}
	d := &Discovery{cfg: cfg, updates: make(chan Update), wake: make(chan struct{}, 1)}
	for _, s := range cfg.Join {
		t, err := ParseTarget(s)
		if err != nil {
			return nil, err
		}
		d.targets = append(d.targets, t)
	}
	if d.cfg.Log == nil {
		d.cfg.Log = slog.New(slog.DiscardHandler)
	}
	return d, nil
}

// Run takes part until ctx ends, then says goodbye. Everything below has stopped when it returns. It must be
// called once.
func (d *Discovery) Run(ctx context.Context) error {
	return newRun(d).loop(ctx)
}

// Announce sets what is said of this node from now on. A change goes out at once. It may be called before Run, and
// does nothing when Passive. The record's ID is ignored, the room's and the node's names are cut to MaxText bytes.
func (d *Discovery) Announce(rec Record) {
	rec.ID = d.cfg.ID
	rec.Room, rec.Name = cut(printable(rec.Room)), cut(printable(rec.Name))
	if d.cfg.Passive {
		return
	}
	d.want(func(w *wants) { w.announce = &rec })
}

// Seek asks who is there, now and then ever more rarely. Run begins with it; call it when the host is lost.
func (d *Discovery) Seek() { d.want(func(w *wants) { w.seek = true }) }

// Updates delivers what changes, peer by peer. A slow reader misses intermediate states of a peer, never the newest.
// The channel is never closed.
func (d *Discovery) Updates() <-chan Update { return d.updates }

// Remember keeps a host that was really joined, for the next start.
func (d *Discovery) Remember(addr netip.AddrPort, id identity.NodeID) {
	addr = netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
	d.want(func(w *wants) { w.remember = remember(w.remember, known{addr, id}) })
}

func (d *Discovery) want(set func(*wants)) {
	d.mu.Lock()
	set(&d.wants)
	d.mu.Unlock()
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func (d *Discovery) wanted() wants {
	d.mu.Lock()
	defer d.mu.Unlock()
	w := d.wants
	d.wants = wants{}
	return w
}
