package relay

import (
	"math"
	"testing"
	"time"
)

// Frames get longer where there is a reason, and shorter once it has been gone for a while.
func TestPace(t *testing.T) {
	small, large := traffic{members: 3}, traffic{members: 9}
	wifi := traffic{members: 2, wifi: true}
	many, fewer := traffic{members: 100, deliveries: 70_000, busy: 0.2}, traffic{members: 100, deliveries: 35_000, busy: 0.1}
	behind := traffic{members: 20, busy: 0.9}
	var p pace
	now := time.Duration(0)
	for i, step := range []struct {
		t     traffic
		after time.Duration
		want  time.Duration
	}{
		{small, 0, frameSmall},
		{large, paceLonger - time.Second, frameSmall}, {large, time.Second, frameUsual},
		{small, paceShorter - time.Second, frameUsual}, {large, 0, frameUsual}, // large once more: from the start
		{small, paceShorter - time.Second, frameUsual}, {small, time.Second, frameSmall},
		{wifi, 3 * time.Second, frameUsual},
		{many, 3 * time.Second, frameLoad},
		{fewer, time.Minute, frameLoad}, // half as many, for the frames are twice as long
		{large, 11 * time.Second, frameUsual},
		{behind, 3 * time.Second, frameLoad},
		{traffic{members: 2, deliveries: math.NaN(), busy: math.Inf(1)}, time.Minute, frameLoad},
		{small, 11 * time.Second, frameSmall},
	} {
		got := p.frame
		for end := now + step.after; ; now += time.Second {
			got = p.next(now, step.t)
			if now >= end {
				break
			}
		}
		if got != step.want {
			t.Errorf("step %d: %v, want %v", i, got, step.want)
		}
	}
}
