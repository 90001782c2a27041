package room

import "time"

// Voice clock and frame, in the terms of RFC 3550 and RFC 7587: 48 kHz, mono.
const (
	SampleRate   = 48000
	FrameTime    = 10 * time.Millisecond
	FrameSamples = SampleRate / 100 // samples in one frame of FrameTime

	PlainRate    = 44100           // of the original program's clients: s16le, mono, no header
	PlainSamples = PlainRate / 100 // samples of a plain member in FrameTime

	MaxOpus = 1275 // bytes in one Opus frame (RFC 6716 section 3.2.1)
)

// Level of a frame in -dBov, as in RFC 6464: 0 is the loudest, 127 is digital silence.
const (
	LevelLoudest = 0
	LevelSilent  = 127
)

// VoiceFrame is one encoded piece of a member's speech. Opus belongs to the caller: whoever keeps a frame
// past the call that brought it copies the bytes.
type VoiceFrame struct {
	SSRC      uint32
	Seq       uint16 // grows by one a frame, wraps
	Timestamp uint32 // in samples at 48 kHz of the frame's first sample, wraps
	Level     uint8  // -dBov
	Marker    bool   // first frame of a talkspurt
	Opus      []byte // 1 to MaxOpus bytes
}

// VoiceStats tells how one speaker's voice arrives here.
type VoiceStats struct {
	SSRC      uint32
	Received  uint64  // frames that came
	Lost      uint64  // frames that never came
	Late      uint64  // frames that came after their turn
	Concealed uint64  // frames that the decoder made up
	JitterMS  float64 // interarrival jitter (RFC 3550 section 6.4.1)
	DelayMS   float64 // what the jitter buffer holds now
}
