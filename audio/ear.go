package audio

import (
	"context"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"parley.lan/room"
)

// Ear hears the room in place of a loudspeaker, for what records and for what passes the sound on: frames in, one mono
// mix out, by the wall clock.
type Ear struct {
	mix  *mixer
	buf  [room.FrameSamples]float32
	lost atomic.Uint64 // samples that were not taken in time
}

// NewEar fails where the build has no codec.
func NewEar() (*Ear, error) {
	if err := soundBuilt(); err != nil {
		return nil, err
	}
	return &Ear{mix: newMixer(newOpusDecoder, slog.New(slog.DiscardHandler))}, nil
}

// Hear takes a frame of one speaker, from any goroutine. It never blocks and copies the frame's bytes.
func (e *Ear) Hear(f room.VoiceFrame) { e.mix.inbox.put(f) }

// Lost is how many samples a slow reader has missed.
func (e *Ear) Lost() uint64 { return e.lost.Load() }

const (
	earEvery = room.FrameTime
	earBound = time.Second // what take has not taken for so long is lost
)

// run gives take the mix, block by block, in real time until ctx ends or take fails. A take that is slow misses what it
// was too slow for.
func (e *Ear) run(ctx context.Context, take func(pcm []float32) error) error {
	tick := time.NewTicker(earEvery)
	defer tick.Stop()
	at := time.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		for now := time.Now(); now.Sub(at) >= earEvery; at = at.Add(earEvery) {
			e.next()
			if now.Sub(at) > earBound {
				e.lost.Add(room.FrameSamples)
				continue
			}
			if err := take(e.buf[:]); err != nil {
				return err
			}
		}
	}
}

// next mixes the next block into buf.
func (e *Ear) next() { e.mix.mix(e.buf[:], 1) }

// WriteWAV writes the mix as a WAV stream of unknown length (48 kHz, 16 bit, mono) until ctx ends or w fails.
func (e *Ear) WriteWAV(ctx context.Context, w io.Writer) error {
	if _, err := w.Write(wavHead(room.SampleRate, wavUnknown)); err != nil {
		return err
	}
	var out []byte
	return e.run(ctx, func(pcm []float32) error {
		out = appendPCM(out[:0], pcm)
		_, err := w.Write(out)
		return err
	})
}
