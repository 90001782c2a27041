//go:build cgo

package audio

import (
	"fmt"

	"github.com/gordonklaus/portaudio"
)

// pick finds the device that name fits best, or the system's default. Where none or several fit, the error says so and the
// default stands in.
func pick(name string, input bool) (*portaudio.DeviceInfo, error) {
	infos, all, err := found()
	if err != nil {
		return nil, err
	}
	i, missing := named(all, name, input)
	if missing != nil {
		missing = fmt.Errorf("%w: using the default until it comes", missing)
	}
	if i < 0 {
		i = fallback(all, input)
	}
	if i < 0 {
		return nil, fmt.Errorf("this machine has no %s", kind(input))
	}
	return infos[i], missing
}

// Devices lists this machine's sound devices. It may take half a second, and prints nothing. While something is open in this
// process the list is as old as that (see Engine.Devices).
func Devices() ([]Device, error) {
	paMutex.Lock()
	defer paMutex.Unlock()
	if err := initialize(); err != nil {
		return nil, err
	}
	defer portaudio.Terminate()
	_, all, err := found()
	return all, err
}

// found is what PortAudio found when it was initialised, twice and in the same order.
func found() ([]*portaudio.DeviceInfo, []Device, error) {
	infos, err := portaudio.Devices()
	if err != nil {
		return nil, nil, fmt.Errorf("listing the sound devices: %w", err)
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
	return infos, all, nil
}
