//go:build linux

package main_test

import (
	"testing"
	"time"

	"parley.lan/audio/audiotest"
)

// TestSpeechThroughSoundCards: two nodes on different machines, each with a microphone and a loudspeaker of
// PulseAudio's making, reached through PortAudio. What is said into one comes out of the other, and not of itself.
func TestSpeechThroughSoundCards(t *testing.T) {
	audiotest.Insist(t, func(report func(string, ...any)) { speechThroughSoundCards(t, report) })
}

func speechThroughSoundCards(t *testing.T, report func(string, ...any)) {
	t.Helper()
	pulse := audiotest.StartPulse(t, "micA", "spkA", "micB", "spkB")
	nodes := twoOnSoundCards(t, func(name, dir string) string {
		pulse.Home(dir, "mic"+name+".monitor", "spk"+name)
		return program
	})
	time.Sleep(2 * time.Second) // a null sink runs evenly only after a while, and tells nobody when

	said := clip(t, "ada")
	mouth, ear, own := pulse.Record("micA"), pulse.Record("spkB"), pulse.Record("spkA")
	mark := nodes["B"].mark()
	pulse.Play("micA", said)
	awaitAfter(nodes["B"], mark, "A silent again", func(s speakingEvent) bool { return !s.On && s.Member.Name == "A" })
	back, out, in := own(), ear(), mouth()

	into, from := audiotest.Find(said, in), audiotest.Find(said, out)
	t.Logf("into A's microphone: %v; out of B's loudspeaker: %v; between them %v, give or take 15 ms", into, from, (from.Delay - into.Delay).Round(time.Millisecond))
	if from.Envelope < 0.9 {
		report("B played what A said with %v", from)
	}
	if m := audiotest.Find(said, back); m.Waveform > 0.3 {
		report("A heard itself: %v", m)
	}
}
