package audio

import (
	"log/slog"
	"slices"
	"sync"

	"parley.lan/room"
)

const (
	mixBlock    = concealStep           // samples mixed at a time
	maxSpeakers = 64                    // voices at once; a further one replaces the one not heard for longest
	recently    = 10 * room.SampleRate  // how long after its last frame a voice has statistics
	forgotten   = 600 * room.SampleRate // and how long it keeps its decoder
)

// mixer decodes everybody heard and sums them. Its clock is the number of samples it has mixed, which runs
// as the listener's output does. Hear may be called from anywhere; mixing has one caller.
type mixer struct {
	inbox      inbox
	newDecoder func() (decoder, error)
	log        *slog.Logger

	mu       sync.Mutex // guards what follows; held for one block's decoding
	now      int64
	speakers []*speaker
	limit    limiter
	packet   [room.MaxOpus]byte
}

func newMixer(newDecoder func() (decoder, error), log *slog.Logger) *mixer {
	return &mixer{newDecoder: newDecoder, log: log}
}

// mix fills dst with the next samples of everybody, within ±1.
func (m *mixer) mix(dst []float32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.receive()
	for len(dst) > 0 {
		block := dst[:min(len(dst), mixBlock)]
		clear(block)
		for _, s := range m.speakers {
			s.mix(m.now, block)
		}
		m.limit.process(block)
		m.now += int64(len(block))
		dst = dst[len(block):]
	}
}

// receive sorts the inbox into the jitter buffers. What is there now came at now: the first sample that it
// can still be part of.
func (m *mixer) receive() {
	for {
		f, ok := m.inbox.take(&m.packet)
		if !ok {
			return
		}
		if s := m.speaker(f.SSRC); s != nil {
			s.put(m.now, f)
		}
	}
}

// speaker finds a voice, or makes room for a new one.
func (m *mixer) speaker(ssrc uint32) *speaker {
	oldest := -1
	for i, s := range m.speakers {
		if s.ssrc == ssrc {
			return s
		}
		if oldest < 0 || s.heard < m.speakers[oldest].heard {
			oldest = i
		}
	}
	dec, err := m.newDecoder()
	if err != nil {
		m.log.Debug("no decoder for a voice", "ssrc", ssrc, "err", err)
		return nil
	}
	s := newSpeaker(ssrc, dec)
	if len(m.speakers) == maxSpeakers || oldest >= 0 && m.now-m.speakers[oldest].heard > forgotten {
		m.speakers[oldest] = s
	} else {
		m.speakers = append(m.speakers, s)
	}
	return s
}

// forget drops a voice that will not speak again, and its 270 kB.
func (m *mixer) forget(ssrc uint32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.speakers = slices.DeleteFunc(m.speakers, func(s *speaker) bool { return s.ssrc == ssrc })
}

// stats tells of everybody heard in the last ten seconds.
func (m *mixer) stats() []room.VoiceStats {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []room.VoiceStats
	for _, s := range m.speakers {
		if m.now-s.heard <= recently {
			st := s.jitter.stats()
			st.SSRC = s.ssrc
			all = append(all, st)
		}
	}
	return all
}
