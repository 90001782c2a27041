package audio

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"parley.lan/room"
)

const (
	recordEvery = 250 * time.Millisecond // how often what waits is mixed
	recordFlush = time.Second            // how often what was recorded reaches the file
	recordFrame = 20 * room.SampleRate / 1000
)

// Mixdown records the room's mix into one Ogg Opus file. It mixes half a second behind the talk, and so knows each packet's
// place before it plays it: no jitter buffer is needed, and nothing that was in time is late.
type Mixdown struct {
	began time.Time
	file  *os.File
	ogg   *oggWriter
	enc   encoder
	limit limiter
	pcm   []float32 // mixed, not yet a whole frame

	mu    sync.Mutex // guards what follows
	lines map[uint32]*mixLine
	mixed int64 // samples so far
}

// mixLine is one speaker of a Mixdown.
type mixLine struct {
	track
	dec decoder
	pcm []float32 // decoded, from mixed on
	buf [maxDecoded]float32
}

// NewMixdown creates the file and begins; a file of that name is an error.
func NewMixdown(path string) (*Mixdown, error) {
	enc, err := newOpusEncoder()
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &Mixdown{began: time.Now(), file: f, ogg: newOggWriter(f, "the room"), enc: enc, lines: map[uint32]*mixLine{}}, nil
}

// Hear takes a frame of one speaker, one's own included, from any goroutine.
func (m *Mixdown) Hear(_ room.NodeID, _ string, f room.VoiceFrame) {
	samples, err := packetSamples(f.Opus)
	if err != nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.lines[f.SSRC]
	if l == nil {
		if l = m.line(); l == nil {
			return
		}
		m.lines[f.SSRC] = l
	}
	l.put(samplesSince(m.began), f, samples)
}

// line makes a speaker's line, in the place of one who is silent when there are many; nil when all of them talk.
func (m *Mixdown) line() *mixLine {
	if len(m.lines) >= maxSpeakers {
		for ssrc, l := range m.lines {
			if len(l.waiting) == 0 {
				delete(m.lines, ssrc)
				break
			}
		}
	}
	dec, err := newOpusDecoder()
	if err != nil || len(m.lines) >= maxSpeakers {
		return nil
	}
	l := &mixLine{dec: dec}
	l.track = track{out: l.play, end: m.mixed}
	return l
}

// play decodes a packet; one of no frames stands for what was lost.
func (l *mixLine) play(opus []byte, samples int) {
	var err error
	n := samples
	if len(opus) == 1 {
		err = l.dec.conceal(l.buf[:n])
	} else {
		n, err = l.dec.decode(opus, l.buf[:])
	}
	if err != nil || n != samples {
		clear(l.buf[:samples])
	}
	clean(l.buf[:samples], 1)
	l.pcm = append(l.pcm, l.buf[:samples]...)
}

// Length is how long the recording is.
func (m *Mixdown) Length() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Duration(m.mixed) * time.Second / room.SampleRate
}

// Run records until ctx ends, and leaves a whole file.
func (m *Mixdown) Run(ctx context.Context) error {
	tick := time.NewTicker(recordEvery)
	defer tick.Stop()
	flushed := time.Now()
	for {
		select {
		case <-ctx.Done():
			err := m.mix(samplesSince(m.began), (*track).finish)
			return errors.Join(err, m.ogg.close(), m.file.Close())
		case <-tick.C:
		}
		err := m.mix(samplesSince(m.began)-trackWait, (*track).settle)
		if now := time.Now(); err == nil && now.Sub(flushed) >= recordFlush {
			flushed = now
			err = m.ogg.flush()
		}
		if err != nil {
			return errors.Join(err, m.ogg.close(), m.file.Close())
		}
	}
}

// mix brings every line up to a place, as far as bring can, and writes what all of them have.
func (m *Mixdown) mix(until int64, bring func(*track, int64)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.lines {
		bring(&l.track, until)
		until = min(until, l.end)
	}
	n := int(until - m.mixed)
	if n <= 0 {
		return nil
	}
	at := len(m.pcm)
	m.pcm = append(m.pcm, make([]float32, n)...)
	sum := m.pcm[at:]
	for _, l := range m.lines {
		for i, v := range l.pcm[:n] {
			sum[i] += v
		}
		l.pcm = l.pcm[:copy(l.pcm, l.pcm[n:])]
	}
	for ; len(sum) > 0; sum = sum[min(mixBlock, len(sum)):] {
		m.limit.process(sum[:min(mixBlock, len(sum))])
	}
	m.mixed = until
	return m.encode()
}

// encode writes whole frames.
func (m *Mixdown) encode() error {
	var packet [room.MaxOpus]byte
	used := 0
	for ; len(m.pcm)-used >= recordFrame; used += recordFrame {
		n, err := m.enc.encode(m.pcm[used:used+recordFrame], packet[:])
		if err != nil {
			return err
		}
		m.ogg.packet(packet[:n], recordFrame)
	}
	m.pcm = m.pcm[:copy(m.pcm, m.pcm[used:])]
	return nil
}

// samplesSince is the place in a recording of now.
func samplesSince(began time.Time) int64 {
	return int64(time.Since(began)) * room.SampleRate / int64(time.Second)
}
