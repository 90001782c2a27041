package audio

import (
	"strings"
	"time"
)

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

// isMonitor tells from a device's name that it hears a loudspeaker: "Monitor of …" in PulseAudio and PipeWire,
// ".monitor" at the end of their internal names.
func isMonitor(name string) bool {
	name = strings.ToLower(name)
	return strings.HasPrefix(name, "monitor of ") || strings.HasSuffix(name, ".monitor")
}
