package discovery

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"parley.lan/identity"
)

// Role is what a node does in its room.
type Role uint8

const (
	Looking Role = iota // seeks a host
	Member              // follows Record.Host
	Host                // hosts the room
)

func (r Role) String() string {
	switch r {
	case Looking:
		return "looking"
	case Member:
		return "member"
	case Host:
		return "host"
	}
	return "unknown"
}

// Record is what a node says of itself.
type Record struct {
	ID     identity.NodeID
	Room   string // at most MaxText bytes
	Name   string // at most MaxText bytes; for display only
	Role   Role
	Epoch  uint64          // of the reign it follows or leads, or the highest it has seen
	Host   identity.NodeID // whose reign that is: ID itself when Role is Host, zero when none is known
	Forced bool            // started with --host
	Locked bool            // the room has a passphrase
	Proto  int             // version of the protocol it speaks, 0 to 65535
	Text   uint16          // TCP port of its relay, 0 when not hosting
	Voice  uint16          // UDP port of its relay, 0 when not hosting
}

// sane makes of a foreign record one that can be shown and compared, or tells that there is none: a host says
// itself where it hosts, nobody else has ports, and text is valid and printable.
func (r Record) sane() (Record, bool) {
	if r.ID.IsZero() || r.Role > Host || r.Epoch > maxEpoch || r.Proto < 0 || r.Proto > 0xffff {
		return r, false
	}
	if r.Room == "" || len(r.Room) > MaxText || r.Room != printable(r.Room) {
		return r, false // a room's name is compared, so it is never mended
	}
	r.Name = cut(printable(r.Name))
	if r.Role == Host {
		if r.Text == 0 {
			return r, false
		}
		r.Host = r.ID
	} else {
		if r.Host == r.ID {
			return r, false
		}
		r.Text, r.Voice = 0, 0
	}
	return r, true
}

// plausible tells whether a record can be true for a node whose own record is own: an epoch far ahead of the
// own one in the same room is a forgery that would wear the numbers out.
func (r Record) plausible(own Record) bool {
	return own.Epoch == 0 || own.Room != r.Room || r.Epoch <= own.Epoch+maxEpochJump
}

// cut shortens s to MaxText bytes without splitting a character.
func cut(s string) string {
	if len(s) <= MaxText {
		return s
	}
	n := MaxText
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// printable replaces invalid UTF-8 and drops whatever is not a graphic character: control and escape
// sequences, and the format characters that turn the direction of text.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
