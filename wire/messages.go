package wire

import (
	"crypto/ed25519"
	"net/netip"

	"parley.lan/room"
)

// Version is the protocol's; a peer with another one is refused.
const Version = 1

// The frames of the text connection. A type that a receiver does not know is skipped.
const (
	THello    Type = 1  // member → host, first: who comes
	TWelcome  Type = 2  // host → member: admitted
	TRefused  Type = 3  // host → member: not admitted, for good
	TRedirect Type = 4  // host → member: the host is elsewhere; at greeting or at any later time
	TVector   Type = 5  // both: what the log holds
	TEntries  Type = 6  // both: stamped messages, in the order of arrival
	TSynced   Type = 7  // both: everything the other's vector lacked has been sent
	TSay      Type = 8  // member → host: a fresh message
	TJoined   Type = 9  // host → member: somebody came, or came anew
	TLeft     Type = 10 // host → member: somebody went
	TPing     Type = 11 // both: are you there
	TPong     Type = 12 // both: the answer
	TBye      Type = 13 // both: closing politely
	TVoice    Type = 14 // both: a voice packet where UDP does not pass
	TRaised   Type = 15 // host → member: the reign has a higher epoch now
	THave     Type = 16 // member → host: how much of what it was sent it holds
	TSafe     Type = 17 // host → member: messages of its own that the first successor holds too

	TSaw        Type = 18 // to one's host: another host of the room; from a new host to whom it knows: itself
	TSuccession Type = 19 // host → member: who hosts next
	THandOver   Type = 20 // host → member: host from now on
	TMoved      Type = 21 // member → host, after a redirect: it follows the other; the rest may end
	TReady      Type = 22 // member → host: its own relay's ports are open
	TProbe      Type = 23 // in place of hello: is a host here, and am I its member
	TProbed     Type = 24 // the answer to it

	TState  Type = 28 // member → host: what the member does, for everybody's roster
	TRename Type = 29 // member → host: what the member calls itself from now on
)

// Hello is the member's greeting. The member's key is the connection's certificate.
type Hello struct {
	Proto    int    `cbor:"1,keyasint"`
	Room     string `cbor:"2,keyasint"`
	Name     string `cbor:"3,keyasint"`
	Run      uint64 `cbor:"4,keyasint"` // of this process
	SSRC     uint32 `cbor:"5,keyasint"`
	Epoch    uint64 `cbor:"6,keyasint"` // of the reign the member followed last
	Host     []byte `cbor:"7,keyasint"` // of that reign; empty when none
	Digest   []byte `cbor:"8,keyasint"`
	Observer bool   `cbor:"9,keyasint,omitempty"`  // wants the log only: not in the roster, no voice
	Control  uint16 `cbor:"10,keyasint,omitempty"` // the port of its control datagrams
	WiFi     bool   `cbor:"11,keyasint,omitempty"`
	Battery  bool   `cbor:"12,keyasint,omitempty"`
	Terms    *Terms `cbor:"13,keyasint,omitempty"` // of one that hosts
	State    *State `cbor:"15,keyasint,omitempty"` // absent: nothing of it
	Check    bool   `cbor:"20,keyasint,omitempty"` // of an observer: it looks whether voice would pass, and what the time is
}

// State is what a member does that the others ought to know.
type State struct {
	Recording bool `cbor:"1,keyasint,omitempty"` // it keeps what is spoken
	Listening bool `cbor:"2,keyasint,omitempty"` // it is here to listen only
	Muted     bool `cbor:"3,keyasint,omitempty"` // its voice is not sent
}

// Rename is a member's new name.
type Rename struct {
	Name string `cbor:"1,keyasint"`
}

// Terms are what a host brings when it joins another: they decide which of the two remains one.
type Terms struct {
	Yields  bool   `cbor:"1,keyasint,omitempty"` // decided: it comes to follow
	Forced  bool   `cbor:"2,keyasint,omitempty"` // started with --host
	Members int    `cbor:"3,keyasint"`
	Age     uint64 `cbor:"4,keyasint"` // of its reign, in milliseconds
	Text    uint16 `cbor:"5,keyasint"` // its own relay's port
}

// Welcome admits a member.
type Welcome struct {
	Epoch     uint64   `cbor:"1,keyasint"`
	Host      []byte   `cbor:"2,keyasint"`
	Session   uint32   `cbor:"3,keyasint"` // of the member's voice datagrams
	VoicePort uint16   `cbor:"4,keyasint"`
	Members   []Member `cbor:"5,keyasint"` // the first part of the roster; the rest follows as Joined
	Digest    []byte   `cbor:"6,keyasint"`
	Forced    bool     `cbor:"7,keyasint,omitempty"`  // the host was started with --host
	Heirs     []Peer   `cbor:"8,keyasint,omitempty"`  // its successors, the first one first
	Clock     int64    `cbor:"20,keyasint,omitempty"` // the host's, in milliseconds since 1970; to one who checks
}

// Raised gives the reign a higher epoch.
type Raised struct {
	Epoch uint64 `cbor:"1,keyasint"`
}

// Member is a roster line.
type Member struct {
	ID    []byte `cbor:"1,keyasint"`
	Name  string `cbor:"2,keyasint"`
	Plain bool   `cbor:"3,keyasint,omitempty"`
	SSRC  uint32 `cbor:"4,keyasint"`
	Key   []byte `cbor:"5,keyasint,omitempty"` // ed25519

	Control string `cbor:"6,keyasint,omitempty"` // ip:port of its control datagrams, as the host sees it
	State   *State `cbor:"7,keyasint,omitempty"` // absent: nothing of it
}

// Reasons of a refusal.
const (
	RefusedProto = "protocol" // another version of the protocol
	RefusedRoom  = "room"     // another room is hosted here
	RefusedFull  = "full"     // as many members as it takes
	RefusedSSRC  = "ssrc"     // somebody else has it: come again with another
	RefusedHello = "hello"    // the greeting made no sense
	RefusedTwin  = "twin"     // the host has the same key, in another run
)

// Refused ends a greeting.
type Refused struct {
	Code   string `cbor:"1,keyasint"`
	Reason string `cbor:"2,keyasint"`
}

// Peer names a node that hosts, or will, and its reign: the host to go to (redirect), another one (saw).
type Peer struct {
	Epoch  uint64   `cbor:"1,keyasint"`
	Host   []byte   `cbor:"2,keyasint"`
	Addrs  []string `cbor:"3,keyasint"` // ip:port, best first
	Forced bool     `cbor:"4,keyasint,omitempty"`
}

// Succession is who hosts next, the first one first.
type Succession struct {
	Heirs []Peer `cbor:"1,keyasint"`
}

// Ready tells the text port of a relay that stands by.
type Ready struct {
	Text uint16 `cbor:"1,keyasint"`
}

// Probe asks a node for its part in a room, without joining it.
type Probe struct {
	Room string `cbor:"1,keyasint"`
	Look bool   `cbor:"2,keyasint,omitempty"` // tell of the room, too
}

// Probed answers Probe. Host is where the room is hosted, as far as the node knows; itself when it hosts.
type Probed struct {
	Hosts bool `cbor:"1,keyasint"`
	Yours bool `cbor:"2,keyasint"` // the asker is its member
	Host  Peer `cbor:"3,keyasint"`

	Sight *Sight `cbor:"4,keyasint,omitempty"` // asked for, of a room that is hosted here
}

// Sight is what a room looks like from outside.
type Sight struct {
	Count     int      `cbor:"1,keyasint"` // of members
	Members   []Member `cbor:"2,keyasint"` // the first of them
	PlainDoor bool     `cbor:"3,keyasint,omitempty"`
	Locked    bool     `cbor:"4,keyasint,omitempty"` // it has a passphrase
}

// Run is a line of a version vector; see room.Range.
type Run struct {
	_      struct{} `cbor:",toarray"`
	Author []byte
	Run    uint64
	Low    uint64
	High   uint64
	Sum    uint64
}

// VectorPart is a version vector, in as many parts as it takes.
type VectorPart struct {
	Runs  []Run  `cbor:"1,keyasint"`
	More  bool   `cbor:"2,keyasint,omitempty"`
	Floor uint64 `cbor:"3,keyasint,omitempty"` // the greatest HLC that the sender has pruned
}

// Entry is a signed message, and its stamp unless it is fresh.
type Entry struct {
	_    struct{} `cbor:",toarray"`
	Body []byte
	Sig  []byte
	HLC  uint64
	Host []byte
	N    uint64
}

// Entries carries stamped messages.
type Entries struct {
	List []Entry `cbor:"1,keyasint"`
	Past bool    `cbor:"2,keyasint,omitempty"` // they complete the history, and are no news
}

// Have counts the entries of the host's that a member has taken over this connection.
type Have struct {
	Count uint64 `cbor:"1,keyasint"`
}

// Safe names messages.
type Safe struct {
	IDs [][]byte `cbor:"1,keyasint"`
}

// Joined announces a member; one with an id already in the roster replaces that line.
type Joined struct {
	Member Member `cbor:"1,keyasint"`
}

// Left announces that a member went.
type Left struct {
	ID []byte `cbor:"1,keyasint"`
}

// Ping asks for a Pong with the same number.
type Ping struct {
	N uint64 `cbor:"1,keyasint"`
}

// Bye says why the connection is closed.
type Bye struct {
	Reason string `cbor:"1,keyasint"`
	Code   string `cbor:"2,keyasint,omitempty"` // empty: the sender leaves
}

// Codes of a host's goodbye to one member.
const (
	ByeDropped = "dropped" // the host has not heard of it for a while
	ByeTwin    = "twin"    // its key has come again, in another run
)

// Voice carries the plain text of a voice datagram.
type Voice struct {
	Packet []byte `cbor:"1,keyasint"`
}

// NodeID reads an id from a frame; false when it has not the size of one.
func NodeID(b []byte) (room.NodeID, bool) {
	if len(b) != len(room.NodeID{}) {
		return room.NodeID{}, false
	}
	return room.NodeID(b), true
}

// FromMember and Room translate roster lines.
func FromMember(m room.Member) Member {
	w := Member{ID: m.ID[:], Name: m.Name, Plain: m.Plain, SSRC: m.SSRC, Key: m.Key}
	if m.Control.IsValid() {
		w.Control = m.Control.String()
	}
	w.State = FromState(m.State)
	return w
}

// FromState and Room translate a member's state.
func FromState(s room.State) *State {
	if s == (room.State{}) {
		return nil
	}
	return &State{Recording: s.Recording, Listening: s.Listening, Muted: s.Muted}
}

// Room gives the state in the room's terms; of nil too.
func (s *State) Room() room.State {
	if s == nil {
		return room.State{}
	}
	return room.State{Recording: s.Recording, Listening: s.Listening, Muted: s.Muted}
}

// Room gives the roster line in the room's terms. Its name is cleaned; false when the line makes no sense:
// an id that is not its key's, or a key that a plain member can't have.
func (m Member) Room() (room.Member, bool) {
	id, ok := NodeID(m.ID)
	if !ok || m.Plain != (len(m.Key) == 0) {
		return room.Member{}, false
	}
	if !m.Plain && (len(m.Key) != ed25519.PublicKeySize || room.IDOf(m.Key) != id) {
		return room.Member{}, false
	}
	control, _ := netip.ParseAddrPort(m.Control)
	return room.Member{
		ID: id, Name: room.CleanName(m.Name, id.String()[:8]), Plain: m.Plain,
		SSRC: m.SSRC, Key: m.Key, Control: control, State: m.State.Room(),
	}, true
}

// FromEntry translates a message for the wire.
func FromEntry(e *room.Entry) Entry {
	w := Entry{Body: e.Body, Sig: e.Sig}
	if !e.Stamp.IsZero() {
		w.HLC, w.Host, w.N = e.Stamp.HLC, e.Stamp.Host[:], e.Stamp.N
	}
	return w
}

// Stamp reads the stamp of a message; false when there is none.
func (e Entry) Stamp() (room.Stamp, bool) {
	host, ok := NodeID(e.Host)
	return room.Stamp{HLC: e.HLC, Host: host, N: e.N}, ok && e.HLC != 0
}

// Reign is the one that the peer leads.
func (p Peer) Reign() room.Reign {
	host, _ := NodeID(p.Host) // zero: nobody is known
	return room.Reign{Epoch: p.Epoch, Host: host}
}

// Bounds of the addresses of one peer: what is taken of them from a frame fits into a control datagram too.
const (
	maxAddrs = 8
	maxAddr  = 64 // bytes: a zone may be of any length, an interface's name has 15 at most
)

// AddrPorts parses the peer's addresses, eight at most, and leaves out what is none. An unspecified one
// ("0.0.0.0:2222") is what the sender says of itself: it stands for from, where the word came from, and is left out when
// from is invalid.
func (p Peer) AddrPorts(from netip.Addr) []netip.AddrPort {
	var out []netip.AddrPort
	for _, s := range p.Addrs {
		if len(s) > maxAddr {
			continue
		}
		a, err := netip.ParseAddrPort(s)
		if err != nil || len(out) == maxAddrs {
			continue
		}
		if a.Addr().IsUnspecified() {
			a = netip.AddrPortFrom(from, a.Port())
		}
		if a.IsValid() {
			out = append(out, a)
		}
	}
	return out
}

// Here names a node that hosts to whom it tells so itself, at the address that they see.
func Here(r room.Reign, forced bool, textPort uint16) Peer {
	return Peer{
		Epoch: r.Epoch, Host: r.Host[:], Forced: forced,
		Addrs: []string{netip.AddrPortFrom(netip.IPv4Unspecified(), textPort).String()},
	}
}
