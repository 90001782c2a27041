// Package cli is the face of a node that a terminal or a script sees: its commands and flags, line mode and
// JSON mode.
//
// It observes a node and tells it what the person wants; nothing of the room is decided here. What needs
// sound is handed in through Deps, so that the package builds, and is tested, without cgo.
package cli

import (
	"context"
	"io"
	"log/slog"
	"time"

	urfave "github.com/urfave/cli/v2"

	"parley.lan/command"
	"parley.lan/doctor"
	"parley.lan/local"
	"parley.lan/node"
	"parley.lan/room"
)

// Deps is what the binary lends to its command line.
type Deps struct {
	// OpenSound prepares the machine's sound. An error means that cfg can't be met.
	OpenSound func(SoundConfig) (node.Sound, error)
	// Devices lists the machine's sound devices.
	Devices func() ([]Device, error)
	// Prepare adds to a node's configuration what only the binary can make (the codec of plain voice).
	Prepare func(*node.Config)
	// Record opens a recording of the room's voices: one file, or a folder with one for each speaker.
	Record func(out string, tracks bool) (Recording, error)
	// Listen prepares to mix the room's voices.
	Listen func() (Listener, error)
	// Recite prepares to speak what src holds: a WAV stream, or with a rate 16-bit mono PCM without a header.
	Recite func(src io.Reader, rate int) (Reciter, error)
	// ListenMicrophone listens to the microphone for a moment, for node doctor.
	ListenMicrophone func(context.Context) Microphone
	Version          string
	Date             string // of the version, such as 2026-01-31; empty: unknown
}

// SoundConfig says which sound a node has.
type SoundConfig struct {
	Device        string // "auto" or "wav:IN.wav,OUT.wav"
	Input, Output string // device names or unique parts of them; empty: the system's default
	Muted         bool
	Raw           bool // the microphone's sound goes out as it is
	Log           *slog.Logger
}

// Device is one sound device of this machine.
type Device = node.Device

// Recording keeps what it hears until Run's context ends.
type Recording interface {
	Hear(id room.NodeID, name string, f room.VoiceFrame)
	Run(context.Context) error
	Length() time.Duration
}

// Listener mixes what it hears.
type Listener interface {
	Hear(room.VoiceFrame)
	WriteWAV(context.Context, io.Writer) error // in real time, until the context ends or the writer fails
	Lost() uint64                              // samples that the writer was too slow for
}

// Reciter gives send the frames of what it speaks, each at its time, until all is said.
type Reciter interface {
	Run(ctx context.Context, send func(room.VoiceFrame) error) error
}

// participant is a node as a face shows it: the one of this process, or one in another to which the face is attached.
type participant interface {
	node.Face
	Run(context.Context) error
	Drain(context.Context) int
}

// resident is the node of this process.
type resident interface {
	participant
	local.Node
}

// program is one start of the binary: what it was lent, and its three streams.
type program struct {
	Deps
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer

	args    []string // as they were typed
	join    func(node.Config) (resident, error)
	rooms   func(context.Context, node.Config) ([]node.RoomInfo, error)
	history func(context.Context, node.Config, node.HistoryQuery) ([]node.Message, error)
	examine func(context.Context, doctor.Config) doctor.Evidence
}

// Run does what args (os.Args) ask for and returns the exit code. When ctx ends it leaves politely.
func Run(ctx context.Context, deps Deps, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	p := &program{
		Deps: deps, stdin: stdin, stdout: stdout, stderr: stderr,
		join:    func(cfg node.Config) (resident, error) { return node.Open(cfg) },
		rooms:   node.Rooms,
		history: node.History,
		examine: doctor.Examine,
	}
	return p.run(ctx, args)
}

func (p *program) run(ctx context.Context, args []string) int {
	app := p.app()
	p.args = args
	args, err := commandFirst(app, args)
	if err == nil {
		err = app.RunContext(ctx, args)
	}
	return report(p.stderr, err)
}

// app declares the commands. Everything that urfave/cli would print or exit on its own is turned off: errors
// come back from RunContext, so that deferred work is done and only report decides the exit code.
func (p *program) app() *urfave.App {
	app := &urfave.App{
		Name:                      "node",
		Usage:                     "voice and text chat for this LAN; nothing to set up",
		UsageText:                 "node [options]              join the LAN's room, or host it when nobody does\nnode COMMAND [options]",
		Description:               command.HelpText(),
		Flags:                     runFlags(),
		Commands:                  p.commands(),
		HideVersion:               true,
		HideHelpCommand:           true,
		DisableSliceFlagSeparator: true,
		Reader:                    p.stdin,
		Writer:                    p.stdout,
		ErrWriter:                 p.stderr,
		ExitErrHandler:            func(*urfave.Context, error) {},
	}
	for _, c := range app.Commands {
		c.HideHelpCommand = true
		c.OnUsageError = badFlag
		c.CustomHelpTemplate = commandHelp(c)
	}
	return app
}

func (p *program) commands() []*urfave.Command {
	return []*urfave.Command{
		{Name: "run", Usage: "join the room (what node alone does)", Flags: runFlags(), Action: alone(p.runRoom)},
		{Name: "attach", Usage: "show the node that runs here, as node shows its own", Flags: attachFlags(), Action: alone(p.attach)},
		{Name: "quit", Usage: "have the node that runs here leave its room and end", Flags: hereFlags(), Action: alone(p.quit)},
		{Name: "say", Usage: "say TEXT, or the lines of standard input, as the node that runs", ArgsUsage: "[TEXT...]", Flags: hereFlags(), Action: p.say},
		{Name: "mute", Usage: "mute the node that runs here, or end that", ArgsUsage: onOff, Flags: hereFlags(), Action: p.mute},
		{Name: "ptt", Usage: "press and release the key to talk of the node that runs here", ArgsUsage: onOffVoice, Flags: hereFlags(), Action: p.pushToTalk},
		{Name: "rooms", Usage: "list the rooms on this LAN", Flags: lookFlags(), Action: alone(p.listRooms)},
		{Name: "history", Usage: "print what was said in the room, whether a node runs here or not", Flags: historyFlags(), Action: alone(p.printHistory)},
		{Name: "record", Usage: "record the room's voices; everybody sees that it is on", ArgsUsage: outFile, Flags: recordFlags(), Action: p.record},
		{Name: "listen", Usage: "write the room's voices to standard output as WAV", Flags: memberFlags(), Action: alone(p.listen)},
		{Name: "say-audio", Usage: "speak the WAV on standard input into the room", Flags: sayFlags(), Action: alone(p.sayAudio)},
		{Name: "doctor", Usage: "tell what is wrong here, and what to do about it", Flags: doctorFlags(), Action: alone(p.doctor)},
		{Name: "devices", Usage: "list sound devices, or show how loud the microphone is", Flags: deviceFlags(), Action: alone(p.listDevices)},
		{Name: "completion", Usage: "print a script that completes node's words in a shell", ArgsUsage: shellsUsage, Action: printCompletion},
		{Name: "man", Usage: "print the manual page", Action: alone(p.printMan)},
		{Name: "version", Usage: "print the version", Flags: []urfave.Flag{jsonFlag()}, Action: alone(p.printVersion)},
		{Name: "help", Usage: "print this, or a command's options", ArgsUsage: "[COMMAND]", Action: printHelp},
	}
}
