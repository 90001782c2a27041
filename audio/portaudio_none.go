//go:build !cgo

package audio

import "log/slog"

func newPortAudio(log *slog.Logger) backend { return nil }

// Devices lists this machine's sound devices.
func Devices() ([]Device, error) { return nil, soundBuilt() }
