package wire

import (
	"encoding/binary"
	"math"
	"time"
)

// Beat is a host's sign of life, some ten times a second, and what it tells each member about its voice's path.
type Beat struct {
	Epoch   uint64 // of its reign
	Sent    uint64 // nanoseconds on the host's own clock, for Ack
	Members uint16 // in the room
	WiFi    bool   // the host's own link

	Frame uint8 // duration of a voice frame, in FrameUnit; 0: the speaker's choice
	Up    Loss  // from this member to the host
	Down  Loss  // from the host to that one of the others whom the least reaches
}

// Ack is a member's answer to a beat.
type Ack struct {
	Sent uint64 // the beat's
	Down Loss   // from the host to this member
}

// FrameUnit is in what a beat tells the duration of frames.
const FrameUnit = 2500 * time.Microsecond

// Loss is how many of a hop's datagrams are lost: the rate in 65,535ths, and in the lowest eight bits the mean length of a
// run of lost ones in quarters.
type Loss uint32

// LossOf rounds; what makes no sense is brought within the bounds.
func LossOf(rate, burst float64) Loss {
	if !(rate > 0) { // not a number included
		return 0
	}
	if !(burst > 1) {
		burst = 1
	}
	r := math.Ceil(min(rate, 1) * math.MaxUint16) // not to nothing
	return Loss(r)<<8 | Loss(min(math.Round(burst*4), math.MaxUint8))
}

// Rate is the share of the datagrams, 0 to 1.
func (l Loss) Rate() float64 { return float64(l>>8&math.MaxUint16) / math.MaxUint16 }

// Burst is the mean length of a run of lost ones, at least 1.
func (l Loss) Burst() float64 { return max(float64(l&math.MaxUint8)/4, 1) }

func appendLoss(dst []byte, l Loss) []byte { return append(dst, byte(l>>16), byte(l>>8), byte(l)) }

func parseLoss(b []byte) Loss { return Loss(b[0])<<16 | Loss(b[1])<<8 | Loss(b[2]) }

const (
	lossSize = 3
	beatSize = 1 + 8 + 8 + 2 + 1 // as the first ones were
	beatFull = beatSize + 1 + 2*lossSize
	ackSize  = 1 + 8
	ackFull  = ackSize + lossSize
)

// AppendBeat appends a whole packet.
func AppendBeat(dst []byte, b Beat) []byte {
	dst = binary.BigEndian.AppendUint64(append(dst, PacketBeat), b.Epoch)
	dst = binary.BigEndian.AppendUint64(dst, b.Sent)
	dst = binary.BigEndian.AppendUint16(dst, b.Members)
	var flags byte
	if b.WiFi {
		flags = 1
	}
	return appendLoss(appendLoss(append(dst, flags, b.Frame), b.Up), b.Down)
}

// ParseBeat reads a packet that begins with PacketBeat. What a later version appends is skipped, what an earlier one
// lacks is zero.
func ParseBeat(p []byte) (Beat, bool) {
	if len(p) < beatSize || p[0] != PacketBeat {
		return Beat{}, false
	}
	b := Beat{
		Epoch: binary.BigEndian.Uint64(p[1:]), Sent: binary.BigEndian.Uint64(p[9:]),
		Members: binary.BigEndian.Uint16(p[17:]), WiFi: p[19]&1 != 0,
	}
	if len(p) >= beatFull {
		b.Frame, b.Up, b.Down = p[beatSize], parseLoss(p[beatSize+1:]), parseLoss(p[beatSize+1+lossSize:])
	}
	return b, true
}

// AppendAck appends a whole packet.
func AppendAck(dst []byte, a Ack) []byte {
	return appendLoss(binary.BigEndian.AppendUint64(append(dst, PacketAck), a.Sent), a.Down)
}

// ParseAck reads a packet that begins with PacketAck, as ParseBeat does.
func ParseAck(p []byte) (Ack, bool) {
	if len(p) < ackSize || p[0] != PacketAck {
		return Ack{}, false
	}
	a := Ack{Sent: binary.BigEndian.Uint64(p[1:])}
	if len(p) >= ackFull {
		a.Down = parseLoss(p[ackSize:])
	}
	return a, true
}
