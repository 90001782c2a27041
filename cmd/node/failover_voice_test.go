//go:build linux

package main_test

import (
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

const (
	rulerRate = 16000 // of the speaker's file

	// around is how much sound before a fault, and after the room is whole again, is looked at.
	around = 1500 * time.Millisecond
)

// fault is a stretch of a listener's recording, and what befell the host at its beginning.
type fault struct {
	what     string
	from, to time.Time
}

// TestFailoverVoice lets one member speak without a pause while hosts come and go: one with --host takes over and is
// killed, the next takes over and leaves. What a listener's loudspeaker lacks of the voice is measured in its recording.
// Speaker and listener stay, so one of them hosts in between.
func TestFailoverVoice(t *testing.T) {
	n, _ := trials()
	c := seatCrowd(t, seed(t), "text")
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.wav"), filepath.Join(dir, "out.wav")
	writeWAV(t, in, rulerRate, ruler(rulerRate, 30+n*60))
	speaker := c.add("speaker", "--audio", "wav:"+in+","+filepath.Join(dir, "none.wav"))
	listener := c.add("listener", "--audio", "wav:,"+out)
	boss := c.add("boss", "--host")

	c.start(c.seats[0])
	await[hosting](c.seats[0].now.proc, "being the host", nil)
	c.start(speaker)
	c.start(listener)
	c.whole("three in one room", time.Now(), patience)
	sound, _ := await(listener.now.proc, "its sound", func(s soundEvent) bool { return s.Output != "" || s.Error != "" })
	if sound.Error != "" {
		t.Fatalf("the listener has no sound: %s", sound.Error)
	}
	await(listener.now.proc, "the voice", func(s speakingEvent) bool { return s.On && s.Member.Name == "speaker" })

	var faults []fault
	do := func(what string, act func()) {
		t.Helper()
		time.Sleep(around) // of undisturbed voice to compare with
		from := time.Now()
		act()
		took, _ := c.whole("one room after: "+what, from, patience)
		time.Sleep(around)
		faults = append(faults, fault{what, from, time.Now()})
		t.Logf("%s: one room after %v", what, took.Round(time.Millisecond))
	}
	for range n {
		do("take-over", func() { c.start(boss) })
		do("kill", func() { c.end(boss, syscall.SIGKILL) })
		do("take-over", func() { c.start(boss) })
		do("leave", func() { c.end(boss, syscall.SIGTERM).awaitExit() })
	}
	quality := all[voiceQuality](listener.now.proc)
	c.end(listener, syscall.SIGTERM).awaitExit()

	pcm, rate := readWAV(t, out)
	place := func(at time.Time) int { return min(max(0, int(at.Sub(sound.Time).Seconds()*rate)), len(pcm)) }
	goals := map[string]time.Duration{"kill": 300 * time.Millisecond, "take-over": 10 * time.Millisecond, "leave": 10 * time.Millisecond}
	for _, f := range faults {
		before, _ := gaps(pcm[place(f.from.Add(-around)):place(f.from)], rate)
		longest, sum := gaps(pcm[place(f.from):place(f.to)], rate)
		t.Logf("%s: longest gap %v, %v in all; %v just before", f.what, longest, sum, before)
		figures.row("voice", "longest gap: nothing happens", 0).add(before, true)
		figures.row("voice", "longest gap: "+f.what, goals[f.what]).add(longest, true)
		figures.row("voice", "missing in all: "+f.what, 0).add(sum, true)
		if longest > f.to.Sub(f.from)-around/2 {
			t.Errorf("%s: the voice did not come back", f.what)
		}
	}
	if i := slices.IndexFunc(quality, func(q voiceQuality) bool { return len(q.Speakers) > 0 }); i < 0 {
		t.Error("the listener never told how the voice arrives")
	} else {
		t.Logf("the listener's own count: %+v", quality[len(quality)-1])
	}
	figures.save(t)
}

// voiceQuality is the event about how voices arrive, as the contract has it.
type voiceQuality struct {
	Speakers []struct {
		person
		Received  uint64  `json:"received"`
		Lost      uint64  `json:"lost"`
		Concealed uint64  `json:"concealed"`
		Late      uint64  `json:"late"`
		Recovered uint64  `json:"recovered"`
		JitterMS  float64 `json:"jitter_ms"`
		DelayMS   float64 `json:"delay_ms"`
	} `json:"speakers"`
	FrameMS float64 `json:"frame_ms"`
	Budget  struct {
		Network float64 `json:"network"`
		Total   float64 `json:"total"`
	} `json:"budget"`
}

func init() { decoders["voice"] = decode[voiceQuality] }
