package node

import (
	"cmp"
	"context"
	"slices"

	"parley.lan/discovery"
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
