package room

import "encoding/hex"

// MaxText is the longest text of one message, in bytes of UTF-8.
const MaxText = 8192

// ID names a message for good: SHA-256 of its signed bytes.
type ID [32]byte

func (id ID) String() string               { return hex.EncodeToString(id[:]) }
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }
