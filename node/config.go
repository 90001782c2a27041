package node

import (
	"context"
	"log/slog"

	"parley.lan/relay"
	"parley.lan/room"
)

// Config is everything that a node is started with. The zero value of a field means its default.
type Config struct {
	Name      string   // shown to others
	Room      string   // default "lobby"
	ForceHost bool     // host, whatever others do
	Join      []string // further addresses to try, HOST or HOST:PORT
	Ifaces    []string // network interfaces to use; none means all suitable ones
	TextPort  int      // default 2222
	VoicePort int      // default 55555
	NoPlain   bool     // refuse plain clients
	StateDir  string   // keys, known peers and history
	Version   string
	Sound     Sound        // nil: text only
	Listening bool         // this node is here to listen only, and the roster says so
	Bridge    relay.Bridge // makes plain clients' sound; its zero value refuses plain voice
	Log       *slog.Logger // nil discards

	// Of a Participant, whose node may change.
	pipes    *pipes
	switches *switchboard
	volumes  *volumes
}

// Sound is the machine's microphone and speakers, or what stands in for them.
type Sound interface {
	// Run captures and plays until ctx ends. send gets the frames of each packet to be sent, at least one, without an SSRC:
	// copies of earlier frames first, the newest last. It must be done with them when it returns. status is told at
	// the start and at each change which devices are in use, or why none is; text goes on without.
	Run(ctx context.Context, send func(packet []room.VoiceFrame), status func(input, output string, err error)) error
	// Hear takes a frame of somebody else's voice. It never blocks. The frame's bytes are copied.
	Hear(room.VoiceFrame)
	// Forget drops what is kept of a speaker who has left.
	Forget(ssrc uint32)
	// Tune tells what the way through the host asks of one's own voice. It never blocks.
	Tune(room.VoicePath)
	// Budget tells how long a voice takes from microphone to ear, but for the network.
	Budget() room.VoiceBudget
	// Stats tells how each voice heard lately arrives.
	Stats() []room.VoiceStats
	// SetMuted stops or starts sending; hearing goes on.
	SetMuted(bool)
	Muted() bool
	// SetDeaf stops or starts the playing of others' voices; their statistics go on.
	SetDeaf(bool)
	// SetPushToTalk changes between voice activation and push-to-talk, in which the microphone is sent between Press(true)
	// and Press(false) alone, silence included.
	SetPushToTalk(bool)
	Press(bool)
	// SetVolume says how loud one speaker is heard, in dB over what levelling gives, at most MaxVolume; Silent or less: not at all.
	// It holds for the SSRC until Forget.
	SetVolume(ssrc uint32, dB float64)
	// Microphone tells how loud the microphone was since the last call, in -dBov (RFC 6464; room.LevelSilent when closed), and
	// whether its sound was sent.
	Microphone() (level uint8, sent bool)
	// TestMicrophone plays one's own voice back, a second late and as the others would hear it; nothing is sent meanwhile.
	TestMicrophone(bool)
	// Devices lists the machine's sound devices. It may take long.
	Devices() ([]Device, error)
	// Use changes to other devices while the talk goes on: names or unique parts of them, empty for the system's default. What
	// does not exist is an error, and nothing changes then.
	Use(input, output string) error
}

// Bounds of SetVolume, in dB.
const (
	MaxVolume = 20.0
	Silent    = -60.0
)

// Device is one sound device of this machine.
type Device struct {
	Name          string `json:"name"`
	System        string `json:"system"`  // the sound system it belongs to, such as ALSA
	Inputs        int    `json:"inputs"`  // channels
	Outputs       int    `json:"outputs"` // channels
	DefaultInput  bool   `json:"default_input"`
	DefaultOutput bool   `json:"default_output"`
	Monitor       bool   `json:"monitor,omitempty"` // hears what a loudspeaker plays

	InputMS  float64 `json:"input_ms,omitempty"` // the lowest latency that the driver suggests
	OutputMS float64 `json:"output_ms,omitempty"`
}
