package node

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"parley.lan/node/election"
	"parley.lan/room"
	"parley.lan/wire"
)

// quietNode is a node that does nothing but listen to control datagrams; the test is its loop.
func quietNode(t *testing.T, name string) *Node {
	t.Helper()
	n, err := New(Config{Name: name, Room: "lobby", StateDir: t.TempDir(), Ifaces: []string{"lo"}})
	if err != nil {
		t.Fatal(err)
	}
	if n.control.udp == nil {
		t.Fatal("no control port")
	}
	n.addrs, n.askers = map[string][]netip.AddrPort{}, map[room.NodeID]uint64{}
	ctx, cancel := context.WithCancel(context.Background())
	n.ctx = ctx
	done := make(chan struct{})
	go func() { defer close(done); n.listenControl(ctx) }()
	t.Cleanup(func() { cancel(); n.control.close(); <-done })
	return n
}

func (n *Node) controlAddr() netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), n.control.port())
}

// line is the node's in others' rosters.
func (n *Node) line() room.Member {
	m := n.self()
	m.Control = n.controlAddr()
	return m
}

// next is what the node's loop would take next.
func (n *Node) next(t *testing.T) heardControl {
	t.Helper()
	select {
	case p := <-n.posts:
		c, ok := p.(heardControl)
		if !ok {
			t.Fatalf("%s was posted %T", n.cfg.Name, p)
		}
		return c
	case <-time.After(10 * time.Second):
		t.Fatalf("%s was told nothing", n.cfg.Name)
		return heardControl{}
	}
}

func TestControlOfStrangersIsDropped(t *testing.T) {
	ada, bob, eve := quietNode(t, "ada"), quietNode(t, "bob"), quietNode(t, "eve")
	ada.roster.set([]room.Member{ada.line(), bob.line()})
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(ada.controlAddr()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	send := func(from *Node, change func(*wire.Control)) {
		t.Helper()
		c := wire.Control{Kind: wire.Ask, Room: "lobby", To: ada.id.ID[:], Run: 1, Probe: 2}
		change(&c)
		b, err := wire.SignControl(from.id.Key, c)
		if err != nil {
			t.Fatal(err)
		}
		if c.Probe == 77 {
			b[0] ^= 1
		}
		conn.Write(b)
	}
	send(bob, func(c *wire.Control) { c.Room = "attic" })
	send(bob, func(c *wire.Control) { c.To = bob.id.ID[:] })
	send(bob, func(c *wire.Control) { c.To = nil })
	send(eve, func(*wire.Control) {})
	send(bob, func(c *wire.Control) { c.Probe = 77 }) // not his signature
	conn.Write([]byte("hello"))
	send(bob, func(c *wire.Control) { c.Probe = 3 })
	if got := ada.next(t); got.Probe != 3 || got.From() != bob.id.ID || got.from != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("taken: %+v", got)
	}
}

// A TELL counts for the run that asked: one that comes after a restart, or is sent again by somebody, is an answer to
// nothing.
func TestTellsOfAnEarlierRunAreDropped(t *testing.T) {
	ada, bob := quietNode(t, "ada"), quietNode(t, "bob")
	for _, n := range []*Node{ada, bob} {
		n.roster.set([]room.Member{ada.line(), bob.line()})
	}
	ada.askPeers(election.Ask{Probe: 7, About: room.Reign{Epoch: 3, Host: room.NodeID{9}}})
	asked := bob.next(t)
	if asked.Kind != wire.Ask || asked.From() != ada.id.ID || asked.Probe != 7 || asked.About.Reign() != (room.Reign{Epoch: 3, Host: room.NodeID{9}}) {
		t.Fatalf("bob was asked %+v", asked)
	}
	bob.heard(asked)
	bob.tellPeer(election.Tell{ID: ada.id.ID, Probe: 7, Hears: true, Host: election.Peer{
		ID: room.NodeID{9}, Addr: "10.0.0.9:2222", Reign: room.Reign{Epoch: 3, Host: room.NodeID{9}},
	}})
	if len(bob.askers) != 0 {
		t.Errorf("bob keeps questions that he has answered: %v", bob.askers)
	}
	answer := ada.next(t)
	if answer.Kind != wire.Tell || !answer.Hears || answer.Probe != 7 {
		t.Fatalf("ada was told %+v", answer)
	}
	run := ada.run
	ada.run++
	ada.heard(answer)
	if len(ada.addrs) != 0 {
		t.Error("the next run took the answer")
	}
	ada.run = run
	ada.heard(answer)
	if len(ada.addrs) != 1 {
		t.Error("the run that asked did not take the answer")
	}
}

// A claim is only the claimant's own.
func TestClaimInAnothersNameIsDropped(t *testing.T) {
	ada, bob := quietNode(t, "ada"), quietNode(t, "bob")
	for _, n := range []*Node{ada, bob} {
		n.roster.set([]room.Member{ada.line(), bob.line()})
	}
	claim := func(host room.NodeID) {
		bob.sendControl(ada.id.ID, wire.Control{Kind: wire.Claim, Host: wire.Here(room.Reign{Epoch: 4, Host: host}, false, 2222)})
		ada.heard(ada.next(t))
	}
	claim(room.NodeID{9})
	if len(ada.addrs) != 0 {
		t.Error("bob claimed for somebody else")
	}
	claim(bob.id.ID)
	if _, ok := ada.addrs["127.0.0.1:2222"]; !ok {
		t.Errorf("bob's own claim was not taken, or not at his address: %v", ada.addrs)
	}
}

// A flood of questions from one member must not make the node forget those of another.
func TestFloodOfQuestionsPushesNobodyOut(t *testing.T) {
	ada, bob, eve := quietNode(t, "ada"), quietNode(t, "bob"), quietNode(t, "eve")
	for _, n := range []*Node{ada, bob, eve} {
		n.roster.set([]room.Member{ada.line(), bob.line(), eve.line()})
	}
	ask := func(from *Node, probe uint64) {
		from.sendControl(ada.id.ID, wire.Control{Kind: wire.Ask, Probe: probe, Run: from.run})
		ada.heard(ada.next(t))
	}
	ask(bob, 7)
	for i := range maxAskers + 10 {
		ask(eve, uint64(i))
	}
	ada.tellPeer(election.Tell{ID: bob.id.ID, Probe: 7, Hears: true})
	if got := bob.next(t); got.Run != bob.run || got.Probe != 7 {
		t.Errorf("bob was told %+v", got)
	}
}
