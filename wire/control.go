package wire

import (
	"crypto/ed25519"
	"errors"

	"parley.lan/room"
)

// A control datagram goes from node to node, past the host: who has lost it asks the others, and a new host tells
// them at once. It is the sender's signature (64) over controlLabel and the rest | Control in CBOR.
const controlLabel = "parley/1 control"

// MaxControl bounds a control datagram, so that it stays within one Ethernet frame.
const MaxControl = 1200

// ControlKind is what a control datagram says.
type ControlKind uint8

const (
	Claim ControlKind = 1 // the sender hosts: Host
	Ask   ControlKind = 2 // does the receiver hear the host of the reign About
	Tell  ControlKind = 3 // the answer to Ask: Hears, and whom the sender follows or is
)

// Control is the content of a control datagram.
type Control struct {
	Kind  ControlKind `cbor:"1,keyasint"`
	Room  string      `cbor:"2,keyasint"`
	Key   []byte      `cbor:"3,keyasint"` // the sender's, ed25519
	To    []byte      `cbor:"4,keyasint"` // the receiver's id, so that nobody else can be shown it
	Run   uint64      `cbor:"5,keyasint"` // of the asker's process; with Probe it keeps old answers out
	Probe uint64      `cbor:"6,keyasint,omitempty"`
	About Peer        `cbor:"7,keyasint"`
	Hears bool        `cbor:"8,keyasint,omitempty"`
	Host  Peer        `cbor:"9,keyasint"`

	signature, signed []byte
}

var errControl = errors.New("control datagram: malformed")

// SignControl makes the datagram; the key of c is set.
func SignControl(key ed25519.PrivateKey, c Control) ([]byte, error) {
	c.Key = key.Public().(ed25519.PublicKey)
	body, err := enc.Marshal(c)
	if err != nil {
		return nil, err
	}
	b := append(ed25519.Sign(key, append([]byte(controlLabel), body...)), body...)
	if len(b) > MaxControl {
		return nil, errControl
	}
	return b, nil
}

// ParseControl reads a datagram. Nothing in it is proved before Genuine says so, which costs a hundred
// times more.
func ParseControl(b []byte) (*Control, error) {
	if len(b) <= ed25519.SignatureSize || len(b) > MaxControl {
		return nil, errControl
	}
	c := Control{signature: b[:ed25519.SignatureSize], signed: b[ed25519.SignatureSize:]}
	if err := Decode(c.signed, &c); err != nil {
		return nil, err
	}
	if len(c.Key) != ed25519.PublicKeySize {
		return nil, errControl
	}
	return &c, nil
}

// From is the sender, if the datagram is genuine.
func (c *Control) From() room.NodeID { return room.IDOf(c.Key) }

// Genuine tells whether the sender has signed it.
func (c *Control) Genuine() bool {
	return ed25519.Verify(c.Key, append([]byte(controlLabel), c.signed...), c.signature)
}
