//go:build cgo

package audio

import (
	"fmt"
	"strings"

	"github.com/gordonklaus/portaudio"
)

// pick finds the device whose name contains name, whatever its case, or the system's default.
func pick(name string, input bool) (*portaudio.DeviceInfo, error) {
	kind := "loudspeaker"
	if input {
		kind = "microphone"
	}
	devices, err := portaudio.Devices()
	if err != nil {
		return nil, fmt.Errorf("looking for a %s: %w", kind, err)
	}
	var found []*portaudio.DeviceInfo
	for _, d := range devices {
		if input && d.MaxInputChannels == 0 || !input && d.MaxOutputChannels == 0 {
			continue
		}
		if name != "" && strings.EqualFold(d.Name, name) {
			return d, nil
		}
		if strings.Contains(strings.ToLower(d.Name), strings.ToLower(name)) {
			found = append(found, d)
		}
	}
	if name != "" {
		switch len(found) {
		case 0:
			return nil, fmt.Errorf("no %s is called %q: node devices lists them", kind, name)
		case 1:
			return found[0], nil
		}
		return nil, fmt.Errorf("%d devices fit %q, among them %q and %q: use more of the name", len(found), name, found[0].Name, found[1].Name)
	}
	def, err := portaudio.DefaultOutputDevice()
	if input {
		def, err = portaudio.DefaultInputDevice()
	}
	if err == nil && !(input && isMonitor(def.Name)) {
		return def, nil
	}
	for _, d := range found {
		if !(input && isMonitor(d.Name)) {
			return d, nil
		}
	}
	return nil, fmt.Errorf("this machine has no %s", kind)
}

// Devices lists this machine's sound devices. It may take half a second, and prints nothing.
func Devices() ([]Device, error) {
	paMutex.Lock()
	defer paMutex.Unlock()
	if err := initialize(); err != nil {
		return nil, err
	}
	defer portaudio.Terminate()
	infos, err := portaudio.Devices()
	if err != nil {
		return nil, fmt.Errorf("listing the sound devices: %w", err)
	}
	in, _ := portaudio.DefaultInputDevice() // none is no error
	out, _ := portaudio.DefaultOutputDevice()
	all := make([]Device, 0, len(infos))
	for _, d := range infos {
		all = append(all, Device{
			Name:          d.Name,
			HostAPI:       d.HostApi.Name,
			Inputs:        d.MaxInputChannels,
			Outputs:       d.MaxOutputChannels,
			DefaultInput:  in != nil && d.Index == in.Index,
			DefaultOutput: out != nil && d.Index == out.Index,
			Monitor:       isMonitor(d.Name),
			SampleRate:    d.DefaultSampleRate,
			InputLatency:  d.DefaultLowInputLatency,
			OutputLatency: d.DefaultLowOutputLatency,
		})
	}
	return all, nil
}
