package audio

import (
	"log/slog"
	"sync"
	"time"

	"parley.lan/room"
)

// Talker turns a plain member's PCM into frames, by the host's clock.
type Talker struct {
	mu  sync.Mutex
	mic plainMic

	// Used by Next alone.
	up    *resampler
	limit limiter
	gate  gate
	out   *sender
	in    [plainBlock]float32
	block []float32 // resampled and not yet encoded
}

// plainBlock is at least what 10 ms can be at 44.1 kHz with the clocks as far apart as a resampler bends.
const plainBlock = room.PlainSamples + sincTaps

// NewTalker fails where the build has no codec.
func NewTalker() (*Talker, error) {
	enc, err := newOpusEncoder()
	if err != nil {
		return nil, err
	}
	return newTalker(enc), nil
}

func newTalker(enc encoder) *Talker {
	return &Talker{mic: newPlainMic(), up: newResampler(room.PlainRate, room.SampleRate), out: newGatedSender(enc)}
}

// Put takes samples that came at now, mono, 44.1 kHz, any number. From any goroutine.
func (t *Talker) Put(now time.Time, pcm []int16) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mic.put(now, pcm)
}

// Next encodes the next 10 ms and gives every packet that it makes to send: frames without an SSRC, their bytes valid
// during the call. It is used from one goroutine, once every 10 ms.
func (t *Talker) Next(now time.Time, send func(packet []room.VoiceFrame)) {
	t.mu.Lock()
	t.up.drift(t.mic.bend)
	n := min(t.up.need(room.FrameSamples-len(t.block)), plainBlock)
	t.mic.take(now, t.in[:n])
	t.mu.Unlock()
	t.block = t.up.process(t.block, t.in[:n])
	frame := t.block[:room.FrameSamples]
	t.limit.process(frame, 1) // a square wave at full scale rings past it
	for at := 0; at < len(frame); at += room.BlockSamples {
		block := frame[at : at+room.BlockSamples]
		if packet := t.out.put(block, t.gate.speech(block), false); packet != nil {
			send(packet)
		}
	}
	t.block = t.block[:copy(t.block, t.block[room.FrameSamples:])]
}

// Tune tells what the way to the listeners asks of the voice; its frames are never shorter than 10 ms, since so much is made at once.
func (t *Talker) Tune(p room.VoicePath) {
	if p.Frame != 0 {
		p.Frame = max(p.Frame, room.FrameTime)
	}
	t.out.tune(p)
}

// Clock tells by how many parts in a million the client's clock runs faster than this machine's; 0 before it is known.
func (t *Talker) Clock() float64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.mic.clock
}

// Dropped is how much sound came that was too old to be heard.
func (t *Talker) Dropped() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return plainTime(t.mic.dropped)
}

// Listener turns the room's frames into the one mixed stream that a plain member hears, and holds what it
// hasn't taken yet.
type Listener struct {
	mix  *mixer
	down *resampler
	in   [room.FrameSamples]float32
	out  []float32
	pcm  [plainBlock]int16

	mu    sync.Mutex
	wait  backlog
	least int // that waited at a mix, since the last look
	mixes int // since then
}

const (
	earHold  = room.PlainRate * 500 / 1000
	earKeep  = room.PlainRate * 20 / 1000
	earLook  = 200                        // mixes: 2 s
	earSpare = room.PlainRate * 40 / 1000 // waiting all that time, it is only delay
)

// NewListener fails where the build has no codec.
func NewListener() (*Listener, error) {
	if err := soundBuilt(); err != nil {
		return nil, err
	}
	l := &Listener{
		mix:  newMixer(newOpusDecoder, slog.New(slog.DiscardHandler)),
		down: newResampler(room.SampleRate, room.PlainRate),
		wait: newBacklog(earHold, earKeep), least: earHold,
	}
	l.mix.inbox.level = true
	return l, nil
}

// Hear takes a frame of one speaker, from any goroutine. It never blocks and copies the frame's bytes.
func (l *Listener) Hear(f room.VoiceFrame) { l.mix.inbox.put(f) }

// Forget drops what is kept of a speaker who has left, from any goroutine.
func (l *Listener) Forget(ssrc uint32) { l.mix.forget(ssrc) }

// Mix makes the next 10 ms of everybody heard, as many samples of them as the client's clock takes, which runs
// ppm parts in a million faster than this machine's. It is used from one goroutine, once every 10 ms.
func (l *Listener) Mix(ppm float64) {
	l.mix.mix(l.in[:], 1)
	l.down.drift(-ppm)
	l.out = l.down.process(l.out[:0], l.in[:])
	clean(l.out, 1)
	n := min(len(l.out), len(l.pcm))
	toInt16(l.pcm[:n], l.out[:n])
	l.mu.Lock()
	defer l.mu.Unlock()
	l.least = min(l.least, len(l.wait.pcm))
	if l.mixes++; l.mixes == earLook {
		if l.least > earSpare {
			l.wait.cut(l.least)
		}
		l.mixes, l.least = 0, earHold
	}
	l.wait.put(l.pcm[:n])
}

// Take moves what waits to pcm, mono, 44.1 kHz, and returns how many samples that are. From any goroutine.
func (l *Listener) Take(pcm []int16) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.wait.take(pcm)
}

// Dropped is how much sound was dropped because the client didn't take it.
func (l *Listener) Dropped() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return plainTime(l.wait.dropped)
}

func plainTime(samples uint64) time.Duration {
	return time.Duration(samples) * time.Second / room.PlainRate
}

// grown returns a slice of length n, buf's memory if that is enough.
func grown(buf []float32, n int) []float32 {
	if cap(buf) < n {
		return make([]float32, n)
	}
	return buf[:n]
}
