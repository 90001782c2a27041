package cli

import (
	"fmt"

	urfave "github.com/urfave/cli/v2"
)

// deviceFound is a line of the answer in JSON.
type deviceFound struct{ Device }

func (deviceFound) Type() string { return "device" }

// listDevices is node devices.
func (p *program) listDevices(c *urfave.Context) error {
	switch {
	case c.Bool("meter"):
		return p.meter(c)
	case c.IsSet("input") || c.IsSet("plain"):
		return usage("write node devices --meter --input DEVICE", "--input and --plain are for --meter")
	}
	devices, err := p.Devices()
	if err != nil {
		return failed("text works without sound", "no sound devices: %v", err)
	}
	if c.Bool("json") {
		for _, d := range devices {
			if err := printJSON(p.stdout, deviceFound{d}); err != nil {
				return err
			}
		}
		return nil
	}
	if len(devices) == 0 {
		_, err := fmt.Fprintln(p.stdout, "No sound devices on this machine. Text works without.")
		return err
	}
	rows := [][]string{{"DEVICE", "SYSTEM", "INPUT", "OUTPUT"}}
	for _, d := range devices {
		input := channels(d.Inputs, d.DefaultInput)
		if d.Monitor && d.Inputs > 0 { // it hears a loudspeaker, and is no microphone unless it is named
			input = "monitor"
			if d.DefaultInput {
				input = "default monitor"
			}
		}
		rows = append(rows, []string{d.Name, d.System, input, channels(d.Outputs, d.DefaultOutput)})
	}
	return printTable(p.stdout, rows)
}

func channels(n int, standard bool) string {
	switch {
	case n == 0:
		return "-"
	case standard:
		return "default"
	}
	return "yes"
}
