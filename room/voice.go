package room

import "time"

// Voice clock and frame, in the terms of RFC 3550 and RFC 7587: 48 kHz, mono.
const (
	SampleRate   = 48000
	FrameTime    = 10 * time.Millisecond
	FrameSamples = SampleRate / 100 // samples in one frame of FrameTime
	BlockSamples = SampleRate / 200 // samples in 5 ms, what a microphone's sound is cleaned and judged by

	PlainRate    = 44100           // of the original program's clients: s16le, mono, no header
	PlainSamples = PlainRate / 100 // samples of a plain member in FrameTime

	MaxOpus   = 1275 // bytes in one Opus frame (RFC 6716 section 3.2.1)
	FrameHead = 14   // bytes before a frame's Opus in a packet
	MaxPacket = 1400 // bytes of a packet, its kind included: sealed it fits in one Ethernet frame, with IPv6 and UDP
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
	PreRoll   bool   // spoken before the talkspurt was noticed, so sent later than its time: says nothing of the path's delay
	Opus      []byte // 1 to MaxOpus bytes
}

// VoicePath is what the way through the host asks of a speaker.
type VoicePath struct {
	Frame time.Duration // duration of a frame: 5, 10 or 20 ms; 0: the speaker's choice
	Loss  float64       // of the datagrams on the way to whom they reach worst, 0 to 1
	Burst float64       // mean length of a run of lost datagrams, at least 1 where there is loss
}

// VoiceBudget is how long a voice takes from microphone to ear, stage by stage, in milliseconds, as measured on this
// machine; 0 where a stage is absent. From Capture to Encoder it is one's own voice, from Jitter to Playout the voices
// heard (of several speakers the mean).
type VoiceBudget struct {
	Capture float64 `json:"capture"` // the device's buffer, and until the sound is taken from it
	Frame   float64 `json:"frame"`   // until a frame is full
	Clean   float64 `json:"clean"`   // look-ahead of echo cancelling and noise suppression, and their computing
	Encoder float64 `json:"encoder"` // Opus' look-ahead, and its computing
	Network float64 `json:"network"` // to the host, through it, and on: one round trip's time
	Jitter  float64 `json:"jitter"`  // what the jitter buffer adds
	Decoder float64 `json:"decoder"` // decoding and mixing, their computing
	Playout float64 `json:"playout"` // until the device plays it
}

// Total is the sum of all stages.
func (b VoiceBudget) Total() float64 {
	return b.Capture + b.Frame + b.Clean + b.Encoder + b.Network + b.Jitter + b.Decoder + b.Playout
}

// VoiceStats tells how one speaker's voice arrives here.
type VoiceStats struct {
	SSRC      uint32
	Received  uint64  // frames that came
	Lost      uint64  // frames that never came
	Late      uint64  // frames that came after their turn
	Concealed uint64  // frames that the decoder made up
	Recovered uint64  // frames that came only as a later packet's copy
	JitterMS  float64 // interarrival jitter (RFC 3550 section 6.4.1)
	DelayMS   float64 // what the jitter buffer holds now
}
