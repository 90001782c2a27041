package node

import (
	"cmp"
	"context"
	"slices"
	"sync"

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

	// What the host says itself; nil: it did not answer, or is too old to tell.
	*Inside
	RTT float64 `json:"rtt_ms,omitempty"` // to the host and back; 0: it did not answer
}

// Inside is what a host tells of its room.
type Inside struct {
	Count      int           `json:"member_count"`
	Members    []room.Member `json:"members"` // the first 256
	Passphrase bool          `json:"passphrase"`
	PlainDoor  bool          `json:"plain_door"`
}

// Rooms looks around for the rooms on this LAN until ctx ends, and asks the hosts that it hears of. Rooms without a host, which are
// just being founded or have lost theirs, are listed with a zero host.
func Rooms(ctx context.Context, cfg Config) ([]RoomInfo, error) {
	nobody, err := identity.New() // who looks need not say who it is
	if err != nil {
		return nil, err
	}
	peers := map[room.NodeID]discovery.Peer{}
	visits := map[room.NodeID]*visit{}
	var visiting sync.WaitGroup
	err = lookAround(ctx, cfg, func(u discovery.Update) bool {
		p := u.Peer
		if p.ID.IsZero() || p.Via == discovery.ViaTold {
			return false
		}
		peers[p.ID] = p
		if p.Role == discovery.Host && len(p.Addrs) > 0 && visits[p.ID] == nil && len(visits) < maxVisits {
			v := &visit{}
			visits[p.ID] = v
			visiting.Go(func() { v.sight, v.err = relay.Look(ctx, p.Addrs, visitor(cfg, nobody, p)) })
		}
		return false
	})
	visiting.Wait()
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
	for _, r := range rooms {
		if v := visits[r.Host.ID]; v != nil && v.err == nil {
			r.see(v.sight)
		}
	}
	var out []RoomInfo
	for _, r := range rooms {
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b RoomInfo) int { return cmp.Compare(a.Room, b.Room) })
	return out, err
}

// maxVisits bounds how many hosts are asked: anybody may announce rooms without end.
const maxVisits = 64

// visit is what came of asking a host.
type visit struct {
	sight relay.Sight
	err   error
}

func (r *RoomInfo) see(s relay.Sight) {
	r.RTT = 1000 * s.RTT.Seconds()
	if s.Known {
		slices.SortFunc(s.Members, func(a, b room.Member) int { return cmp.Compare(a.Name, b.Name) })
		r.Inside = &Inside{Count: s.Count, Members: s.Members, Passphrase: s.Locked, PlainDoor: s.PlainDoor}
	}
}

// visitor is how one comes to a host without joining it.
func visitor(cfg Config, id *identity.Identity, p discovery.Peer) relay.ClientConfig {
	return relay.ClientConfig{Identity: id, Expect: p.ID, Room: p.Room, Name: cfg.Name, Logger: cfg.Log}
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
