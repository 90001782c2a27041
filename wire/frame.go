// Package wire is bytes only: the frames of the text connection, the voice packets, and their limits.
// docs/protocol.md describes what it encodes.
package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/fxamacker/cbor/v2"
)

// Limits of the text connection.
const (
	MaxFrame    = 64 << 10 // bytes of type and body
	MaxGreeting = 4 << 10  // the same, of frames before admission
	frameHead   = 4
)

// Type tells what a frame carries.
type Type uint8

// ErrTooLong is a frame that announces more bytes than allowed.
var ErrTooLong = errors.New("frame too long")

var enc, _ = cbor.CoreDetEncOptions().EncMode()

// dec is strict where strictness bounds memory, and lenient about map keys it does not know, so that later
// versions can add some.
var dec, _ = cbor.DecOptions{
	DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden,
	MaxNestedLevels: 8, MaxArrayElements: 1024, MaxMapPairs: 64,
}.DecMode()

// Append appends a whole frame with the body of m. A body past MaxFrame is an error of the caller.
func Append(dst []byte, t Type, m any) ([]byte, error) {
	body, err := enc.Marshal(m)
	if err != nil {
		return dst, fmt.Errorf("encode frame type %d: %w", t, err)
	}
	if 1+len(body) > MaxFrame {
		return dst, fmt.Errorf("encode frame type %d: %w: %d bytes", t, ErrTooLong, len(body))
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(1+len(body)))
	return append(append(dst, byte(t)), body...), nil
}

// Read reads one frame of at most limit bytes. The body is the caller's. A length beyond the limit or of
// zero ends the connection: nothing behind it can be trusted.
func Read(r *bufio.Reader, limit int) (Type, []byte, error) {
	var head [frameHead]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n == 0 || n > uint32(limit) {
		return 0, nil, fmt.Errorf("%w: %d bytes", ErrTooLong, n)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return 0, nil, fmt.Errorf("frame of %d bytes: %w", n, err)
	}
	return Type(b[0]), b[1:], nil
}

// Decode reads a frame's body into m.
func Decode(body []byte, m any) error { return dec.Unmarshal(body, m) }
