//go:build cgo

package audio

import (
	"log/slog"
	"testing"

	"parley.lan/room"
)

// The same through Opus, with speech for half a minute: clocks 200 ppm apart cost nothing of it.
func TestDriftWithSpeech(t *testing.T) {
	s := speak(t, speech(t, "long-b"), labFrame, opusBitrate)
	for _, ppm := range []float64{-200, 200} {
		m := newMixer(newOpusDecoder, slog.New(slog.DiscardHandler))
		block := make([]float32, mixBlock)
		var out []float32
		made := uint64(0)
		for i := 0; i < len(s.frames); {
			for ; i < len(s.frames) && float64(m.now) >= float64((i+1)*labFrame)*(1+ppm*1e-6); i++ {
				m.inbox.put(s.frames[i])
			}
			m.mix(block, 1)
			out = append(out, block...)
			if m.now == 15*room.SampleRate {
				made = m.inbox.all()[0].jitter.made
			}
		}
		if b := &m.inbox.all()[0].jitter; b.made != made {
			t.Errorf("%+v ppm: %d samples concealed after the first quarter minute", ppm, b.made-made)
		}
		if v := likeness(s.pcm, out, 15*room.SampleRate); v < 0.98 {
			t.Errorf("%+v ppm: ESTOI %.4f", ppm, v)
		} else {
			t.Logf("%+v ppm: ESTOI %.4f", ppm, v)
		}
	}
}
