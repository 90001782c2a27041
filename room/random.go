package room

import (
	"crypto/rand"
	"encoding/binary"
)

// Random returns 64 random bits: a run, or what an SSRC or a session id is made of.
func Random() uint64 {
	var b [8]byte
	rand.Read(b[:])
	return binary.BigEndian.Uint64(b[:])
}
