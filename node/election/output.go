package election

import "parley.lan/room"

// Output is something for the driver to do.
type Output interface{ output() }

type (
	// Seek asks discovery to look around now. What it knows already has been fed as Seen.
	Seek struct{}

	// Announce is what to say of this node on the LAN from now on, in place of what was said before. Peer.Role
	// and the rest at the other nodes come from here.
	Announce struct {
		Role   Role
		Reign  room.Reign // led, followed, or followed last
		Forced bool
	}

	// Join dials To, tells it Reign (led or followed last: the host raises its epoch above it), and answers
	// with Joined, NotHost, Refused or JoinFailed. The log is compared after Joined, not before. A host is
	// asked to Join while it serves on: that is how it meets one that prevails.
	Join struct {
		Attempt uint64
		To      Peer
		Reign   room.Reign
	}

	// Leave gives up a dial, or closes the connection that came of it. Nothing more about it is wanted.
	Leave struct {
		Attempt uint64
		Reason  string // for the log
	}

	// Followed says that the node is To's member from now on, by the connection that Attempt made. Of an
	// unknown peer the ID is known now.
	Followed struct {
		Attempt uint64
		To      Peer
		Reign   room.Reign
	}

	// Serve starts the relay of this reign and then, on Served, the node's own client to it. A driver that
	// can keeps Reign.Epoch for Config.Epoch before it serves; Raise likewise.
	Serve struct {
		Attempt uint64
		Reign   room.Reign
	}

	// Raise gives the running relay a higher reign, which it tells its members (Raised).
	Raise struct {
		Attempt uint64
		Reign   room.Reign
	}

	// Admit answers Knock: welcome it into Reign. Raise, if any, comes before.
	Admit struct {
		ID    room.NodeID
		Reign room.Reign
	}

	// Refer answers Knock: we aren't the host for it, To is, as far as we know (a zero Addr: we don't).
	Refer struct {
		ID room.NodeID
		To Peer
	}

	// Yield ends the relay that Serve started: it tells its members where the host is (MoveTo; a zero Addr
	// means just goodbye) and stops. The connection to To is already there.
	Yield struct {
		Attempt uint64
		To      Peer
	}

	// Lost says that the node is without a host, and looks again. Not said of members that were only moved.
	Lost struct{ Reason string }

	// Outforced says, once a run, that this node was started with --host and so was By, which prevails. The
	// node stays By's member.
	Outforced struct{ By Peer }

	// GiveUp says that the room has refused this node and nobody else has let it in: hosting a second room of
	// the same name would help nobody. It is the last output.
	GiveUp struct{ Reason string }
)

func (Seek) output()      {}
func (Announce) output()  {}
func (Join) output()      {}
func (Leave) output()     {}
func (Followed) output()  {}
func (Serve) output()     {}
func (Raise) output()     {}
func (Admit) output()     {}
func (Refer) output()     {}
func (Yield) output()     {}
func (Lost) output()      {}
func (Outforced) output() {}
func (GiveUp) output()    {}
