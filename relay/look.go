package relay

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"parley.lan/room"
)

// Sight is what a room looks like from outside.
type Sight struct {
	RTT       time.Duration // to the host and back, the shortest of three
	Known     bool          // the host has told the rest; older ones don't
	Count     int           // of members
	Members   []room.Member // the first of them
	PlainDoor bool
	Locked    bool // it has a passphrase
}

// errNotHere: who was taken for the host hosts nothing now.
var errNotHere = errors.New("the host is elsewhere")

// Look asks a room's host what the room looks like. Nobody in the room notices.
func Look(ctx context.Context, addrs []netip.AddrPort, cfg ClientConfig) (s Sight, err error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	c, err := shake(ctx, addrs, cfg)
	if err != nil {
		return s, err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, c.Close)()
	for i := range 3 {
		asked := time.Now()
		p, err := c.probe(i == 0) // and twice more for the time alone
		took := time.Since(asked)
		switch {
		case err != nil && i > 0:
			return s, nil // an older host answers once
		case err != nil:
			return s, err
		case !p.Hosts:
			return s, errNotHere
		}
		if i == 0 || took < s.RTT {
			s.RTT = took
		}
		if v := p.Sight; v != nil {
			s.Known, s.PlainDoor, s.Locked = true, v.PlainDoor, v.Locked
			for _, m := range v.Members {
				if m, ok := m.Room(); ok {
					s.Members = append(s.Members, m)
				}
			}
			s.Count = max(v.Count, len(s.Members))
		}
	}
	return s, nil
}
