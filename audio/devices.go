package audio

import (
	"errors"
	"strings"
	"time"
)

// ErrNoDevices: there is nothing to look for.
var ErrNoDevices = errors.New("no sound: this machine has no sound devices")

// Device is one sound device of this machine, as PortAudio lists it.
type Device struct {
	Name          string
	HostAPI       string
	Inputs        int // channels
	Outputs       int
	DefaultInput  bool
	DefaultOutput bool
	Monitor       bool // hears what a loudspeaker plays; never taken as a microphone unless named
	SampleRate    float64
	InputLatency  time.Duration // the lowest that the driver suggests
	OutputLatency time.Duration
}

// has tells whether it can be a microphone, or a loudspeaker.
func (d Device) has(input bool) bool { return input && d.Inputs > 0 || !input && d.Outputs > 0 }

// isMonitor tells from a device's name that it hears a loudspeaker: "Monitor of …" in PulseAudio and PipeWire,
// ".monitor" at the end of their internal names.
func isMonitor(name string) bool {
	name = strings.ToLower(name)
	return strings.HasPrefix(name, "monitor of ") || strings.HasSuffix(name, ".monitor")
}

// isBluetooth tells from a device's name that it is a wireless headset's, as far as a name tells: its sound is good only
// while nobody uses its microphone.
func isBluetooth(name string) bool {
	name = strings.ToLower(name)
	for _, sign := range []string{"bluetooth", "bluez", "bluealsa", "hands-free", "airpods"} {
		if strings.Contains(name, sign) {
			return true
		}
	}
	return false
}

// fits tells how well a device goes by name: the whole of it, a part of it, or all its words being among those of the device
// and its sound system ("jack system").
func (d Device) fits(name string) fitness {
	have, want := strings.ToLower(d.Name), strings.ToLower(name)
	switch {
	case have == want:
		return fitsWhole
	case strings.Contains(have, want):
		return fitsPart
	}
	have += " " + strings.ToLower(d.HostAPI)
	for _, word := range strings.Fields(want) {
		if !strings.Contains(have, word) {
			return fitsNot
		}
	}
	return fitsWords
}

type fitness int

const (
	fitsNot fitness = iota
	fitsWords
	fitsPart
	fitsWhole
)
