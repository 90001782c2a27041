package doctor

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"parley.lan/discovery"
	"parley.lan/identity"
	"parley.lan/relay"
	"parley.lan/room"
)

// Bounds of what is tried.
const (
	maxTried   = 16 // peers that are greeted
	maxAddrs   = 3  // of each
	maxTargets = 8  // hosts joined before
)

// target is an address where a node should be.
type target struct {
	addr netip.AddrPort
	way  string // discovery.ViaJoin or ViaRemembered
	name string // as it was written
}

// targetsOf resolves --join, and adds hosts joined before.
func targetsOf(ctx context.Context, cfg Config) []target {
	ctx, cancel := context.WithTimeout(ctx, nameTime)
	defer cancel()
	var out []target
	for _, s := range cfg.Join {
		t, err := discovery.ParseTarget(s)
		if err != nil {
			continue // the command line has refused it before
		}
		addrs := []netip.Addr{t.Addr}
		if !t.Addr.IsValid() {
			if addrs, err = net.DefaultResolver.LookupNetIP(ctx, "ip", t.Name); err != nil {
				out = append(out, target{way: discovery.ViaJoin, name: s})
				continue
			}
		}
		for _, a := range addrs[:min(len(addrs), maxAddrs)] {
			out = append(out, target{netip.AddrPortFrom(a.Unmap(), t.Port), discovery.ViaJoin, s})
		}
	}
	before, _ := discovery.Remembered(filepath.Join(cfg.StateDir, "remembered"))
	for _, a := range before[:min(len(before), maxTargets)] {
		if !slices.ContainsFunc(out, func(t target) bool { return t.addr == a }) {
			out = append(out, target{a, discovery.ViaRemembered, a.String()})
		}
	}
	return out
}

func addressesOf(targets []target) []netip.Addr {
	var out []netip.Addr
	for _, t := range targets {
		if t.addr.IsValid() {
			out = append(out, t.addr.Addr())
		}
	}
	return out
}

// candidate is a peer and where to try it.
type candidate struct {
	Peer
	addrs []netip.AddrPort
}

// peersOf puts together who was heard and where somebody should be.
func peersOf(s *discovery.Surveyed, targets []target, own identity.NodeID, found []discovery.Interface) []candidate {
	var out []candidate
	for _, n := range s.Nodes {
		p := candidate{Peer: Peer{
			ID: n.ID.String(), Name: room.CleanName(n.Name, n.ID.String()[:8]), Room: room.CleanText(n.Room), Role: n.Role.String(),
			Proto: n.Proto, Locked: n.Locked, Ways: n.Ways, Here: n.Here, Answers: n.Answered, Own: n.ID == own && !own.IsZero(),
		}, addrs: n.Addrs[:min(len(n.Addrs), maxAddrs)]}
		for _, a := range n.From {
			p.From = append(p.From, a.String())
			p.OnLink = p.OnLink || onLink(found, a)
		}
		out = append(out, p)
	}
	for _, t := range targets {
		i := slices.IndexFunc(out, func(p candidate) bool { return slices.Contains(p.addrs, t.addr) })
		if i < 0 { // the same machine, whatever the port
			i = slices.IndexFunc(out, func(p candidate) bool {
				return t.addr.IsValid() && p.ID != "" && slices.Contains(p.From, t.addr.Addr().String())
			})
		}
		if i >= 0 {
			out[i].Ways = append(out[i].Ways, t.way)
			continue
		}
		p := candidate{Peer: Peer{Ways: []string{t.way}, Name: t.name}}
		if t.addr.IsValid() {
			p.addrs = []netip.AddrPort{t.addr}
			p.OnLink = onLink(found, t.addr.Addr())
		}
		out = append(out, p)
	}
	return out
}

// reach greets every peer that hosts or should, side by side.
func reach(ctx context.Context, peers []candidate, found []discovery.Interface, roomName string) []Peer {
	ctx, cancel := context.WithTimeout(ctx, reachTime)
	defer cancel()
	var trying sync.WaitGroup
	tried := 0
	for i := range peers {
		if len(peers[i].addrs) > 0 && tried < maxTried {
			tried++
			trying.Go(func() { peers[i].reach(ctx, found, roomName) })
		}
	}
	trying.Wait()
	out := []Peer{}
	for _, p := range peers {
		out = append(out, p.Peer)
	}
	return out
}

// reach greets one, at all of its addresses at once; the first one that got furthest counts.
func (p *candidate) reach(ctx context.Context, found []discovery.Interface, roomName string) {
	checks := make([]relay.Checked, len(p.addrs))
	var trying sync.WaitGroup
	for i, a := range p.addrs {
		trying.Go(func() { checks[i] = relay.Check(ctx, a, roomName) })
	}
	trying.Wait()
	best := 0
	for i, c := range checks {
		if c.Stage > checks[best].Stage {
			best = i
		}
	}
	c, at := checks[best], p.addrs[best]
	p.Addr = at.String()
	p.Route = routeTo(found, at)
	if at.Addr().Is4() && onLink(found, at.Addr()) {
		p.OnLink = true
		p.Neighbour = neighbour(at.Addr())
	}
	p.Text = textState(c)
	if c.Stage >= relay.Shaken && p.ID == "" {
		p.ID = c.ID.String()
	}
	var no *relay.RefusedError
	var elsewhere *relay.RedirectError
	switch {
	case errors.As(c.Err, &no):
		p.Refusal, p.Reason = no.Code, no.Reason
	case errors.As(c.Err, &elsewhere):
		p.Role = discovery.Member.String()
	case c.Err == nil && p.ID != "" && p.Role == "":
		p.Role, p.Room = discovery.Host.String(), roomName
	}
	switch c.Voice {
	case relay.VoicePasses:
		p.Voice = Open
	case relay.VoiceSilent:
		p.Voice = TimedOut
	case relay.VoiceRefused:
		p.Voice = RefusedPort
	}
	p.VoiceMS, p.ClockMS = ms(c.RTT), ms(c.Ahead)
}

func textState(c relay.Checked) string {
	switch err := c.Err; {
	case c.Stage == relay.Connected:
		return NoNode
	case c.Stage > relay.Connected:
		return Open
	case isAny(err, refused):
		return RefusedPort
	case isAny(err, denied):
		return Denied
	case isAny(err, unreachable):
		return Unreachable
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return TimedOut
	}
	return Failed
}

func isAny(err error, of []error) bool {
	return slices.ContainsFunc(of, func(e error) bool { return errors.Is(err, e) })
}

func inOrder(addrs []netip.Addr) []string {
	slices.SortFunc(addrs, netip.Addr.Compare)
	var out []string
	for _, a := range addrs {
		out = append(out, a.String())
	}
	return out
}
