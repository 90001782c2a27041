//go:build cgo && linux

package audio

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"parley.lan/audio/audiotest"
)

// While a tone goes from the microphone to the loudspeaker, another loudspeaker is chosen, then one that doesn't exist, then one
// that came after the start: the tone is where it should be each time, and nowhere else.
func TestLoudspeakerChangesInMidTalk(t *testing.T) {
	pulse := audiotest.StartPulse(t, "left", "right", "mic")
	pulse.Card("leftcard", "mic.monitor", "left")
	pulse.Card("rightcard", "mic.monitor", "right")
	pulse.Control("set-default-source", "mic.monitor")
	pulse.Control("set-default-sink", "left")
	pulse.Tone("mic")
	left, right := pulse.Listen("left"), pulse.Listen("right")
	d := startDevice(t, append(pulse.Bare(), "PARLEY_TEST_RAW=1"))
	ask := func(line string) time.Time {
		t.Helper()
		if _, err := fmt.Fprintln(d.stdin, line); err != nil {
			t.Fatalf("%v: %s", err, d.end(t))
		}
		return time.Now()
	}
	sounds := func(what string, since time.Time, here, there *audiotest.Ear) {
		t.Helper()
		silence, ok := here.Back(since)
		t.Logf("%s: silent for %v", what, round(silence))
		if !ok || silence > 5*time.Second || there.Loud() {
			t.Errorf("%s: sounds %v after %v, the other one %v", what, ok, silence, there.Loud())
		}
	}
	sounds("at first", time.Now(), left, right)
	sounds("another loudspeaker", ask("use rightcard|rightcard"), right, left)
	ask("use |trumpet")
	sounds("one that doesn't exist, and the list", ask("devices"), right, left)
	pulse.Card("latecard", "mic.monitor", "left")
	ask("devices")
	sounds("one that came", ask("use latecard|latecard"), left, right)
	said := d.end(t)
	for _, want := range []string{`no loudspeaker is called \"trumpet\"; there are: `, "listed name=rightcard", "listed name=latecard",
		"status rightcard rightcard <nil>", "status latecard latecard <nil>"} {
		if !strings.Contains(said, want) {
			t.Errorf("it didn't say %q", want)
		}
	}
	if n := strings.Count(said, "listed name=latecard"); n != 1 {
		t.Errorf("listed %d times what came in between", n)
	}
	t.Log(said)
}
