package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"parley.lan/discovery"
	"parley.lan/identity"
	"parley.lan/relay"
	"parley.lan/room"
)

// RoomInfo is one room found on the LAN.
type RoomInfo struct {
	Room  string   `json:"room"`
	Epoch uint64   `json:"epoch"`
	Host  HostInfo `json:"host"`
	Nodes int      `json:"nodes"` // that announce themselves for it, the host included
}

// Rooms looks around for the rooms on this LAN until ctx ends. Rooms without a host, which are just being
// founded or have lost theirs, are listed with a zero host.
func Rooms(ctx context.Context, cfg Config) ([]RoomInfo, error) {
	peers := map[room.NodeID]discovery.Peer{}
	err := lookAround(ctx, cfg, func(u discovery.Update) bool {
		if !u.Peer.ID.IsZero() && u.Peer.Via != discovery.ViaTold {
			peers[u.Peer.ID] = u.Peer
		}
		return false
	})
	rooms := map[string]*RoomInfo{}
	for _, p := range peers {
		r := rooms[p.Room]
		if r == nil {
			r = &RoomInfo{Room: p.Room}
			rooms[p.Room] = r
		}
		r.Nodes++
		if p.Role == discovery.Host && len(p.Addrs) > 0 && p.Epoch >= r.Epoch {
			r.Epoch = p.Epoch
			r.Host = HostInfo{Person{p.ID, room.CleanName(p.Name, p.ID.String()[:8])}, p.Addrs[0].String()}
		}
	}
	var out []RoomInfo
	for _, r := range rooms {
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b RoomInfo) int { return cmp.Compare(a.Room, b.Room) })
	return out, err
}

// History fetches, as an observer whom nobody sees, the messages that the room's host holds, oldest first.
func History(ctx context.Context, cfg Config) ([]Message, error) {
	if cfg.Room == "" {
		cfg.Room = defaultRoom
	}
	id, err := identity.Load(cfg.StateDir)
	if err != nil {
		return nil, err
	}
	var log *room.Log
	var last error
	err = lookAround(ctx, cfg, func(u discovery.Update) bool {
		p := u.Peer
		if u.Gone || len(p.Addrs) == 0 || !p.ID.IsZero() && p.Room != cfg.Room {
			return false
		}
		l, err := fetch(ctx, cfg, id, p)
		if err != nil {
			last = err
			return false
		}
		log = l
		return true
	})
	switch {
	case log == nil && last != nil:
		return nil, fmt.Errorf("room %q: %w", cfg.Room, last)
	case log == nil && (err == nil || errors.Is(err, context.DeadlineExceeded)):
		return nil, fmt.Errorf("nobody hosts room %q here; node rooms lists the rooms that there are", cfg.Room)
	case log == nil:
		return nil, err
	}
	var out []Message
	for _, e := range log.Entries() {
		if m, ok := message(id, room.Arrival{Entry: e}); ok {
			m.Mine = e.Author == id.ID && e.Msg.Kind != room.Plain
			m.History = true
			out = append(out, m)
		}
	}
	return out, nil
}

// fetch gets the log of one host.
func fetch(ctx context.Context, cfg Config, id *identity.Identity, p discovery.Peer) (*room.Log, error) {
	log := room.NewLog()
	client, err := relay.Dial(ctx, p.Addrs, relay.ClientConfig{
		Identity: id, Expect: p.ID, Room: cfg.Room, Name: cfg.Name, Log: log, Outbox: room.NewOutbox(),
		Observer: true, Logger: cfg.Log,
	})
	if err != nil {
		return nil, err
	}
	ctx, done := context.WithCancel(ctx)
	defer done()
	whole := false
	err = client.Run(ctx, func(n relay.Notice) {
		if _, ok := n.(relay.Synced); ok {
			whole = true
			done()
		}
	})
	if !whole && err == nil {
		err = ctx.Err()
	}
	if !whole {
		return nil, err
	}
	return log, nil
}

// lookAround gives what discovery hears to see, until ctx ends or see has enough.
func lookAround(ctx context.Context, cfg Config, see func(discovery.Update) bool) error {
	d, err := discovery.New(discovery.Config{Passive: true, Ifaces: cfg.Ifaces, Join: cfg.Join, Log: cfg.Log})
	if err != nil {
		return err
	}
	looking, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- d.Run(looking) }()
	defer stop()
	for {
		select {
		case err := <-ended:
			return err
		case u := <-d.Updates():
			if see(u) {
				stop()
				return <-ended
			}
		}
	}
}
