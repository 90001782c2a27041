package wire

import (
	"encoding/binary"
	"errors"

	"parley.lan/room"
)

// Kinds of a voice packet, its first byte. Unknown kinds are dropped.
const (
	PacketVoice = 1 // one or more frames
	PacketPing  = 2 // 8 bytes that come back as a pong; the first that opens makes an address the session's
	PacketPong  = 3
	PacketBeat  = 4 // host → member: Beat
	PacketAck   = 5 // the beat's Sent, back to the host
)

// A frame within a packet: SSRC (4) | sequence number (2) | timestamp (4) | level (1) | flags (1) |
// length (2) | Opus.
const (
	frameHeader = 14
	flagMarker  = 1 << 0

	// MaxPacket keeps a sealed packet within one Ethernet frame, IPv6 and UDP headers included.
	MaxPacket = 1400
)

var errFrame = errors.New("voice frame: malformed")

// AppendFrame appends one frame to a packet that begins with PacketVoice.
func AppendFrame(dst []byte, f *room.VoiceFrame) []byte {
	dst = binary.BigEndian.AppendUint32(dst, f.SSRC)
	dst = binary.BigEndian.AppendUint16(dst, f.Seq)
	dst = binary.BigEndian.AppendUint32(dst, f.Timestamp)
	var flags byte
	if f.Marker {
		flags |= flagMarker
	}
	dst = append(dst, f.Level, flags)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(f.Opus)))
	return append(dst, f.Opus...)
}

// NextFrame takes the first frame off the rest of a packet. f.Opus points into b.
func NextFrame(b []byte, f *room.VoiceFrame) (rest []byte, err error) {
	if len(b) < frameHeader {
		return nil, errFrame
	}
	n := int(binary.BigEndian.Uint16(b[12:]))
	if n == 0 || n > room.MaxOpus || len(b) < frameHeader+n || b[10] > room.LevelSilent {
		return nil, errFrame
	}
	*f = room.VoiceFrame{
		SSRC: binary.BigEndian.Uint32(b), Seq: binary.BigEndian.Uint16(b[4:]), Timestamp: binary.BigEndian.Uint32(b[6:]),
		Level: b[10], Marker: b[11]&flagMarker != 0, Opus: b[frameHeader : frameHeader+n],
	}
	return b[frameHeader+n:], nil
}

// Beat is a host's sign of life, some ten times a second.
type Beat struct {
	Epoch   uint64 // of its reign
	Sent    uint64 // nanoseconds on the host's own clock, for Ack
	Members uint16 // in the room
	WiFi    bool   // the host's own link
}

const beatSize = 1 + 8 + 8 + 2 + 1

// AppendBeat appends a whole packet.
func AppendBeat(dst []byte, b Beat) []byte {
	dst = binary.BigEndian.AppendUint64(append(dst, PacketBeat), b.Epoch)
	dst = binary.BigEndian.AppendUint64(dst, b.Sent)
	dst = binary.BigEndian.AppendUint16(dst, b.Members)
	if b.WiFi {
		return append(dst, 1)
	}
	return append(dst, 0)
}

// ParseBeat reads a packet that begins with PacketBeat. What a later version appends is skipped.
func ParseBeat(p []byte) (Beat, bool) {
	if len(p) < beatSize || p[0] != PacketBeat {
		return Beat{}, false
	}
	return Beat{
		Epoch: binary.BigEndian.Uint64(p[1:]), Sent: binary.BigEndian.Uint64(p[9:]),
		Members: binary.BigEndian.Uint16(p[17:]), WiFi: p[19]&1 != 0,
	}, true
}

// AppendAck appends a whole packet that answers b.
func AppendAck(dst []byte, b Beat) []byte {
	return binary.BigEndian.AppendUint64(append(dst, PacketAck), b.Sent)
}

// ParseAck reads a packet that begins with PacketAck.
func ParseAck(p []byte) (sent uint64, ok bool) {
	if len(p) < 9 || p[0] != PacketAck {
		return 0, false
	}
	return binary.BigEndian.Uint64(p[1:]), true
}
