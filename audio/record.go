package audio

import (
	"context"
	"os"
	"sync/atomic"
	"time"

	"parley.lan/room"
)

const (
	recordFlush  = time.Second // how often what was recorded reaches the file
	recordFrame  = 20 * room.SampleRate / 1000
	recordPacket = room.MaxOpus
)

// Mixdown records the room's mix into one Ogg Opus file.
type Mixdown struct {
	ear     *Ear
	file    *os.File
	ogg     *oggWriter
	enc     encoder
	pcm     []float32 // not yet a whole frame
	packet  [recordPacket]byte
	samples atomic.Int64
}

// NewMixdown creates the file; a file of that name is an error.
func NewMixdown(path string) (*Mixdown, error) {
	ear, err := NewEar()
	if err != nil {
		return nil, err
	}
	enc, err := newOpusEncoder()
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &Mixdown{ear: ear, file: f, ogg: newOggWriter(f, "the room"), enc: enc}, nil
}

// Hear takes a frame of one speaker, one's own included, from any goroutine. It never blocks.
func (m *Mixdown) Hear(_ room.NodeID, _ string, f room.VoiceFrame) { m.ear.Hear(f) }

// Length is how long the recording is.
func (m *Mixdown) Length() time.Duration {
	return time.Duration(m.samples.Load()) * time.Second / room.SampleRate
}

// Run records until ctx ends, and leaves a whole file.
func (m *Mixdown) Run(ctx context.Context) error {
	flushed := time.Now()
	err := m.ear.run(ctx, func(pcm []float32) error {
		if err := m.take(pcm); err != nil {
			return err
		}
		if now := time.Now(); now.Sub(flushed) >= recordFlush {
			flushed = now
			return m.ogg.flush()
		}
		return nil
	})
	if e := m.ogg.close(); err == nil {
		err = e
	}
	if e := m.file.Close(); err == nil {
		err = e
	}
	return err
}

func (m *Mixdown) take(pcm []float32) error {
	m.pcm = append(m.pcm, pcm...)
	for len(m.pcm) >= recordFrame {
		n, err := m.enc.encode(m.pcm[:recordFrame], m.packet[:])
		if err != nil {
			return err
		}
		m.ogg.packet(m.packet[:n], recordFrame)
		m.samples.Add(recordFrame)
		m.pcm = m.pcm[:copy(m.pcm, m.pcm[recordFrame:])]
	}
	return nil
}
