//go:build linux

package main_test

import (
	"fmt"
	"testing"
	"time"

	"parley.lan/audio/audiotest"
	"parley.lan/internal/lantest"
)

// TestLabMouthToEar: chirps into one node's microphone, heard on the other's loudspeaker, both reached through PortAudio on
// PulseAudio, as it comes. The rig's own share, from a sink straight to its monitor, is measured in the same run.
func TestLabMouthToEar(t *testing.T) {
	pulse := audiotest.StartPulse(t, "micA", "spkA", "micB", "spkB")
	chirp := audiotest.Chirp(t)
	twoOnSoundCards(t, func(name, dir string) string {
		pulse.Home(dir, "mic"+name+".monitor", "spk"+name)
		return program
	})
	time.Sleep(2 * time.Second) // a null sink runs evenly only after a while
	count := 10
	if audiotest.Lab() {
		count = 60
	}
	chirps := []string{"-count", fmt.Sprint(count)}
	rig := audiotest.RunChirp(t, chirp, pulse.Env("micA.monitor", "micA"), func() {}, "-count", "10")
	whole := audiotest.RunChirp(t, chirp, pulse.Env("spkB.monitor", "micA"), func() {}, chirps...)
	audiotest.Report(t, "mouth to ear, PulseAudio", "≤ 55 ms", "%v (the rig's share: %v)", whole, rig)
	judgeChirps(t, whole, 55, 100)
}

// TestLabMouthToEarJACK: the same through JACK's dummy device, which is exact: a period in, Opus' look-ahead, a period out.
func TestLabMouthToEarJACK(t *testing.T) {
	chirp := audiotest.Chirp(t)
	goals := map[int]float64{240: 12.5}
	if audiotest.Lab() {
		goals[120] = 10
	}
	for period, goal := range goals {
		t.Run(fmt.Sprint(period), func(t *testing.T) {
			jack := audiotest.StartJack(t, period)
			node := jack.Wrap(program)
			twoOnSoundCards(t, func(string, string) string { return node }, "--input", "jack system", "--output", "jack system")
			count := 10
			if audiotest.Lab() {
				count = 60
			}
			whole := audiotest.RunChirp(t, chirp, jack.Env(), func() {
				jack.Connect("PortAudio-02:out_0", "PortAudio:in_0")
				jack.Connect("PortAudio-01:out_0", "PortAudio-02:in_0")
			}, "-in", "JACK system", "-out", "JACK system", "-duplex", "-latency", "1ms", "-frames", fmt.Sprint(period), "-count", fmt.Sprint(count))
			audiotest.Report(t, fmt.Sprintf("mouth to ear, JACK, period %d", period), fmt.Sprintf("≤ %.1f ms, all the same", goal), "%v", whole)
			judgeChirps(t, whole, goal+0.1, goal+10) // a period that a busy machine misses moves the rest
		})
	}
}

// judgeChirps holds the median to the goal where this run measures. Otherwise the machine may be busy, and the fastest chirp is held to a
// limit that only a fault passes.
func judgeChirps(t *testing.T, c audiotest.Delays, goal, limit float64) {
	t.Helper()
	if len(c.All) < c.Lost || audiotest.Lab() && len(c.All) < 9*c.Lost {
		t.Fatalf("%d chirps came, %d were lost", len(c.All), c.Lost)
	}
	if audiotest.Lab() && c.Median() > goal {
		t.Errorf("median %.1f ms, want %.1f", c.Median(), goal)
	}
	if c.All[0] > limit {
		t.Errorf("the fastest chirp took %.1f ms", c.All[0])
	}
}

// twoOnSoundCards starts A and B on two machines, each with its sound.
func twoOnSoundCards(t *testing.T, prepare func(name, dir string) string, flags ...string) map[string]*proc {
	t.Helper()
	lan := lantest.New(t)
	nodes := map[string]*proc{}
	for _, name := range []string{"A", "B"} {
		dir := t.TempDir()
		binary := prepare(name, dir)
		p := startBinary(t, lan.Host(name), binary, dir, name, append([]string{"--audio", "auto"}, flags...)...)
		s, _ := await(p, "its sound", func(s soundEvent) bool { return s.Input+s.Output+s.Error != "" })
		if s.Error != "" || s.Input == "" || s.Output == "" {
			t.Fatalf("%s has sound %+v", name, s)
		}
		nodes[name] = p
	}
	nodes["A"].awaitRoster("A", "B")
	nodes["B"].awaitRoster("A", "B")
	return nodes
}
