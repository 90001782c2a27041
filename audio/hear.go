package audio

import (
	"context"
	"os/exec"
	"strings"
	"time"
)

// Heard is what a moment's listening to the default microphone told.
type Heard struct {
	Device  string
	Peak    float64 // the loudest sample, 0 to 1
	Muted   bool    // the sound server says so
	Monitor bool    // the sound server's default is one
}

// hearTime is for a moment's listening, and pactlTime for the sound server's answer.
const (
	hearTime  = 1200 * time.Millisecond
	pactlTime = time.Second
)

// askServer asks PulseAudio, or what stands in for it, about its default microphone. Where there is none nothing is known.
func (h *Heard) askServer(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, pactlTime)
	defer cancel()
	source := pactl(ctx, "get-default-source")
	if source == "" {
		return
	}
	h.Monitor = isMonitor(source)
	h.Muted = strings.HasSuffix(pactl(ctx, "get-source-mute", source), ": yes")
}

func pactl(ctx context.Context, args ...string) string {
	cmd := exec.CommandContext(ctx, "pactl", args...)
	cmd.Env = append(cmd.Environ(), "LC_ALL=C")
	out, err := cmd.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
