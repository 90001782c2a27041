package audio

import (
	"log/slog"

	"parley.lan/room"
)

// Talker turns a plain member's PCM into frames. It is used from one goroutine.
type Talker struct {
	up    *resampler
	gate  gate
	out   *sender
	block []float32 // resampled samples that don't make a block yet
	in    []float32
}

// NewTalker fails where the build has no codec.
func NewTalker() (*Talker, error) {
	enc, err := newOpusEncoder()
	if err != nil {
		return nil, err
	}
	t := &Talker{up: newResampler(room.PlainRate, room.SampleRate), out: newSender(enc)}
	t.out.keep = 0 // the gate opens with the first loud block
	return t, nil
}

// Encode takes the next 10 ms (room.PlainSamples samples at 44.1 kHz) and gives send the frames of each packet, without an
// SSRC, their bytes valid until it returns; none for silence that need not be sent. A shorter block is filled up with silence.
func (t *Talker) Encode(pcm []int16, send func(packet []room.VoiceFrame)) {
	t.in = grown(t.in, room.PlainSamples)
	pcm = pcm[:min(len(pcm), room.PlainSamples)]
	fromInt16(t.in, pcm)
	clear(t.in[len(pcm):])
	t.block = t.up.process(t.block, t.in)
	used := 0
	for ; len(t.block)-used >= room.BlockSamples; used += room.BlockSamples {
		block := t.block[used : used+room.BlockSamples]
		if packet := t.out.put(block, t.gate.speech(block), false); packet != nil {
			send(packet)
		}
	}
	t.block = t.block[:copy(t.block, t.block[used:])]
}

// Listener turns the room's frames into the one mixed stream that a plain member hears.
type Listener struct {
	mix  *mixer
	down *resampler
	in   [room.FrameSamples]float32
	out  []float32
}

// NewListener fails where the build has no codec.
func NewListener() (*Listener, error) {
	if err := soundBuilt(); err != nil {
		return nil, err
	}
	return &Listener{
		mix:  newMixer(newOpusDecoder, slog.New(slog.DiscardHandler)),
		down: newResampler(room.SampleRate, room.PlainRate),
	}, nil
}

// Hear takes a frame of one speaker, from any goroutine. It never blocks and copies the frame's bytes.
func (l *Listener) Hear(f room.VoiceFrame) { l.mix.inbox.put(f) }

// Forget drops what is kept of a speaker who has left, from any goroutine.
func (l *Listener) Forget(ssrc uint32) { l.mix.forget(ssrc) }

// Mix fills pcm (room.PlainSamples samples at 44.1 kHz) with the next 10 ms of everybody heard. It is used from
// one goroutine, once every 10 ms.
func (l *Listener) Mix(pcm []int16) {
	l.mix.mix(l.in[:], 1)
	l.out = l.down.process(l.out[:0], l.in[:])
	clean(l.out, 1)
	n := min(len(pcm), len(l.out))
	toInt16(pcm[:n], l.out[:n])
	clear(pcm[n:])
}

// grown returns a slice of length n, buf's memory if that is enough.
func grown(buf []float32, n int) []float32 {
	if cap(buf) < n {
		return make([]float32, n)
	}
	return buf[:n]
}
