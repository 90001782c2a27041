package discovery

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// resolve looks a --join name up, until it is found and then now and then, for addresses change.
func (r *run) resolve(ctx context.Context, t Target) {
	for said := false; ; {
		lookup, cancel := context.WithTimeout(ctx, resolveTimeout)
		found, err := net.DefaultResolver.LookupNetIP(lookup, "ip", t.Name)
		cancel()
		wait := resolveAgain
		if err != nil {
			wait = resolveRetry
			if !said && ctx.Err() == nil {
				said = true
				r.log.Warn("an address to join is not known by that name; trying on", "name", t.Name, "err", err)
			}
		}
		var addrs []netip.AddrPort
		for _, a := range found {
			if a = a.Unmap(); usable(a) && len(addrs) < maxAddrs {
				addrs = append(addrs, netip.AddrPortFrom(a, t.Port))
			}
		}
		if len(addrs) > 0 {
			select {
			case r.resolved <- addrs:
			case <-ctx.Done():
			}
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}
