package audio

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"time"

	"parley.lan/room"
)

// Reciter speaks a stream of sound as a member does, in real time.
type Reciter struct {
	src  *wavReader
	up   *resampler
	gate gate
	out  *sender
	in   []float32
	pcm  []float32 // at 48 kHz, not yet a whole block
	left int       // samples of silence to send after the end, so that the talkspurt closes
}

// NewReciter reads a WAV header from src, or, with a rate, takes it for 16-bit mono PCM without one. It fails where the
// build has no codec.
func NewReciter(src io.Reader, rate int) (*Reciter, error) {
	enc, err := newOpusEncoder()
	if err != nil {
		return nil, err
	}
	r := &Reciter{out: newGatedSender(enc), left: room.SampleRate * 6 / 10}
	if rate != 0 {
		if rate < 8000 || rate > 192000 {
			return nil, fmt.Errorf("%d Hz: a rate lies between 8000 and 192000", rate)
		}
		r.src = newPCMReader(src, rate)
	} else if r.src, err = newWAVReader(src); err != nil {
		return nil, err
	}
	r.up = newResampler(r.src.rate, room.SampleRate)
	r.in = make([]float32, r.src.rate/100)
	return r, nil
}

// newPCMReader reads 16-bit mono PCM up to the end.
func newPCMReader(src io.Reader, rate int) *wavReader {
	return &wavReader{wavFormat: wavFormat{rate, 1}, r: bufio.NewReader(src), left: math.MaxInt64}
}

// Run gives each frame to send when it is due, until all is said, ctx ends or send fails. A source that is slow makes
// pauses, and what comes after them is not hurried. The frame's bytes are send's until it returns.
func (r *Reciter) Run(ctx context.Context, send func(room.VoiceFrame) error) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	due := time.Now()
	for {
		more := r.fill()
		if !more {
			return nil
		}
		if now := time.Now(); now.Sub(due) > reciteSlack {
			due = now
		}
		timer.Reset(time.Until(due))
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		for len(r.pcm) >= room.BlockSamples {
			block := r.pcm[:room.BlockSamples]
			packet := r.out.put(block, r.gate.speech(block), false)
			r.pcm = r.pcm[:copy(r.pcm, r.pcm[room.BlockSamples:])]
			due = due.Add(room.FrameTime / 2)
			for _, f := range packet {
				if err := send(f); err != nil {
					return err
				}
			}
		}
	}
}

// reciteSlack is how far behind its time a source may fall and catch up.
const reciteSlack = 100 * time.Millisecond

// fill reads the next 10 ms; false at the end.
func (r *Reciter) fill() bool {
	n := r.src.read(r.in)
	if n == 0 {
		if r.left <= 0 {
			return false
		}
		r.left -= room.FrameSamples
	}
	clear(r.in[n:])
	r.pcm = r.up.process(r.pcm, r.in)
	return true
}
