package audio

import (
	"log/slog"
	"sync/atomic"

	"parley.lan/room"
)

const mixBlock = concealStep // samples mixed at a time

// mixer decodes everybody heard and sums them. Its clock is the number of samples it has mixed, which runs
// as the listener's output does. mix is made to be called from a loudspeaker's callback: it takes no lock, allocates
// nothing and never waits. All else may be called from anywhere at any time, and never holds it up.
type mixer struct {
	inbox inbox

	busy    atomic.Bool // somebody mixes
	now     int64
	deaf    atomic.Bool              // nothing is to be heard
	fade    glide                    // which that takes
	test    atomic.Pointer[selfTest] // nil: none
	limit   limiter
	comfort comfort
	voice   [mixBlock]float32
	mono    [mixBlock]float32
}

func newMixer(newDecoder func() (decoder, error), log *slog.Logger) *mixer {
	return &mixer{inbox: inbox{newDecoder: newDecoder, log: log}, fade: holding(1)}
}

// mix fills dst with the next samples of everybody, within ±1: interleaved for two channels, each voice at its own place
// between left and right, or for one. Mixing has one caller; a second one meanwhile gets silence.
func (m *mixer) mix(dst []float32, channels int) {
	if !m.busy.CompareAndSwap(false, true) {
		clear(dst)
		return
	}
	defer m.busy.Store(false)
	speakers := m.inbox.all()
	left := len(dst) / channels
	test := m.test.Load()
	testing := test.going()
	if test != nil {
		test.voice.receive(m.now, left)
	}
	for _, s := range speakers {
		s.receive(m.now, left)
	}
	for left > 0 {
		n := min(left, mixBlock)
		m.block(dst[:n*channels], channels, speakers, left, m.deaf.Load() || testing)
		if test != nil && !test.play(m.now, dst[:n*channels], channels, m.voice[:n], left, testing) {
			m.test.CompareAndSwap(test, nil)
			test = nil
		}
		m.limit.process(dst[:n*channels], channels)
		m.now += int64(n)
		dst, left = dst[n*channels:], left-n
	}
	for _, s := range speakers {
		s.seen.store(s.jitter.stats())
	}
	m.inbox.now.Store(m.now)
}

// block mixes one block of the left samples that were asked for, of others' voices.
func (m *mixer) block(dst []float32, channels int, speakers []*speaker, left int, deaf bool) {
	clear(dst)
	n := len(dst) / channels
	voice := m.voice[:n]
	sounds, hush := false, float32(0)
	for _, s := range speakers {
		if m.now-s.heard.Load() <= comfortAfter && !s.volume.silent() {
			hush = max(hush, s.hush)
		}
		if !s.play(m.now, voice, left) {
			continue
		}
		sounds = true
		if channels == 1 {
			for i, v := range voice {
				dst[i] += v
			}
			continue
		}
		l, r := place(s.slot)
		for i, v := range voice {
			dst[2*i] += l * v
			dst[2*i+1] += r * v
		}
	}
	m.comfort.add(dst, channels, sounds, hush)
	loud := float32(1)
	if deaf {
		loud = 0
	}
	m.fade.apply(dst, channels, loud)
}

// forget drops a voice that will not speak again, its 200 kB and its volume.
func (m *mixer) forget(ssrc uint32) { m.inbox.forget(ssrc) }

// setGain makes a voice louder or quieter: 0 to gainMost, 1 being as it came.
func (m *mixer) setGain(ssrc uint32, gain float32) { m.inbox.setGain(ssrc, gain) }

// stats tells of everybody heard in the last ten seconds.
func (m *mixer) stats() []room.VoiceStats { return m.inbox.stats() }
