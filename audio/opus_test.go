//go:build cgo

package audio

import (
	"log/slog"
	"testing"

	"parley.lan/room"
)

// A voice through capture → encode, and eight through decode → mix, with libopus: what a frame costs.

func BenchmarkEncode(b *testing.B) {
	enc, err := newOpusEncoder()
	if err != nil {
		b.Fatal(err)
	}
	s := newSender(enc)
	pcm := speech(b, "ada")
	at := 0
	b.ReportAllocs()
	for b.Loop() {
		s.put(pcm[at:at+room.BlockSamples], true, false)
		at = (at + room.BlockSamples) % (len(pcm) - room.BlockSamples)
	}
}

func BenchmarkDecodeAndMixEight(b *testing.B) {
	m, step := listening(b, 8)
	_ = m
	b.ReportAllocs()
	for b.Loop() {
		step()
	}
}

func TestOpusPathAllocatesNothing(t *testing.T) {
	_, step := listening(t, 3)
	for range 300 {
		step()
	}
	if n := testing.AllocsPerRun(500, step); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

// listening is a mixer that hears n speakers, and a step that encodes and hears a frame of each, loses one in
// fifty, and mixes 10 ms.
func listening(t testing.TB, n int) (*mixer, func()) {
	m := newMixer(newOpusDecoder, slog.New(slog.DiscardHandler))
	pcm := speech(t, "grace")
	talkers := make([]*sender, n)
	for i := range talkers {
		enc, err := newOpusEncoder()
		if err != nil {
			t.Fatal(err)
		}
		talkers[i] = newSender(enc)
	}
	block := make([]float32, room.FrameSamples)
	at := 0
	return m, func() {
		for i, s := range talkers {
			for half := at; half < at+room.FrameSamples; half += room.BlockSamples {
				for _, f := range s.put(pcm[half:half+room.BlockSamples], true, false) {
					if f.SSRC = uint32(i); f.Seq%50 != 0 {
						m.inbox.put(f)
					}
				}
			}
		}
		m.mix(block, 1)
		at = (at + room.FrameSamples) % (len(pcm) - room.FrameSamples)
	}
}
