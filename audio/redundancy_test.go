package audio

import (
	"fmt"
	"testing"
	"time"

	"parley.lan/audio/audiotest"
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
		{0, 0, "[]"}, {0.0005, 1, "[]"}, {0.001, 1, "[1]"}, {0.03, 1.03, "[1 3]"}, {0.1, 1.1, "[1 3 5]"}, {0.1, 3, "[1 3 6]"},
		{0, 0, "[1 3 6]"}, {0.01, 1, "[1 3 6]"}, {0, 0, "[1 3 6]"}, {0.01, 3, "[1 3 6]"}, {0.1, 3, "[1 3 6]"}, // not before it has been calm
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

// TestLabBitRate: what redundancy costs at each loss. Bit rates are of the packets' contents, without sealing, UDP and IP.
func TestLabBitRate(t *testing.T) {
	pcm := speech(t, "ada")
	if audiotest.Lab() {
		pcm = speech(t, "long-a")
	}
	for _, frame := range []time.Duration{5, 10, 20} {
		alone := 0.0
		for _, c := range []room.VoicePath{
			{}, {Loss: 0.01, Burst: 1.01}, {Loss: 0.05, Burst: 1.05}, {Loss: 0.1, Burst: 1.1}, {Loss: 0.2, Burst: 1.25}, {Loss: 0.05, Burst: 3}, {Loss: 1, Burst: 60},
		} {
			enc, err := newOpusEncoder()
			if err != nil {
				t.Skip(err)
			}
			s := newSender(enc)
			c.Frame = frame * time.Millisecond
			s.tune(c)
			bytes, packets := 0, 0
			for at := 0; at+room.BlockSamples <= len(pcm); at += room.BlockSamples {
				packet := s.put(pcm[at:at+room.BlockSamples], true, false)
				if packet == nil {
					continue
				}
				packets++
				bytes++
				for _, f := range packet {
					bytes += room.FrameHead + len(f.Opus)
				}
			}
			rate := float64(8*bytes) / (float64(len(pcm)) / room.SampleRate) / 1000
			if alone == 0 {
				alone = rate
			}
			audiotest.Report(t, fmt.Sprintf("bit rate, frames of %d ms, %g %% lost in runs of %.2g", frame, 100*c.Loss, max(c.Burst, 1)),
				"at most 4 times", "%.0f kbit/s, %.1f times, %d bytes a packet", rate, rate/alone, bytes/packets)
			if rate > 4.05*alone || c.Loss == 0 && rate > 90 {
				t.Errorf("%+v: %.0f kbit/s", c, rate)
			}
			if s.failed != 0 || s.left != 0 {
				t.Errorf("%+v: %d frames failed, %d packets too full", c, s.failed, s.left)
			}
		}
	}
}
