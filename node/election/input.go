package election

import "parley.lan/room"

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
}

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

	// Seen is discovery's word on a peer of this room: new, changed, or simply heard again. Feed an address
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
	}

	// NotHost answers Join: the peer is no host. Hint is where it thinks the host is; a zero Addr means that
	// it doesn't know.
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

	// HostGone says that the connection which Join made has ended. Left means that the host said goodbye.
	HostGone struct {
		Attempt uint64
		Left    bool
		Reason  string
	}

	// MoveTo is the host's word to its member that To hosts now.
	MoveTo struct {
		Attempt uint64
		To      Peer
	}

	// Raised is the host's word to its member that its reign has a higher epoch now.
	Raised struct {
		Attempt uint64
		Reign   room.Reign
	}

	// Served answers Serve: the relay stands, and the LAN may know.
	Served struct{ Attempt uint64 }

	// ServeFailed says that the relay could not start, or that it died.
	ServeFailed struct {
		Attempt uint64
		Reason  string
	}

	// Knock says that a node, proved by TLS to be ID, asks our relay to be let in and told us the reign that
	// it led or followed last. The machine answers at once, with Admit or Refer. A relay may admit by itself
	// whoever comes with a reign that doesn't beat ours; it must ask about the others.
	Knock struct {
		ID    room.NodeID
		Reign room.Reign
	}

	// Stop leaves for good. It is the last input.
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
func (Served) input()      {}
func (ServeFailed) input() {}
func (Knock) input()       {}
func (Stop) input()        {}
