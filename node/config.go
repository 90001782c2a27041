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

	pipes *pipes // of a Participant, whose node may change
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
}
