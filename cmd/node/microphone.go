package main

import (
	"context"
	"math"

	"parley.lan/audio"
	"parley.lan/cli"
)

// microphone listens to it for a moment.
func microphone(ctx context.Context) cli.Microphone {
	h, err := audio.HearMicrophone(ctx)
	m := cli.Microphone{Name: h.Device, Muted: h.Muted, Monitor: h.Monitor, Dead: h.Peak == 0}
	if err != nil {
		m.Error = err.Error()
	}
	if h.Peak > 0 {
		m.Peak = 20 * math.Log10(h.Peak)
	}
	return m
}
