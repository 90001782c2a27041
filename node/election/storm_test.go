package election

import (
	"math/rand/v2"
	"testing"
	"time"

	"parley.lan/room"
)

// Whatever comes, in whatever order, the machine neither falls over nor spins, its reign never decreases,
// and of relay, dial and link it has what its state says.
func TestStorm(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 2))
		m := New(Config{Self: id("c"), Forced: r.IntN(4) == 0, Rand: r})
		var now time.Duration
		var reign, claimed room.Reign
		serving := uint64(0)
		step := func(in Input) {
			for _, o := range m.Step(now, in) {
				switch o := o.(type) {
				case Serve:
					if serving != 0 || !o.Reign.Beats(claimed) {
						t.Fatalf("seed %d: serves %v, after %v", seed, o, claimed)
					}
					serving, claimed = o.Attempt, o.Reign
				case Raise:
					if o.Attempt != serving || !o.Reign.Beats(claimed) {
						t.Fatalf("seed %d: raises to %v, from %v", seed, o, claimed)
					}
					claimed = o.Reign
				case Yield:
					if o.Attempt != serving {
						t.Fatalf("seed %d: yields %d, serves %d", seed, o.Attempt, serving)
					}
					serving = 0
				}
			}
			if f, ok := in.(ServeFailed); ok && f.Attempt == serving {
				serving = 0
			}
			if (m.State() == Host) != (serving != 0) {
				t.Fatalf("seed %d: is %v, serves %d", seed, m.State(), serving)
			}
			if reign.Beats(m.Reign()) {
				t.Fatalf("seed %d: from %v to %v", seed, reign, m.Reign())
			}
			reign = m.Reign()
			if d, ok := m.Deadline(); ok && d <= now {
				t.Fatalf("seed %d: at %v the deadline is %v, in %v", seed, now, d, m.State())
			}
		}
		step(Start{})
		for range 400 {
			now += time.Duration(r.Int64N(int64(400 * time.Millisecond)))
			step(anything(r, m, serving))
		}
		step(Stop{})
		step(Stop{})
		if out := m.Step(now+time.Hour, Tick{}); out != nil || m.State() != Stopped {
			t.Fatalf("seed %d: %v after the end", seed, out)
		}
	}
}

// anything is mostly about what is under way, and now and then about what never was.
func anything(r *rand.Rand, m *Machine, serving uint64) Input {
	who := func() room.NodeID { return room.NodeID{byte('a' + r.IntN(6))} }
	over := func() room.Reign { return room.Reign{Epoch: r.Uint64N(8), Host: who()} }
	peer := func() Peer {
		p := Peer{ID: who(), Role: Role(1 + r.IntN(3)), Reign: over(), Forced: r.IntN(4) == 0}
		p.Addr = "@" + string(p.ID[:1])
		if r.IntN(8) == 0 {
			p.ID, p.Role = room.NodeID{}, RoleUnknown
		}
		return p
	}
	n := m.try.number
	if n == 0 {
		n = m.link.attempt
	}
	if r.IntN(10) == 0 {
		n = r.Uint64N(100)
	}
	higher := room.Reign{Epoch: m.epoch + r.Uint64N(2), Host: who()}
	if m.try.to != nil && r.IntN(4) > 0 {
		higher.Host = m.try.to.ID
	}
	about := room.Reign{Epoch: m.reign.Epoch, Host: m.reign.Host}
	if r.IntN(4) == 0 {
		about = over()
	}
	switch r.IntN(26) {
	case 0, 1, 2:
		return Seen{peer()}
	case 3:
		return Unseen{peer()}
	case 4, 5:
		return Joined{Attempt: n, Reign: higher, Forced: r.IntN(4) == 0}
	case 6:
		return NotHost{n, peer()}
	case 7:
		if r.IntN(10) == 0 {
			return Refused{n, "no"}
		}
		return JoinFailed{n, "failed"}
	case 8:
		return HostGone{Attempt: n, Left: r.IntN(2) == 0, Reason: "gone"}
	case 9:
		return MoveTo{n, peer()}
	case 10:
		return Raised{n, room.Reign{Epoch: m.epoch + 1, Host: m.reign.Host}}
	case 11:
		return Served{serving}
	case 12:
		if r.IntN(4) == 0 {
			return ServeFailed{serving, "failed"}
		}
		return Knock{ID: who(), Reign: over()}
	case 16, 17:
		in := Heartbeat{Attempt: n, Reign: about, Members: 3, WiFi: r.IntN(2) == 0}
		for range r.IntN(5) {
			in.Successors = append(in.Successors, peer())
		}
		return in
	case 18:
		return Pong{m.probe.number, Answer(r.IntN(4)), peer()}
	case 19:
		return Asked{who(), r.Uint64N(9), about}
	case 20:
		return Told{m.query, who(), r.IntN(2) == 0, peer()}
	case 21:
		return TakeOver{n}
	case 22:
		in := Roster{Attempt: serving}
		for range r.IntN(6) {
			in.Members = append(in.Members, Candidate{Peer: peer(), Wired: r.IntN(2) == 0, RTT: time.Duration(r.Int64N(1e7))})
		}
		return in
	case 23:
		return Yielded{n}
	case 24:
		return Knock{who(), over(), Terms{true, r.IntN(4) == 0, r.IntN(4) == 0, r.IntN(9), time.Duration(r.Int64N(1e10))}, "@x"}
	case 25:
		if r.IntN(100) == 0 {
			return Twin{n}
		}
	case 13:
		if r.IntN(10) == 0 {
			return Woke{}
		}
		return Knock{ID: who(), Reign: higher}
	}
	return Tick{}
}
