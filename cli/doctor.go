package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"parley.lan/doctor"
	"parley.lan/local"
	"parley.lan/node"
	"parley.lan/room"
	"parley.lan/tell"
)

// Microphone is what a moment's listening told.
type Microphone = doctor.Microphone

// ErrNoDevices is what Deps.Devices says where there are none, and nothing that could have some.
var ErrNoDevices = doctor.ErrNoDevices

// diagnosis is the answer of node doctor: the verdict and the action in plain words, and what they rest on.
type diagnosis struct {
	doctor.Diagnosis
	Running  bool             `json:"running"` // a node runs with this state folder
	Room     string           `json:"room,omitempty"`
	Sound    *node.Sounding   `json:"sound,omitempty"`
	TotalMS  float64          `json:"total_ms,omitempty"` // of the sound's budget
	Devices  []Device         `json:"devices,omitempty"`
	Evidence *doctor.Evidence `json:"evidence"`
}

func (diagnosis) Type() string { return "doctor" }

// doctor is node doctor.
func (p *program) doctor(c *urfave.Context) error {
	cfg, err := p.doctorConfig(c)
	if err != nil {
		return err
	}
	switch roomName, sound, err := local.Sound(cfg.StateDir); {
	case err == nil:
		if err := checkRoom(c, roomName); err != nil {
			return err
		}
		cfg.Running = &doctor.Running{Room: roomName, Sound: sound}
	case !errors.Is(err, local.ErrNone):
		return localFailure(err)
	}
	d := diagnose(p.examine(c.Context, cfg))
	if c.Bool("json") {
		err = printJSON(p.stdout, d)
	} else {
		err = d.print(p.stdout)
	}
	if err == nil && !d.OK {
		return errShown
	}
	return err
}

func (p *program) doctorConfig(c *urfave.Context) (doctor.Config, error) {
	n, err := p.nodeConfig(c)
	if err != nil {
		return doctor.Config{}, err
	}
	cfg := doctor.Config{
		Room: n.Room, Join: n.Join, Ifaces: n.Ifaces, StateDir: n.StateDir, TextPort: n.TextPort, VoicePort: n.VoicePort,
		Devices: p.Devices, Listen: p.ListenMicrophone,
	}
	cfg.Program, _ = os.Executable() // for the person to read; without it the line has a gap
	switch c.String("audio") {
	case "auto":
	case "none":
		cfg.Devices = nil
	default:
		return cfg, usage("write auto or none", "bad --audio %q", c.String("audio"))
	}
	return cfg, nil
}

func diagnose(e doctor.Evidence) diagnosis {
	d := diagnosis{Diagnosis: doctor.Judge(e), Room: e.Room, Devices: e.Sound.Devices, Evidence: &e}
	if e.Running != nil {
		d.Running, d.Sound = true, &e.Running.Sound
		if b := d.Sound.Budget; b != nil {
			d.TotalMS = b.Total
		}
	}
	return d
}

// print writes the verdict and the action, and below them what they rest on, a line each.
func (d *diagnosis) print(w io.Writer) error {
	lines := []string{d.Verdict}
	if d.Action != "" {
		lines = append(lines, d.Action)
	}
	lines = append(lines, "")
	lines = append(lines, d.Notes...)
	for _, f := range doctor.Findings(*d.Evidence) {
		lines = append(lines, f.String())
	}
	if d.Sound != nil {
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
