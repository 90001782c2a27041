package audio

import (
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"parley.lan/room"
)

const (
	maxSpeakers = 64                    // voices at once; a further one replaces the one not heard for longest
	recently    = 10 * room.SampleRate  // how long after its last frame a voice has statistics
	forgotten   = 600 * room.SampleRate // and how long it keeps its decoder
)

// inbox is where the network hands over to the loudspeaker: it finds or makes the speaker and puts the frame
// into that speaker's queue. Those who put lock among themselves; whoever mixes takes no lock: it reads the list
// of speakers, which is never changed but replaced, and the queues.
type inbox struct {
	newDecoder func() (decoder, error)
	log        *slog.Logger
	level      bool // bring all talkers to one loudness; set before the first comes

	now atomic.Int64 // the mixer's time

	mu       sync.Mutex // among those who put, forget or change a gain
	volumes  volumes
	speakers atomic.Pointer[[]*speaker]
}

// put copies f in. Frames with no bytes or too many are none.
func (q *inbox) put(f room.VoiceFrame) {
	if len(f.Opus) == 0 || len(f.Opus) > room.MaxOpus {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if s := q.speaker(f.SSRC); s != nil {
		s.heard.Store(q.now.Load())
		s.waiting.put(f)
	}
}

// all is everybody with a voice here.
func (q *inbox) all() []*speaker {
	if p := q.speakers.Load(); p != nil {
		return *p
	}
	return nil
}

// speaker finds a voice, or makes room for a new one. mu is held.
func (q *inbox) speaker(ssrc uint32) *speaker {
	old := q.all()
	oldest := -1
	for i, s := range old {
		if s.ssrc == ssrc {
			return s
		}
		if oldest < 0 || s.heard.Load() < old[oldest].heard.Load() {
			oldest = i
		}
	}
	dec, err := q.newDecoder()
	if err != nil {
		q.log.Debug("no decoder for a voice", "ssrc", ssrc, "err", err)
		return nil
	}
	list := slices.Clone(old)
	if len(list) == maxSpeakers || oldest >= 0 && q.now.Load()-list[oldest].heard.Load() > forgotten {
		list = slices.Delete(list, oldest, oldest+1)
	}
	s := newSpeaker(ssrc, dec)
	s.slot, s.levels = freeSlot(list), q.level
	s.setGain(q.volumes.of(ssrc))
	s.volume = holding(s.wanted())
	list = append(list, s)
	q.speakers.Store(&list)
	return s
}

// freeSlot is the first place that nobody has.
func freeSlot(list []*speaker) int {
	for slot := 0; ; slot++ {
		if !slices.ContainsFunc(list, func(s *speaker) bool { return s.slot == slot }) {
			return slot
		}
	}
}

// forget drops a voice that will not speak again, and its memory.
func (q *inbox) forget(ssrc uint32) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.volumes.forget(ssrc)
	list := slices.DeleteFunc(slices.Clone(q.all()), func(s *speaker) bool { return s.ssrc == ssrc })
	q.speakers.Store(&list)
}

// setGain makes a voice louder or quieter, 1 being as it came, now or once it is heard.
func (q *inbox) setGain(ssrc uint32, gain float32) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.volumes.set(ssrc, gain)
	for _, s := range q.all() {
		if s.ssrc == ssrc {
			s.setGain(gain)
		}
	}
}

// stats tells of everybody heard in the last ten seconds.
func (q *inbox) stats() []room.VoiceStats {
	var all []room.VoiceStats
	now := q.now.Load()
	for _, s := range q.all() {
		if now-s.heard.Load() <= recently {
			all = append(all, s.seen.load(s.ssrc))
		}
	}
	return all
}
