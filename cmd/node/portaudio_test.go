//go:build linux

package main_test

import (
	"testing"
	"time"

	"parley.lan/audio/audiotest"
	"parley.lan/internal/lantest"
)

// TestSpeechThroughSoundCards: two nodes on different machines, each with a microphone and a loudspeaker of
// PulseAudio's making, reached through PortAudio. What is said into one comes out of the other, and not of itself.
func TestSpeechThroughSoundCards(t *testing.T) {
	audiotest.Insist(t, func(report func(string, ...any)) { speechThroughSoundCards(t, report) })
}

func speechThroughSoundCards(t *testing.T, report func(string, ...any)) {
	t.Helper()
	pulse := audiotest.StartPulse(t, "micA", "spkA", "micB", "spkB")
	lan := lantest.New(t)
	nodes := map[string]*proc{}
	for _, name := range []string{"A", "B"} {
		dir := t.TempDir()
		pulse.Home(dir, "mic"+name+".monitor", "spk"+name)
		p := startIn(t, lan.Host(name), dir, name, "--audio", "auto")
		s, _ := await(p, "its sound", func(s soundEvent) bool { return s.Input+s.Output+s.Error != "" })
		if s.Error != "" || s.Input == "" || s.Output == "" {
			t.Fatalf("%s has sound %+v", name, s)
		}
		nodes[name] = p
	}
	nodes["A"].awaitRoster("A", "B")
	nodes["B"].awaitRoster("A", "B")
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
