package room

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// Limits of one message.
const (
	MaxText   = 8192 // bytes of UTF-8 in one message's text
	MaxName   = 64   // bytes of UTF-8 in a name, of a member or of a room
	maxSealed = MaxText + 256
	maxBody   = 2*maxSealed + 1024
	maxSeq    = 1 << 62
)

// ID names a message for good: SHA-256 of its signed bytes.
type ID [sha256.Size]byte

func (id ID) String() string               { return hex.EncodeToString(id[:]) }
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (id *ID) UnmarshalText(b []byte) error {
	if len(b) != hex.EncodedLen(len(id)) {
		return fmt.Errorf("message id %.70q: want %d hexadecimal digits", b, hex.EncodedLen(len(id)))
	}
	_, err := hex.Decode(id[:], b)
	return err
}

// Kind tells what a message carries.
type Kind uint8

const (
	Text    Kind = 1 // text from its author to the room
	Plain   Kind = 2 // text of a plain member called Name; its host signs, for the member has no key
	Private Kind = 3 // text sealed to one member, and to its author for the author's own other eyes
)

// domain separates these signatures from any other use of the same keys.
const domain = "parley/1 message"

// Message is what an author signs. Sequence numbers count from 1 without gaps within (author, run); a run
// is a random number made at each start of a process, so that a restored backup or a cloned machine never
// uses an id again.
type Message struct {
	_      struct{} `cbor:",toarray"`
	Domain string
	Room   string
	Author []byte // ed25519 public key
	Run    uint64
	Seq    uint64
	Sent   int64 // author's clock, nanoseconds since 1970; for display, never for order
	Kind   Kind
	Name   string // what the author called itself then; for Plain, the plain member's name
	Text   string // Text and Plain
	To     []byte // Private: id of the receiver
	Sealed []byte // Private: the text sealed to the receiver
	Own    []byte // Private: the text sealed to the author
}

// SentTime is the author's clock at sending.
func (m *Message) SentTime() time.Time { return time.Unix(0, m.Sent) }

// Entry is a signed message, and its stamp once a host has ordered it. Entries are shared and immutable:
// whoever has one reads it only.
type Entry struct {
	ID     ID
	Author NodeID
	Msg    Message
	Body   []byte // the signed bytes: Msg in CBOR (RFC 8949 section 4.2.1, deterministic)
	Sig    []byte // ed25519 over Body
	Stamp  Stamp  // zero while no host has ordered the message
}

var (
	msgEnc, _ = cbor.CoreDetEncOptions().EncMode()
	msgDec, _ = cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden,
		MaxNestedLevels: 4, MaxArrayElements: 16, MaxMapPairs: 16,
	}.DecMode()
)

// Sign makes an entry of m, setting Domain and Author. m's text must be valid (see CheckText).
func Sign(key ed25519.PrivateKey, m Message) (*Entry, error) {
	m.Domain, m.Author = domain, key.Public().(ed25519.PublicKey)
	body, err := msgEnc.Marshal(&m)
	if err != nil {
		return nil, fmt.Errorf("encode message: %w", err)
	}
	return &Entry{
		ID: sha256.Sum256(body), Author: IDOf(m.Author), Msg: m,
		Body: body, Sig: ed25519.Sign(key, body),
	}, nil
}

// OpenEntry decodes and verifies foreign bytes as a message of the named room. The slices are kept.
func OpenEntry(roomName string, body, sig []byte) (*Entry, error) {
	e, err := decodeEntry(roomName, body, sig)
	if err == nil && !ed25519.Verify(e.Msg.Author, body, sig) {
		return nil, errors.New("message: false signature")
	}
	return e, err
}

// RestoreEntry decodes bytes that this node has verified before and kept safe from change.
func RestoreEntry(roomName string, body, sig []byte, stamp Stamp) (*Entry, error) {
	e, err := decodeEntry(roomName, body, sig)
	if err != nil {
		return nil, err
	}
	e.Stamp = stamp
	return e, nil
}

func decodeEntry(roomName string, body, sig []byte) (*Entry, error) {
	if len(body) > maxBody || len(sig) != ed25519.SignatureSize {
		return nil, errors.New("message: bad size")
	}
	e := &Entry{ID: sha256.Sum256(body), Body: body, Sig: sig}
	m := &e.Msg
	if err := msgDec.Unmarshal(body, m); err != nil {
		return nil, fmt.Errorf("message: %w", err)
	}
	if err := m.check(roomName); err != nil {
		return nil, err
	}
	m.Domain, m.Room = domain, roomName // one copy for all
	e.Author = IDOf(m.Author)
	return e, nil
}

func (m *Message) check(roomName string) error {
	switch {
	case m.Domain != domain || m.Room != roomName:
		return errors.New("message: of another room")
	case len(m.Author) != ed25519.PublicKeySize:
		return errors.New("message: bad author key")
	case m.Seq == 0 || m.Seq > maxSeq:
		return errors.New("message: sequence numbers begin at 1 and end somewhere")
	case CheckName(m.Name) != nil:
		return errors.New("message: bad name")
	}
	switch m.Kind {
	case Text, Plain:
		if len(m.To)+len(m.Sealed)+len(m.Own) != 0 {
			return errors.New("message: sealed parts in an open message")
		}
		return CheckText(m.Text)
	case Private:
		if len(m.To) != len(NodeID{}) || m.Text != "" || len(m.Sealed) > maxSealed || len(m.Own) > maxSealed {
			return errors.New("message: bad private message")
		}
		return nil
	}
	return fmt.Errorf("message: unknown kind %d", m.Kind)
}

// Stamped returns a copy of e with the given stamp.
func (e *Entry) Stamped(s Stamp) *Entry {
	c := *e
	c.Stamp = s
	return &c
}
