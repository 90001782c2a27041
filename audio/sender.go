package audio

import (
	"math/rand/v2"
	"time"

	"parley.lan/room"
)

// The gate: frames quieter than gateLevel aren't sent once gateHang has passed since the last louder one. The
// threshold lies far below speech and just above a good microphone's own noise, so it cuts no word's start.
const (
	gateLevel  = 60 // -dBov
	gateFrames = int(500 * time.Millisecond / room.FrameTime)
)

// sender turns a voice, 10 ms at a time, into frames (RFC 3550's sequence number, timestamp and marker, both
// starting at random; RFC 6464's level). The timestamp goes on through what isn't sent.
type sender struct {
	enc     encoder
	seq     uint16
	ts      uint32
	open    bool // in a talkspurt
	quiet   int  // frames since the last one above the gate
	packet  [room.MaxOpus]byte
	scratch [room.FrameSamples]float32
	failed  uint64 // frames that the encoder refused
}

func newSender(enc encoder) *sender {
	return &sender{enc: enc, seq: uint16(rand.Uint32()), ts: rand.Uint32(), quiet: gateFrames}
}

// next takes the next room.FrameSamples samples and returns the frame to send; ok is false where there is
// none. The frame's bytes are valid until the next call. Muted, the talkspurt ends with one frame that fades
// out, marked silent so that listeners take the pause for what it is.
func (s *sender) next(pcm []float32, muted bool) (f room.VoiceFrame, ok bool) {
	f.Timestamp = s.ts
	s.ts += room.FrameSamples
	f.Level = level(pcm)
	switch {
	case muted && !s.open:
		return f, false
	case muted:
		for i, v := range pcm {
			s.scratch[i] = v * float32(len(pcm)-i) / float32(len(pcm))
		}
		pcm = s.scratch[:len(pcm)]
		f.Level = room.LevelSilent
		s.quiet = gateFrames
	case f.Level <= gateLevel:
		s.quiet = 0
	default:
		s.quiet++
	}
	if !s.open && s.quiet > 0 {
		return f, false
	}
	f.Marker = !s.open
	s.open = s.quiet < gateFrames
	n, err := s.enc.encode(pcm, s.packet[:])
	if err != nil || n == 0 {
		s.failed++
		return f, false
	}
	f.Opus = s.packet[:n]
	f.Seq = s.seq
	s.seq++
	return f, true
}

// skip tells that n samples were never captured, so that the timestamps keep their place in time.
func (s *sender) skip(n int) { s.ts += uint32(n) }
