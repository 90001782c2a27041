// Package discovery answers one question: who is on the LAN?
//
// It says what this node is (Announce) and tells what it hears of others (Updates), by multicast DNS and by
// a one-packet beacon, side by side. What it reports is hearsay: nothing here is authenticated, and nothing
// here decides who is alive. The consumer dials, and believes what TLS proves.
package discovery

import (
	"context"
	"log/slog"
	"net/netip"

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
// no proof that it is dead. Peers with a zero ID (ViaJoin, ViaRemembered) are told apart by their addresses.
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
	Passive    bool     // look, but say nothing of oneself
	Log        *slog.Logger
}

// Discovery finds nodes and lets itself be found.
type Discovery struct {
	updates chan Update
}

// New validates cfg. It starts nothing.
func New(cfg Config) (*Discovery, error) {
	return &Discovery{updates: make(chan Update)}, nil
}

// Run takes part until ctx ends, then says goodbye. Everything below has stopped when it returns.
func (d *Discovery) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// Announce sets what is said of this node from now on. A change goes out at once. It may be called before Run.
func (d *Discovery) Announce(r Record) {}

// Seek asks who is there, now and then ever more rarely. Run begins with it; call it when the host is lost.
func (d *Discovery) Seek() {}

// Updates delivers what changes, peer by peer. A slow reader misses intermediate states of a peer, never the newest.
func (d *Discovery) Updates() <-chan Update { return d.updates }

// Remember keeps a host that was really joined, for the next start.
func (d *Discovery) Remember(addr netip.AddrPort, id identity.NodeID) {}
