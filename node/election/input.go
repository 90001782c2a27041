package election

import (
	"time"

	"parley.lan/room"
)

// Role is what a peer says it does in the room.
type Role uint8

const (
	RoleUnknown Role = iota // nothing is known but an address that somebody gave
	RoleLooking
	RoleMember
	RoleHost
)

func (r Role) String() string { return [...]string{"unknown", "looking", "member", "host"}[r] }

// Peer is another node of the room, as heard. All of it is hearsay until TLS proves the ID.
type Peer struct {
	ID     room.NodeID // zero with RoleUnknown: then Addr tells peers apart
	Addr   string      // how to reach it: opaque here, compared only. The same set of addresses must always be the same string
	Role   Role
	Reign  room.Reign // that it leads, follows, or followed last; Host is zero when only the epoch is known
	Forced bool       // started with --host
	Run    uint64     // of its process; 0 when unknown
}

// Terms are what a host brings to a merge: they decide which of two hosts remains one.
type Terms struct {
	Hosting bool          // the sender hosts; without that the rest means nothing
	Yields  bool          // the merge is decided: the sender comes to follow
	Forced  bool          // started with --host
	Members int           // in its room, itself included
	Age     time.Duration // of its reign
}

// Candidate is a member that may succeed its host.
type Candidate struct {
	Peer
	Wired  bool          // not on Wi-Fi, by its own word
	Mains  bool          // not on battery, by its own word
	Uptime time.Duration // of its process, as far as the host knows
	RTT    time.Duration // to the host, smoothed; 0 when unknown
}

// Answer is what came of a Ping.
type Answer uint8

const (
	Yours    Answer = iota // PONG: the host counts us among its members
	Stranger               // PONG: it hosts, and doesn't know us
	NotHosts               // PONG: it hosts no more. Hint may tell who does
	Closed                 // its machine says at once that nothing listens there: connection refused, ICMP port unreachable
)

func (a Answer) String() string { return [...]string{"yours", "stranger", "not-hosts", "closed"}[a] }

// Input is something that happened.
type Input interface{ input() }

type (
	// Start begins the search. It is the first input.
	Start struct{}

	// Tick says only that time has passed.
	Tick struct{}

	// Woke says that the machine slept: the wall clock ran on and the monotonic one did not. A Step that comes
	// very late says the same.
	Woke struct{}

	// Seen is word of a peer of this room: new, changed, or simply heard again. It may come from discovery, from
	// a CLAIM (a new host's, at once to all it knows) or from a member's SAW to its host. Feed an address
	// from --join as RoleUnknown. Remembered addresses that discovery asks by itself need no feeding.
	Seen struct{ Peer Peer }

	// Unseen says that discovery no longer hears of the peer. Nobody is judged dead by that: it is merely no
	// longer tried.
	Unseen struct{ Peer Peer }

	// Joined answers Join: the host has welcomed us into its reign.
	Joined struct {
		Attempt uint64
		Reign   room.Reign // Host as TLS proved it
		Forced  bool       // the host was started with --host, if the welcome tells

		// Successors is the reign's list, the first one first, as far as the welcome tells.
		Successors []Peer

		// Beats says that heartbeats will be fed, so that silence counts from now on, and not from the first one.
		Beats bool
	}

	// NotHost answers Join: the peer is no host. Hint is where it thinks the host is; a zero one means that it
	// doesn't know.
	NotHost struct {
		Attempt uint64
		Hint    Peer
	}

	// Refused answers Join with a no that trying again would not change: the passphrase, the room's name, the
	// protocol's version. What may pass (a full room, say) is JoinFailed.
	Refused struct {
		Attempt uint64
		Reason  string
	}

	// JoinFailed answers Join: no connection, no welcome, nonsense.
	JoinFailed struct {
		Attempt uint64
		Reason  string
	}

	// HostGone says that the connection which Join made has ended: broken, reset, or by a BYE. Left: the host
	// said that it hosts no more. Dropped: it hosts on, and has sent us away (it heard nothing of us for
	// DropTime, say).
	HostGone struct {
		Attempt uint64
		Left    bool
		Dropped bool
		Reason  string
	}

	// MoveTo is the host's word to its member that To hosts now (MOVE). The old relay still passes what is said
	// for MoveTime, so the link stays up until Followed or Leave.
	MoveTo struct {
		Attempt uint64
		To      Peer
	}

	// Raised is the host's word to its member that its reign has a higher epoch now.
	Raised struct {
		Attempt uint64
		Reign   room.Reign
	}

	// Heartbeat is the host's beat (HB), each Beat over UDP or, where that is blocked, over the link. Silence
	// counts from the first one on, or from Joined.Beats: a driver that feeds none relies on HostGone alone. A reign higher than
	// before says the same as Raised.
	Heartbeat struct {
		Attempt    uint64
		Reign      room.Reign
		Successors []Peer // the first one first, at most MaxSuccessors
		Members    int    // in the room, the host included
		WiFi       bool   // the host's own link: its members are more patient then
	}

	// Pong answers Ping. Nothing is fed when no answer comes. TLS, or the link's key, proves who said it, but for
	// Closed, which the machine heeds only when it has reason to think the host dead anyway.
	Pong struct {
		Probe  uint64
		Answer Answer
		Hint   Peer // with NotHosts: where the host is; zero when it doesn't know
	}

	// Asked is a peer's ASK, signed by ID: does this node hear About's host, now? Answered by Tell, after a Ping.
	Asked struct {
		ID    room.NodeID
		Probe uint64 // the asker's, to be given back
		About room.Reign
	}

	// Told is a peer's TELL in answer to our Ask, signed by ID.
	Told struct {
		Probe uint64
		ID    room.NodeID
		Hears bool // ID has had a PONG from the host since it was asked
		Host  Peer // whom ID follows, or is; zero for nobody
	}

	// TakeOver is the host's word to this member that it shall host from now on (HANDOVER). The host comes to
	// us once we serve, and its members after it.
	TakeOver struct{ Attempt uint64 }

	// Roster lists a host's members but for itself and for plain clients. Fed on Served, at every change of
	// it, and every few seconds for the RTTs' sake.
	Roster struct {
		Attempt uint64 // of Serve
		Members []Candidate
	}

	// Yielded says that the relay which Yield ended is closed: every member has gone, or MoveTime has passed.
	Yielded struct{ Attempt uint64 }

	// Twin says that the dial or link has met another run of our own key, proved by TLS, which keeps it: of two
	// members the newer session stays, of a host and a caller the host does.
	Twin struct{ Attempt uint64 }

	// Served answers Serve: the relay stands, and the LAN may know.
	Served struct{ Attempt uint64 }

	// ServeFailed says that the relay could not start, or that it died.
	ServeFailed struct {
		Attempt uint64
		Reason  string
	}

	// Knock says that a node, proved by TLS to be ID, asks our relay to be let in and told us the reign that
	// it led or followed last. The machine answers at once, with Admit or Refer. A relay may admit by itself
	// whoever comes without Terms and with a reign that doesn't beat ours; it must ask about the others.
	Knock struct {
		ID    room.NodeID
		Reign room.Reign
		Terms Terms  // when it hosts
		Addr  string // where its own relay is, when it hosts: the connection's address with the ports that it told
	}

	// Stop leaves for good. A host hands over first, so the driver goes on feeding the machine until State is
	// Stopped, by LeaveTime at the latest; a second Stop ends it at once.
	Stop struct{}
)

func (Start) input()       {}
func (Tick) input()        {}
func (Woke) input()        {}
func (Seen) input()        {}
func (Unseen) input()      {}
func (Joined) input()      {}
func (NotHost) input()     {}
func (Refused) input()     {}
func (JoinFailed) input()  {}
func (HostGone) input()    {}
func (MoveTo) input()      {}
func (Raised) input()      {}
func (Heartbeat) input()   {}
func (Pong) input()        {}
func (Asked) input()       {}
func (Told) input()        {}
func (TakeOver) input()    {}
func (Roster) input()      {}
func (Yielded) input()     {}
func (Twin) input()        {}
func (Served) input()      {}
func (ServeFailed) input() {}
func (Knock) input()       {}
func (Stop) input()        {}
