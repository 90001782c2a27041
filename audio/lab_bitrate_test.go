//go:build cgo

package audio

import (
	"fmt"
	"testing"
	"time"

	"parley.lan/audio/audiotest"
	"parley.lan/room"
)

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
				t.Fatal(err)
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
