//go:build linux

package main_test

import (
	"bufio"
	"encoding/json"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"parley.lan/audio/audiotest"
)

// TestMeterShowsWhatTheMicrophoneHears: nothing, a tone as loud as it is played, and nothing again when the system has muted it.
// The default microphone is one of PulseAudio's making.
func TestMeterShowsWhatTheMicrophoneHears(t *testing.T) {
	t.Parallel()
	pulse := audiotest.StartPulse(t, "mic", "spk")
	cmd := exec.CommandContext(t.Context(), program, "devices", "--meter", "--json")
	cmd.Env = append(pulse.Env("mic.monitor", "spk"), "HOME="+t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	told := make(chan meterLine)
	go func() {
		defer close(told)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var l meterLine
			if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
				t.Errorf("%q: %v", lines.Text(), err)
			}
			told <- l
		}
	}()
	await := func(what string, is func(meterLine) bool) {
		t.Helper()
		var seen []meterLine
		for end := time.After(patience); ; {
			select {
			case l, more := <-told:
				if seen = append(seen, l); more && is(l) {
					return
				}
				if more {
					continue
				}
			case <-end:
			}
			cmd.Process.Kill()
			t.Fatalf("no %s in %+v", what, seen)
		}
	}
	nothing := func(l meterLine) bool {
		return l.Type == "level" && l.Silent && strings.Contains(l.Hint, "muted")
	}
	await("microphone", func(l meterLine) bool { return l.Type == "audio" && l.Input != "" && l.Error == "" })
	await("silence", nothing)
	pulse.Tone("mic") // a sine at 8000 of 32768
	await("tone of -15 dB", func(l meterLine) bool { return l.Type == "level" && !l.Silent && l.Level >= 13 && l.Level <= 17 })
	pulse.Control("set-source-mute", "mic.monitor", "1")
	await("silence once muted", nothing)
	cmd.Process.Signal(syscall.SIGINT)
	for range told {
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("ended by Ctrl-C: %v", err)
	}
}

// meterLine is any line that it tells.
type meterLine struct {
	Type, Input, Error, Hint string
	Level                    uint8
	Silent                   bool
}
