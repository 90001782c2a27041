// Package room holds what a room is made of: who is in it, what was said, and in which order.
//
// It does no I/O and starts no goroutine. Its plain types (NodeID, Member, VoiceFrame, Reign) are the
// vocabulary that the other packages share.
package room

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"net/netip"
	"strings"
)

// NodeID names a node for good: the first 16 bytes of SHA-256 of its ed25519 public key.
type NodeID [16]byte

var idText = base32.StdEncoding.WithPadding(base32.NoPadding)

// IDOf returns the id of the node that holds pub's private key.
func IDOf(pub ed25519.PublicKey) NodeID {
	sum := sha256.Sum256(pub)
	return NodeID(sum[:16])
}

// ParseNodeID reads the 26 base32 characters that String writes; case does not matter.
func ParseNodeID(s string) (NodeID, error) {
	var id NodeID
	b, err := idText.DecodeString(strings.ToUpper(s))
	if err != nil || len(b) != len(id) {
		return id, fmt.Errorf("node id %q: want 26 base32 characters", s)
	}
	return NodeID(b), nil
}

// String gives the id as 26 lower-case base32 characters, fit for a DNS label.
func (id NodeID) String() string { return strings.ToLower(idText.EncodeToString(id[:])) }

// MarshalText makes a NodeID a string in JSON.
func (id NodeID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (id *NodeID) UnmarshalText(b []byte) (err error) {
	*id, err = ParseNodeID(string(b))
	return err
}

// Less orders ids by their bytes; the election breaks ties with it.
func (id NodeID) Less(other NodeID) bool { return string(id[:]) < string(other[:]) }

// IsZero tells whether the id was never set.
func (id NodeID) IsZero() bool { return id == NodeID{} }

// Reign is one host's time at the head of the room. Epochs only grow, and of two reigns the one with the
// larger epoch, then the smaller host id, prevails.
type Reign struct {
	Epoch uint64
	Host  NodeID
}

// IsZero tells whether no reign is known.
func (r Reign) IsZero() bool { return r == Reign{} }

// Beats tells whether r prevails over other.
func (r Reign) Beats(other Reign) bool {
	if r.Epoch != other.Epoch {
		return r.Epoch > other.Epoch
	}
	return r.Host != other.Host && r.Host.Less(other.Host)
}

// State is what a member does that the others ought to know.
type State struct {
	Recording bool `json:"recording,omitempty"` // it keeps what is spoken
	Listening bool `json:"listening,omitempty"` // it is here to listen only
	Muted     bool `json:"muted,omitempty"`     // its voice is not sent
}

// Member is one participant as the room sees it.
type Member struct {
	ID    NodeID `json:"id"`
	Name  string `json:"name"`
	Plain bool   `json:"plain"` // came through the plain door: no key, the name is not verified
	State

	SSRC uint32            `json:"-"` // synchronisation source of the member's voice (RFC 3550), unique in the room
	Key  ed25519.PublicKey `json:"-"` // nil for a plain member

	Control netip.AddrPort `json:"-"` // where it takes control datagrams, as the host sees it; zero when that is unknown
}
