package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"parley.lan/local"
	"parley.lan/node"
	"parley.lan/room"
	"parley.lan/tell"
)

// diagnosis is the answer of node doctor. Verdict and action are plain words; the rest is what they rest on.
type diagnosis struct {
	OK      bool           `json:"ok"`
	Verdict string         `json:"verdict"`
	Action  string         `json:"action,omitempty"`
	Running bool           `json:"running"` // a node runs with this state folder
	Room    string         `json:"room,omitempty"`
	Sound   *node.Sounding `json:"sound,omitempty"`
	TotalMS float64        `json:"total_ms,omitempty"` // of the sound's budget
	Devices []Device       `json:"devices,omitempty"`
}

func (diagnosis) Type() string { return "doctor" }

// doctor is node doctor.
func (p *program) doctor(c *urfave.Context) error {
	dir, err := stateDir(c.String("state-dir"))
	if err != nil {
		return err
	}
	var d diagnosis
	switch roomName, sound, err := local.Sound(dir); {
	case err == nil:
		d = judgeNode(roomName, sound)
	case errors.Is(err, local.ErrNone):
		devices, err := p.Devices()
		d = judgeDevices(devices, err)
	default:
		return localFailure(err)
	}
	if c.Bool("json") {
		return printJSON(p.stdout, d)
	}
	return d.print(p.stdout)
}

// What is worth a word: a share of frames, and milliseconds.
const (
	badLoss   = 0.02
	badBudget = 150 // beyond it people begin to interrupt one another (ITU-T G.114)
)

// judgeNode tells how a running node's sound is.
func judgeNode(roomName string, s node.Sounding) diagnosis {
	d := diagnosis{Running: true, Room: roomName, Sound: &s}
	if s.Budget != nil {
		d.TotalMS = s.Budget.Total
	}
	worst, share := node.VoiceQuality{}, 0.0
	for _, v := range s.Speakers {
		if all := v.Received + v.Lost; all > 0 && float64(v.Lost+v.Late)/float64(all) > share {
			worst, share = v, float64(v.Lost+v.Late)/float64(all)
		}
	}
	switch {
	case s.Input == "" && s.Output == "" && s.Error == "":
		d.Verdict, d.Action = "The node that runs here has no sound.", "Start it without --audio none."
	case s.Error != "":
		d.Verdict, d.Action = "The sound has a fault: "+s.Error, "Plug the device in, or choose another with --input and --output; node devices lists them."
	case s.Input == "":
		d.Verdict, d.Action = "There is no microphone: you hear, and nobody hears you.", "Plug one in, or choose one with --input."
	case s.Output == "":
		d.Verdict, d.Action = "There is no loudspeaker: others hear you, and you hear nobody.", "Plug one in, or choose one with --output."
	case share > badLoss:
		d.Verdict = fmt.Sprintf("The network loses or delays %.0f %% of %s's voice.", 100*share, worst.Name)
		d.Action = "Use a cable, or go nearer to the access point."
	case d.TotalMS > badBudget:
		d.Verdict = fmt.Sprintf("Voices take %.0f ms, so that people interrupt one another.", d.TotalMS)
		d.Action = "See below which stage takes longest."
	case s.Muted:
		d.OK, d.Verdict, d.Action = true, "The sound works. You are muted.", "/unmute lets the others hear you."
	default:
		d.OK, d.Verdict = true, "The sound works."
	}
	return d
}

// judgeDevices tells how this machine's sound is where no node runs.
func judgeDevices(devices []Device, err error) diagnosis {
	d := diagnosis{Devices: devices}
	var mic, spk, microphones, monitor bool
	for _, dev := range devices {
		mic = mic || dev.DefaultInput && !dev.Monitor
		monitor = monitor || dev.DefaultInput && dev.Monitor
		spk = spk || dev.DefaultOutput
		microphones = microphones || dev.Inputs > 0 && !dev.Monitor
	}
	switch {
	case err != nil:
		d.Verdict, d.Action = "The sound system can't be asked: "+err.Error(), "Text works without. Is a sound server running?"
	case len(devices) == 0:
		d.Verdict, d.Action = "This machine has no sound devices.", "Text works without. Plug a headset in."
	case monitor && !microphones:
		d.Verdict, d.Action = "The default microphone is a monitor: it hears the loudspeaker, not you, and there is no other.", "Plug a microphone in."
	case monitor:
		d.Verdict = "The default microphone is a monitor: it hears the loudspeaker, not you. node takes another one."
		d.Action = "Choose your microphone in the system's sound settings, or with --input."
	case !mic && !microphones:
		d.Verdict, d.Action = "There is no microphone: you would hear, and nobody would hear you.", "Plug one in."
	case !mic:
		d.Verdict, d.Action = "There is no default microphone.", "Choose one in the system's sound settings, or with --input."
	case !spk:
		d.Verdict, d.Action = "There is no default loudspeaker.", "Plug one in, or choose one with --output."
	default:
		d.OK, d.Verdict = true, "The sound devices are fine. No node runs here."
	}
	return d
}

func (d *diagnosis) print(w io.Writer) error {
	lines := []string{d.Verdict}
	if d.Action != "" {
		lines = append(lines, d.Action)
	}
	lines = append(lines, "")
	if d.Sound != nil {
		lines = append(lines, "Room: "+d.Room)
		lines = append(lines, tell.Sound(*d.Sound)...)
	}
	for _, dev := range d.Devices {
		lines = append(lines, deviceLine(dev))
	}
	for _, l := range lines {
		if _, err := fmt.Fprintln(w, room.CleanText(l)); err != nil {
			return err
		}
	}
	return nil
}

func deviceLine(d Device) string {
	var is []string
	add := func(channels int, standard bool, ms float64, what string) {
		if channels == 0 {
			return
		}
		if standard {
			what = "default " + what
		}
		if ms > 0 {
			what += fmt.Sprintf(", %.0f ms", ms)
		}
		is = append(is, what)
	}
	input := "microphone"
	if d.Monitor {
		input = "monitor"
	}
	add(d.Inputs, d.DefaultInput, d.InputMS, input)
	add(d.Outputs, d.DefaultOutput, d.OutputMS, "loudspeaker")
	return d.Name + " (" + d.System + "): " + strings.Join(is, "; ")
}
