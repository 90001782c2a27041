//go:build linux

package main_test

import (
	"testing"

	"parley.lan/audio/audiotest"
	"parley.lan/internal/lantest"
)

// diagnoseSound: on a LAN where nothing else is wrong, a PulseAudio server with each of the faults in turn.
func diagnoseSound(t *testing.T) {
	pulse := audiotest.StartPulse(t, "mouth", "ear")
	lan := lantest.New(t)
	ada := start(t, lan.Host("ada"), "ada")
	await[hosting](ada, "hosting", nil)
	me := lan.Host("me")
	pulse.Control("load-module", "module-remap-source", "master=mouth.monitor", "source_name=microphone")
	for _, c := range []struct {
		name, cause string
		make        func() // changes the server
	}{
		{"a microphone that gives nothing", "microphone-silent", func() { pulse.Control("set-default-source", "microphone") }},
		{"a muted microphone", "microphone-muted", func() { pulse.Control("set-source-mute", "microphone", "1") }},
		{"a monitor in a microphone's place", "monitor-microphone", func() {
			pulse.Control("set-source-mute", "microphone", "0")
			pulse.Control("set-default-source", "ear.monitor")
		}},
		{"a microphone that hears something", "healthy", func() {
			pulse.Control("set-default-source", "microphone")
			pulse.Tone("mouth")
		}},
	} {
		c.make()
		dir := t.TempDir()
		pulse.Home(dir, "microphone", "ear")
		illness{c.name, c.cause, nil, func(w *ward) patient {
			return patient{host: me, dir: dir, flags: []string{"--audio", "auto"}}
		}}.on(t, lan)
	}
	illness{"no sound devices", "no-sound-device", []string{"Text works without"}, func(w *ward) patient {
		return at(me, "--audio", "auto")
	}}.on(t, lan)
}
