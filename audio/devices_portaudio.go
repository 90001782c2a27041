//go:build cgo

package audio

import (
	"fmt"
	"slices"

	"github.com/gordonklaus/portaudio"
)

// pick finds the device that name fits best, or the system's default. Where none or several fit, the error says so and the
// default stands in.
func pick(name string, input bool) (*portaudio.DeviceInfo, error) {
	kind := "loudspeaker"
	if input {
		kind = "microphone"
	}
	devices, err := portaudio.Devices()
	if err != nil {
		return nil, fmt.Errorf("looking for a %s: %w", kind, err)
	}
	devices = slices.DeleteFunc(slices.Clone(devices), func(d *portaudio.DeviceInfo) bool {
		return input && d.MaxInputChannels == 0 || !input && d.MaxOutputChannels == 0
	})
	var missing error
	if name != "" {
		var found []*portaudio.DeviceInfo
		best := fitsWords
		for _, d := range devices {
			fits := Device{Name: d.Name, HostAPI: d.HostApi.Name}.fits(name)
			if fits > best {
				best, found = fits, nil
			}
			if fits == best {
				found = append(found, d)
			}
		}
		switch {
		case len(found) == 1 || best == fitsWhole:
			return found[0], nil
		case len(found) == 0:
			missing = fmt.Errorf("no %s is called %q (node devices lists them): using the default until it comes", kind, name)
		default:
			missing = fmt.Errorf("%d devices fit %q, among them %q and %q: use more of the name; using the default",
				len(found), name, found[0].Name, found[1].Name)
		}
	}
	def, err := portaudio.DefaultOutputDevice()
	if input {
		def, err = portaudio.DefaultInputDevice()
	}
	if err == nil && !(input && isMonitor(def.Name)) {
		return def, missing
	}
	for _, d := range devices {
		if !(input && isMonitor(d.Name)) {
			return d, missing
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
