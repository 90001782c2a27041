//go:build cgo

package audio

import (
	"math"
	"testing"

	"parley.lan/room"
)

// A volume holds from before a voice is first heard until it is forgotten; at -60 dB nothing is heard, and counting goes on.
func TestVolume(t *testing.T) {
	d := newDesk(t, true)
	about := func(what string, got float32, dB float64) {
		t.Helper()
		if want := 0.1 * math.Pow(10, dB/20); math.Abs(float64(got)-want) > 0.001*want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	d.e.SetVolume(7, -20)
	first := d.hears(7, 40, 10)
	for i, v := range first {
		if v > 0.0101 {
			t.Fatalf("sample %d is %v already", i, v)
		}
	}
	about("set before the first frame", end(first), -20)
	d.e.SetVolume(7, 12)
	up := d.hears(7, 40, 10)
	smooth(t, up)
	about("made louder", end(up), 12)
	d.hears(7, 40, 5)
	d.e.SetVolume(7, 100)
	up = d.hears(7, 40, 5)
	smooth(t, up)
	about("much louder", end(up), volumeMost+20*math.Log10(0.5))
	if v := end(d.hears(7, 40, 40)); v > limitMost || v < 0.8 {
		t.Errorf("four times full scale is played as %v", v)
	}
	received := d.e.Stats()[0].Received
	for _, silent := range []float64{-60, -1000, math.Inf(-1)} {
		d.e.SetVolume(7, 0)
		d.hears(7, 40, 10)
		d.e.SetVolume(7, silent)
		if down := d.hears(7, 40, 10); end(down) != 0 {
			t.Errorf("at %v dB: %v", silent, end(down))
		} else {
			smooth(t, down)
		}
	}
	if more := d.e.Stats()[0].Received - received; more < 235 {
		t.Errorf("silent, %d frames of 240 were counted", more)
	}
	d.e.SetVolume(7, math.NaN())
	about("no number", end(d.hears(7, 40, 10)), 0)
	d.e.SetVolume(7, -20)
	d.e.Forget(7)
	about("forgotten", end(d.hears(7, 60, 10)), 0)
	d.e.SetVolume(7, -6)
	for ssrc := range uint32(maxSpeakers) { // others take its place
		d.e.Hear(room.VoiceFrame{SSRC: 100 + ssrc, Opus: opus10})
		d.speak(hushed)
	}
	about("come back after so many others", end(d.hears(7, 60, 10)), -6)
}

// What is set for those who never come takes no more than its bound, and the newest hold.
func TestVolumesAreBounded(t *testing.T) {
	var v volumes
	for ssrc := range uint32(3 * maxVolumes) {
		v.set(ssrc, 0.5)
		v.set(ssrc, 0.25)
		v.set(ssrc+1, 1)
	}
	if len(v) != maxVolumes || v.of(0) != 1 || v.of(3*maxVolumes-1) != 0.25 || v.of(2*maxVolumes) != 0.25 {
		t.Errorf("%d volumes, the first %v, the last %v", len(v), v.of(0), v.of(3*maxVolumes-1))
	}
	v.forget(2 * maxVolumes)
	if len(v) != maxVolumes-1 || v.of(2*maxVolumes) != 1 {
		t.Error("forgotten and kept")
	}
}

// A gain arrives, from anywhere to anywhere, also where a float's steps are too coarse for the way.
func TestGlideArrives(t *testing.T) {
	g := holding(1)
	pcm := make([]float32, room.BlockSamples)
	for _, want := range []float32{0, 10, 1, math.Nextafter32(1, 2), 1, 1e-3, 1e-3 + 1e-10, 0, 1} {
		for range glideTime/room.BlockSamples + 1 {
			g.apply(pcm, 1, want)
		}
		if g.now != want {
			t.Errorf("after %d samples at %v, want %v", glideTime, g.now, want)
		}
	}
}
