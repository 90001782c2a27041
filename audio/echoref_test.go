package audio

import (
	"testing"

	"parley.lan/room"
)

// What was played and what is captured keep their distance, whatever the devices' bites; clocks that differ move it seldom,
// by little, and never so far that the echo would come before what it is of.
func TestAlignmentKeepsItsDistance(t *testing.T) {
	for name, c := range map[string]struct {
		play, hear int     // bites
		ppm        float64 // by which the loudspeaker is faster
		slips      int     // at most, in ten minutes
	}{
		"even":              {240, 240, 0, 0},
		"large bites":       {960, 441, 0, 3},
		"loudspeaker slow":  {240, 240, -100, 25},
		"loudspeaker fast":  {240, 480, 100, 25},
		"loudspeaker odd":   {120, 512, 20, 5},
		"microphone in big": {60, 1920, 0, 10},
	} {
		t.Run(name, func(t *testing.T) {
			played := newRing(ringTime * ms)
			var a alignment
			block, bite := make([]float32, room.BlockSamples), make([]float32, c.play)
			next, heard, waiting := 0, 0, 0 // samples played, captured, not yet a block
			for heard < 600*room.SampleRate {
				heard += c.hear
				for ; float64(next+c.play) <= float64(heard)*(1+c.ppm*1e-6)+float64(c.play); next += c.play {
					for i := range bite {
						bite[i] = float32((next + i) & 0xFFFF)
					}
					played.write(bite)
				}
				for waiting += c.hear; waiting >= len(block); waiting -= len(block) {
					a.take(played, block)
					if block[0] == 0 {
						continue
					}
					// The echo comes when both devices' bites have passed, at the earliest.
					at := next - (next-int(block[0]))&0xFFFF
					if late := heard - waiting - int(float64(at)/(1+c.ppm*1e-6)); late > c.play+c.hear+alignSpare || late < -c.play-c.hear-alignSpare {
						t.Fatalf("after %d s the reference is %d samples late", heard/room.SampleRate, late)
					}
				}
			}
			if a.slips > c.slips {
				t.Errorf("slipped %d times, want at most %d", a.slips, c.slips)
			}
		})
	}
}
