package cli

import (
	"os"

	urfave "github.com/urfave/cli/v2"
)

// Default ports of the LAN's relay, as the node package takes them.
const (
	textPort  = 2222
	voicePort = 55555
)

func runFlags() []urfave.Flag {
	return []urfave.Flag{
		nameFlag(),
		roomFlag(),
		&urfave.BoolFlag{Name: "host", DisableDefaultText: true, Usage: "host the room, whatever others do"},
		joinFlag(),
		ifaceFlag(),
		textPortFlag(),
		voicePortFlag(),
		&urfave.StringFlag{Name: "passphrase-file", Usage: "`FILE` that holds the room's passphrase (not supported yet)"},
		&urfave.BoolFlag{Name: "no-plain", DisableDefaultText: true, Usage: "refuse plain clients such as nc"},
		&urfave.StringFlag{Name: "audio", Value: "auto", Usage: "`SOUND` to use: auto, none, or wav:IN.wav,OUT.wav (either may be empty)"},
		inputFlag(),
		&urfave.StringFlag{Name: "output", Usage: "loudspeaker: `DEVICE` name, or a part that no other has"},
		&urfave.BoolFlag{Name: "mute", DisableDefaultText: true, Usage: "start muted"},
		&urfave.BoolFlag{Name: "raw-audio", DisableDefaultText: true, Usage: "send what the microphone hears as it is, without echo cancelling, noise suppression and automatic gain: for music"},
		plainFlag(),
		&urfave.BoolFlag{Name: "no-notify", DisableDefaultText: true, Usage: "no bell and no notification when somebody names you or whispers while you look elsewhere"},
		jsonFlag(),
		stateFlag(),
		&urfave.BoolFlag{Name: "background", DisableDefaultText: true, Usage: "start, and give the terminal back: node attach shows the node, node quit ends it"},
		&urfave.StringFlag{Name: "log-level", Value: "info", Usage: "`LEVEL`: debug, info, warn or error"},
		&urfave.StringFlag{Name: "log-file", Usage: "log to `FILE` (default: node.log in the state folder)"},
	}
}

// hereFlags serve the commands for the node that runs with a state folder.
func hereFlags() []urfave.Flag { return []urfave.Flag{stateFlag(), jsonFlag()} }

func attachFlags() []urfave.Flag { return []urfave.Flag{plainFlag(), jsonFlag(), stateFlag()} }

// memberFlags serve the commands that are a member of their own where no node runs.
func memberFlags() []urfave.Flag {
	return []urfave.Flag{nameFlag(), roomFlag(), joinFlag(), ifaceFlag(), textPortFlag(), voicePortFlag(), stateFlag()}
}

func recordFlags() []urfave.Flag {
	return append([]urfave.Flag{
		&urfave.BoolFlag{Name: "tracks", DisableDefaultText: true, Usage: "OUT is a folder, with one file for each speaker; they begin together"},
		&urfave.DurationFlag{Name: "for", DefaultText: " ", Usage: "record for `TIME`, such as 90s or 1h30m (default: until Ctrl-C)"},
		jsonFlag(),
	}, memberFlags()...)
}

func sayFlags() []urfave.Flag {
	return append([]urfave.Flag{
		&urfave.IntFlag{Name: "raw", DefaultText: " ", Usage: "the input has no header: 16 bit, little-endian, mono, at `RATE` Hz"},
	}, memberFlags()...)
}

// lookFlags serve the commands that only look around.
func lookFlags() []urfave.Flag {
	return []urfave.Flag{joinFlag(), ifaceFlag(), stateFlag(), jsonFlag()}
}

func doctorFlags() []urfave.Flag {
	return []urfave.Flag{
		roomFlag(), joinFlag(), ifaceFlag(), textPortFlag(), voicePortFlag(),
		&urfave.StringFlag{Name: "audio", Value: "auto", Usage: "`SOUND` to look at: auto, or none"},
		stateFlag(), jsonFlag(),
	}
}

func historyFlags() []urfave.Flag {
	return append([]urfave.Flag{
		roomFlag(),
		&urfave.StringFlag{Name: "search", Usage: "only messages with all these `WORDS`, or words that begin so; private ones are not searched"},
		&urfave.StringFlag{Name: "since", Usage: "only what was said since `WHEN`: 2h, 7d, 14:30, 2026-01-31, \"2026-01-31 14:30\", today, yesterday"},
		&urfave.IntFlag{Name: "limit", Value: 10_000, Usage: "at most the newest `N` messages"},
	}, lookFlags()...)
}

func deviceFlags() []urfave.Flag {
	return []urfave.Flag{
		&urfave.BoolFlag{Name: "meter", DisableDefaultText: true, Usage: "show how loud the microphone is, until Ctrl-C"},
		inputFlag(),
		&urfave.BoolFlag{Name: "plain", DisableDefaultText: true, Usage: "with --meter: a line each second, nothing is redrawn (the default when not on a terminal)"},
		jsonFlag(),
	}
}

func inputFlag() urfave.Flag {
	return &urfave.StringFlag{Name: "input", Usage: "microphone: `DEVICE` name, or a part that no other has, or such words of its system and name (\"jack system\")"}
}

func nameFlag() urfave.Flag {
	return &urfave.StringFlag{Name: "name", EnvVars: env("PARLEY_NAME"), Usage: "`NAME` shown to others (default: the name you log in with)"}
}

func textPortFlag() urfave.Flag {
	return &urfave.IntFlag{Name: "text-port", Value: textPort, Usage: "TCP `PORT` for text when hosting"}
}

func voicePortFlag() urfave.Flag {
	return &urfave.IntFlag{Name: "voice-port", Value: voicePort, Usage: "UDP and TCP `PORT` for voice when hosting"}
}

func roomFlag() urfave.Flag {
	return &urfave.StringFlag{Name: "room", Value: "lobby", EnvVars: env("PARLEY_ROOM"), Usage: "`ROOM` to be in; rooms on one LAN don't mix"}
}

func joinFlag() urfave.Flag {
	return &urfave.StringSliceFlag{Name: "join", Usage: "also try `HOST[:PORT]`; repeatable"}
}

func ifaceFlag() urfave.Flag {
	return &urfave.StringSliceFlag{Name: "iface", Usage: "use only the network interface `NAME`; repeatable"}
}

func stateFlag() urfave.Flag {
	return &urfave.StringFlag{Name: "state-dir", EnvVars: env("PARLEY_STATE"), Usage: "`FOLDER` for keys, known peers and history (default: parley in the XDG state home)"}
}

func plainFlag() urfave.Flag {
	return &urfave.BoolFlag{Name: "plain", DisableDefaultText: true, Usage: "lines in place of the full screen; nothing is ever redrawn (the default when not on a terminal)"}
}

func jsonFlag() urfave.Flag {
	return &urfave.BoolFlag{Name: "json", DisableDefaultText: true, Usage: "JSON Lines on standard output"}
}

// env names a flag's environment variable unless it is set to nothing, which means unset; urfave/cli would
// take it for an empty value.
func env(name string) []string {
	if v, set := os.LookupEnv(name); set && v == "" {
		return nil
	}
	return []string{name}
}
