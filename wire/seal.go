package wire

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"sync/atomic"
)

// A sealed datagram: session id (4) | counter (8) | AES-128-GCM ciphertext and tag, with the first twelve
// bytes as the nonce and as additional data. Each direction of a session has a key of its own, so no nonce
// is ever used twice. After WireGuard's transport messages.
const (
	sealHeader = 12
	sealTag    = 16

	// Overhead is what sealing adds to a packet.
	Overhead = sealHeader + sealTag
)

var (
	errShort  = errors.New("sealed packet: too short")
	errReplay = errors.New("sealed packet: seen before, or too old")
	errForged = errors.New("sealed packet: does not open")
)

// Session reads the session id that a datagram claims; nothing is proven by it.
func Session(datagram []byte) (uint32, bool) {
	if len(datagram) < Overhead+1 {
		return 0, false
	}
	return binary.BigEndian.Uint32(datagram), true
}

// Sealer seals one direction of a session. Safe for concurrent use.
type Sealer struct {
	aead    cipher.AEAD
	session uint32
	counter atomic.Uint64
}

// NewSealer makes the sealing half of a session's direction.
func NewSealer(key [16]byte, session uint32) *Sealer {
	return &Sealer{aead: newAEAD(key), session: session}
}

// Seal appends the sealed packet to dst; the two must not overlap. It allocates nothing when dst has room.
func (s *Sealer) Seal(dst, packet []byte) []byte {
	at := len(dst)
	dst = binary.BigEndian.AppendUint32(dst, s.session)
	dst = binary.BigEndian.AppendUint64(dst, s.counter.Add(1))
	head := dst[at : at+sealHeader]
	return s.aead.Seal(dst, head, packet, head)
}

// Opener opens one direction of a session and refuses what it has opened before. For one goroutine, but for Tally.
type Opener struct {
	aead   cipher.AEAD
	window window
	tally  tally
}

// NewOpener makes the opening half of a session's direction.
func NewOpener(key [16]byte) *Opener { return &Opener{aead: newAEAD(key)} }

// Open opens a datagram in place and returns the packet within it.
func (o *Opener) Open(datagram []byte) ([]byte, error) {
	if len(datagram) < Overhead {
		return nil, errShort
	}
	n := binary.BigEndian.Uint64(datagram[4:])
	if !o.window.fresh(n) {
		return nil, errReplay
	}
	head, body := datagram[:sealHeader], datagram[sealHeader:]
	packet, err := o.aead.Open(body[:0], head, body, head)
	if err != nil {
		return nil, errForged
	}
	before := o.window.last
	o.window.take(n) // only what opens may move the window
	o.tally.settle(&o.window, before)
	return packet, nil
}

func newAEAD(key [16]byte) cipher.AEAD {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // sixteen bytes are always a key
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return aead
}

// window is the sliding replay window of RFC 6479: which of the last windowBits counters were taken.
type window struct {
	last uint64
	bits [windowWords]uint64
}

const (
	windowWords = 32
	windowBits  = (windowWords - 1) * 64 // the word being filled does not count
)

func (w *window) fresh(n uint64) bool {
	if n == 0 || n+windowBits <= w.last {
		return false
	}
	return n > w.last || w.bits[n/64%windowWords]&(1<<(n%64)) == 0
}

func (w *window) take(n uint64) {
	if n > w.last {
		for i := range min(n/64-w.last/64, windowWords) {
			w.bits[(w.last/64+1+i)%windowWords] = 0
		}
		w.last = n
	}
	w.bits[n/64%windowWords] |= 1 << (n % 64)
}
