//go:build cgo && linux

package audio

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"parley.lan/audio/audiotest"
)

// TestLabDevicesComeAndGo: while a tone goes from the microphone to the loudspeaker, the loudspeaker is pulled out, put back
// in, and the whole sound server stops for two seconds. How long it is silent after each is measured.
func TestLabDevicesComeAndGo(t *testing.T) {
	pulse := audiotest.StartPulse(t, "second", "mic") // the first stands in for a default that is gone
	unplug := pulse.Plug("first")
	pulse.Control("set-default-source", "mic.monitor")
	pulse.Control("set-default-sink", "first")
	pulse.Tone("mic")
	d := startDevice(t, append(pulse.Bare(), "PARLEY_TEST_RAW=1")) // or the tone is noise, and goes
	first, second := pulse.Listen("first"), pulse.Listen("second")
	if _, ok := first.Back(time.Now()); !ok {
		t.Fatalf("nothing is heard at all: %s", d.end(t))
	}
	trials := 1
	if audiotest.Lab() {
		trials = 6
	}
	silences := map[string][]time.Duration{}
	note := func(what string, ear *audiotest.Ear, since time.Time) {
		silence, ok := ear.Back(since)
		if !ok {
			t.Errorf("%s: silent for good", what)
		}
		silences[what] = append(silences[what], silence)
	}
	for range trials {
		began := time.Now()
		unplug()
		note("loudspeaker vanishes", second, began)

		unplug = pulse.Plug("first")
		first = pulse.Listen("first")
		time.Sleep(300 * time.Millisecond)
		began = time.Now()
		pulse.Control("set-default-sink", "first")
		note("loudspeaker returns", first, began)

		resume := pulse.Stall()
		time.Sleep(2 * time.Second)
		resume()
		note("server stalls for 2 s", first, time.Now())
	}
	t.Log(d.end(t))
	for what, all := range silences {
		slices.Sort(all)
		audiotest.Report(t, what+": silent for", "≤ 1 s", "median %v, most %v, %d trials", round(all[len(all)/2]), round(all[len(all)-1]), len(all))
		limit := time.Second
		if !audiotest.Lab() {
			limit = 5 * time.Second // a machine busy with other things has taken four
		}
		if median := all[len(all)/2]; median > limit {
			t.Errorf("%s: silent for %v", what, median)
		}
	}
}

func round(d time.Duration) string { return fmt.Sprint(d.Round(time.Millisecond)) }
