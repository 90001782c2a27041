package audio

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"
)

// soundSigns is what changes when a sound card or a sound server comes or goes: the kernel's cards, the sockets of PulseAudio
// and PipeWire, and JACK's servers. What comes and goes inside PulseAudio and PipeWire it doesn't tell: these move a stream to
// the right device by themselves.
func soundSigns() string {
	var signs strings.Builder
	cards, _ := os.ReadFile("/proc/asound/cards")
	signs.Write(cards)
	runtime := os.Getenv("XDG_RUNTIME_DIR")
	jack := cmp.Or(os.Getenv("JACK_DEFAULT_SERVER"), "default")
	for _, pattern := range []string{"/dev/snd/*", "/dev/shm/jack_" + jack + "_*_0", filepath.Join(runtime, "pulse/native"), filepath.Join(runtime, "pipewire-0")} {
		found, _ := filepath.Glob(pattern)
		for _, f := range found {
			signs.WriteString(f)
			signs.WriteByte('\n')
		}
	}
	return signs.String()
}
