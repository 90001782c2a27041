package audio

import (
	"fmt"
	"testing"
	"time"

	"parley.lan/room"
)

// Copies begin with the loss, follow it up at once, and end some time after it.
func TestRedundancyFollowsTheLoss(t *testing.T) {
	var r redundancy
	second := func(loss, burst float64) []int {
		var back []int
		for range 200 {
			back = r.next(room.VoicePath{Loss: loss, Burst: burst}, room.BlockSamples)
		}
		return back
	}
	for _, c := range []struct {
		loss, burst float64
		want        string
	}{
		{0, 0, "[]"}, {0.0005, 1, "[]"}, {0.001, 1, "[1]"}, {0.01, 3, "[1 3]"}, {0.05, 1.05, "[1 3]"}, {0.2, 1.25, "[1 3 5]"},
		{0.1, 5, "[1 3 6]"},
		{0, 0, "[1 3 6]"}, {0.01, 1, "[1 3 6]"}, {0, 0, "[1 3 6]"}, {0.01, 3, "[1 3 6]"}, {0.1, 5, "[1 3 6]"}, // not before it has been calm
	} {
		if got := fmt.Sprint(second(c.loss, c.burst)); got != c.want {
			t.Errorf("at %v in runs of %v: %v, want %v", c.loss, c.burst, got, c.want)
		}
	}
	for range lossCalm/room.SampleRate - 1 {
		if len(second(0, 0)) == 0 {
			t.Error("copies ended too early")
		}
	}
	if got := second(0, 0); len(got) != 0 {
		t.Errorf("copies go on: %v", got)
	}
}

// A run of three lost packets must leave of every frame a copy, whatever the frames' duration; and no offset is beyond what is kept.
func TestRedundancyOutlivesRuns(t *testing.T) {
	for i, rung := range rungs {
		for _, back := range [][]int{rung.short, rung.long} {
			for k, b := range back {
				if b < 1 || b > farthest || k > 0 && b <= back[k-1] {
					t.Errorf("rung %d: %v", i, back)
				}
			}
		}
	}
	for _, frame := range []time.Duration{5, 10, 20} {
		var r redundancy
		back := r.next(room.VoicePath{Frame: frame * time.Millisecond, Loss: 0.05, Burst: 3}, room.BlockSamples)
		if back[len(back)-1] < 3 {
			t.Errorf("frames of %d ms in runs of three: %v", frame, back)
		}
	}
}
