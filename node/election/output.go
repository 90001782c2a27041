package election

import "parley.lan/room"

// Output is something for the driver to do.
type Output interface{ output() }

type (
	// Seek asks discovery to look around now. What it knows already has been fed as Seen.
	Seek struct{}

	// Announce is what to say of this node on the LAN from now on, in place of what was said before. Peer.Role
	// and the rest at the other nodes come from here. A host's first one in a reign also goes out as a CLAIM: down
	// every warm connection to it, on the link that it still has (a hand-over), and as a datagram to every
	// member of the last roster. No mDNS is on the path of a failover.
	Announce struct {
		Role   Role
		Reign  room.Reign // led, followed, or followed last
		Forced bool
	}

	// Join dials To, tells it Reign (led or followed last: the host raises its epoch above it) and Terms, and
	// answers with Joined, NotHost, Refused, Twin or JoinFailed. It takes the warm connection to To where there
	// is one. The log is compared after Joined, not before. A host is asked to Join while it serves on, and a
	// member while it follows its old host: make before break.
	Join struct {
		Attempt uint64
		To      Peer
		Reign   room.Reign
		Terms   Terms // a host's: the offer to merge
	}

	// Leave gives up a dial, or closes the connection that came of it. Nothing more about it is wanted.
	Leave struct {
		Attempt uint64
		Reason  string // for the log
	}

	// Followed says that the node is To's member from now on, by the connection that Attempt made. Of an
	// unknown peer the ID is known now. A link that was there before is to be closed once this one carries what
	// is said; to a host that has sent its members on, its end is the acknowledgement.
	Followed struct {
		Attempt uint64
		To      Peer
		Reign   room.Reign
	}

	// Serve starts the relay of this reign, on the ports of Prepare if those are bound, and then, on Served, the
	// node's own client to it. A link that is there stays until Leave: a hand-over needs both. A driver that
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

	// Refer answers Knock: we aren't the host for it, To is, as far as we know. A zero To: we don't know, or a
	// merge is under way; come again. To naming the caller itself: it prevails, and we come to it.
	Refer struct {
		ID room.NodeID
		To Peer
	}

	// Succession is the reign's list of successors, the first one first. The relay carries it in its welcomes
	// and heartbeats.
	Succession struct {
		Attempt    uint64 // of Serve
		Reign      room.Reign
		Successors []Peer
	}

	// HandOver asks the member To to host from now on (HANDOVER, on its link), after everything in the log so
	// far has gone to it.
	HandOver struct {
		Attempt uint64 // of Serve
		To      Peer
	}

	// Yield ends the relay that Serve started: it tells its members where the host is (MOVE), lets nobody in,
	// and passes on what they say and what comes from To until each has gone, or for MoveTime; then it closes, and
	// Yielded answers. The connection to To is already there. A zero Addr means just goodbye, and nothing to
	// wait for.
	Yield struct {
		Attempt uint64
		To      Peer
	}

	// Warm keeps one idle connection to To, the first successor, authenticated and ready for Join, in place of
	// any other; a zero To: none. It is a matter of speed alone: nothing is fed when it fails, and the driver tries
	// again as it likes.
	Warm struct{ To Peer }

	// Prepare binds the relay's ports without serving (On), for this node is the first successor, or gives
	// them up.
	Prepare struct{ On bool }

	// Ping asks To, at the application's level, whether it hosts and whether this node is its member: on the link,
	// if it is up, and by a fresh connection, side by side. The first answer is the Pong.
	Ping struct {
		Probe uint64
		To    Peer
	}

	// Ask asks every other member of the last roster, MaxAsk at most and successors first, whether it hears
	// About's host (ASK).
	Ask struct {
		Probe uint64
		About room.Reign
	}

	// Tell answers Asked (TELL).
	Tell struct {
		ID    room.NodeID
		Probe uint64
		Hears bool
		Host  Peer
	}

	// Saw tells our host, on the link, of another host (SAW), for the two to merge.
	Saw struct {
		Attempt uint64
		Peer    Peer
	}

	// Rekey says that another run of this node's key keeps it. The machine is stopped: the driver makes itself
	// a new key, says so, and starts a new machine with it.
	Rekey struct{}

	// Lost says that the node is without a host, and looks again. Not said of members that were only moved.
	Lost struct{ Reason string }

	// Outforced says, once a run, that this node was started with --host and so was By, which prevails. The
	// node stays By's member.
	Outforced struct{ By Peer }

	// GiveUp says that the room has refused this node and nobody else has let it in: hosting a second room of
	// the same name would help nobody. It is the last output.
	GiveUp struct{ Reason string }
)

func (Seek) output()       {}
func (Announce) output()   {}
func (Join) output()       {}
func (Leave) output()      {}
func (Followed) output()   {}
func (Serve) output()      {}
func (Raise) output()      {}
func (Admit) output()      {}
func (Refer) output()      {}
func (Yield) output()      {}
func (Succession) output() {}
func (HandOver) output()   {}
func (Warm) output()       {}
func (Prepare) output()    {}
func (Ping) output()       {}
func (Ask) output()        {}
func (Tell) output()       {}
func (Saw) output()        {}
func (Rekey) output()      {}
func (Lost) output()       {}
func (Outforced) output()  {}
func (GiveUp) output()     {}
