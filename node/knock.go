package node

import (
	"net/netip"
	"time"

	"parley.lan/node/election"
	"parley.lan/room"
	"parley.lan/wire"
)

// verdict answers a node at the door.
type verdict struct {
	admit bool
	refer wire.Peer
}

func (n *Node) answerKnock(k knock) {
	if n.serving == nil || n.serving != k.at {
		k.answer <- verdict{}
		return
	}
	n.serving.knocks[k.ID] = append(n.serving.knocks[k.ID], k.answer)
	in := election.Knock{ID: k.ID, Reign: k.Reign}
	if t := k.Terms; t != nil {
		in.Terms = election.Terms{
			Hosting: true, Yields: t.Yields, Forced: t.Forced, Members: t.Members,
			Age: time.Duration(min(t.Age, uint64(maxAge/time.Millisecond))) * time.Millisecond,
		}
		if k.Addr.IsValid() {
			in.Addr = n.remember([]netip.AddrPort{k.Addr})
		}
	}
	n.step(in)
}

// candidates tells the machine who could host next.
func (n *Node) candidates() {
	if n.serving == nil {
		return
	}
	in := election.Roster{Attempt: n.serving.attempt}
	for _, c := range n.serving.server.Candidates() {
		p := election.Candidate{
			Peer:  election.Peer{ID: c.ID, Role: election.RoleMember},
			Wired: !c.WiFi, Mains: !c.Battery, Uptime: time.Since(c.Since), RTT: c.RTT,
		}
		if c.Text.IsValid() {
			p.Addr = c.Text.String()
		}
		in.Members = append(in.Members, p)
	}
	n.step(in)
}

func (n *Node) succession(o election.Succession) {
	if n.serving == nil || n.serving.attempt != o.Attempt {
		return
	}
	heirs := make([]wire.Peer, len(o.Successors))
	for i, p := range o.Successors {
		heirs[i] = n.wirePeer(p)
	}
	n.serving.server.SetHeirs(heirs)
}

func (n *Node) verdict(id room.NodeID, admit bool, refer wire.Peer) {
	if n.serving == nil {
		return
	}
	for _, answer := range n.serving.knocks[id] {
		answer <- verdict{admit, refer}
	}
	delete(n.serving.knocks, id)
}
