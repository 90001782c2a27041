package doctor

import (
	"context"
	"errors"
)

// ErrNoDevices is what Config.Devices says where there are none, and nothing that could have some.
var ErrNoDevices = errors.New("this machine has no sound devices")

// soundOf asks for the devices, and listens to the microphone for a moment. Where a node runs it has the microphone, and
// tells of it itself.
func soundOf(ctx context.Context, cfg Config) Sound {
	s := Sound{Asked: cfg.Devices != nil}
	if !s.Asked || cfg.Running != nil {
		return s
	}
	ctx, cancel := context.WithTimeout(ctx, soundTime)
	defer cancel()
	done := make(chan Sound, 1) // the sound system may hang, and can't be interrupted: then it is left to the process's end
	go func() {
		s := s
		devices, err := cfg.Devices()
		s.Devices = devices
		if err != nil && !errors.Is(err, ErrNoDevices) {
			s.DevicesError = err.Error()
		} else if len(devices) > 0 && cfg.Listen != nil {
			m := cfg.Listen(ctx)
			s.Microphone = &m
		}
		done <- s
	}()
	select {
	case s = <-done:
	case <-ctx.Done():
		s.DevicesError = "the sound system does not answer"
	}
	return s
}
