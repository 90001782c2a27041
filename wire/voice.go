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
	PacketAck   = 5 // member → host: Ack
)

// A frame within a packet: SSRC (4) | sequence number (2) | timestamp (4) | level (1) | flags (1) |
// length (2) | Opus.
const (
	frameHeader = room.FrameHead
	flagMarker  = 1 << 0
	flagPreRoll = 1 << 1

	MaxPacket = room.MaxPacket
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
	if f.PreRoll {
		flags |= flagPreRoll
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
		Level: b[10], Marker: b[11]&flagMarker != 0, PreRoll: b[11]&flagPreRoll != 0,
		Opus: b[frameHeader : frameHeader+n],
	}
	return b[frameHeader+n:], nil
}
