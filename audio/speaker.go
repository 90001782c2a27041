package audio

import (
	"math"
	"sync/atomic"

	"parley.lan/room"
)

const (
	historyKept = stretchMost + stretchFade // samples played last that stretching may repeat
	lookAhead   = 20 * ms                   // decoded at most to find a place to cut
	speakerTaps = 16
	bendMost    = 10 * ms // samples resampled at once
)

// speaker is one voice heard: frames that have come, its jitter buffer, its decoder, and decoded samples that wait to be
// mixed. The network side touches waiting, heard and gain, and reads seen; all else is the mixer's.
type speaker struct {
	ssrc    uint32
	slot    int // its place between left and right
	waiting queue
	heard   atomic.Int64  // mixer's time when its last frame was put
	gain    atomic.Uint32 // wanted, a float32's bits
	seen    published

	jitter jitterBuffer
	dec    decoder
	level  leveller
	levels bool                                                        // to be brought to the loudness of the others
	buf    [historyKept + maxDecoded + lookAhead + stretchMost]float32 // what was played last, then what is to be
	end    int                                                         // of what is to be
	pcm    []float32                                                   // what is left of it
	idle   bool                                                        // nothing in sight: no need to ask until a frame comes
	last   float32                                                     // last sample played
	broken uint64                                                      // packets that the decoder refused

	bend    *resampler // where its clock differs from the loudspeaker's
	bent    bool
	out     []float32 // what pcm became; in bentOut or buf
	bentOut [2 * bendMost]float32

	volume glide   // gain in use
	hush   float32 // power of its latest quiet frames; 0: not known
}

func newSpeaker(ssrc uint32, dec decoder) *speaker {
	s := &speaker{ssrc: ssrc, dec: dec, volume: holding(1), end: historyKept}
	s.bend = newDriftResampler(room.SampleRate, room.SampleRate, speakerTaps)
	s.setGain(1)
	return s
}

func (s *speaker) setGain(gain float32) {
	if !(gain >= 0) {
		gain = 0
	}
	s.gain.Store(math.Float32bits(min(gain, gainMost)))
}

func (s *speaker) wanted() float32 { return math.Float32frombits(s.gain.Load()) }

// receive sorts what has come into the jitter buffer. It came at now: the first sample that it can still be part of,
// of n that are asked for.
func (s *speaker) receive(now int64, n int) {
	s.jitter.delays.asks(int64(n))
	s.waiting.each(func(f room.VoiceFrame) bool {
		s.idle = false
		s.jitter.put(now, f)
		return true
	})
}

// play fills dst with the speaker's next samples, which play from now on, and tells whether there is anything but silence.
// wanted is how many samples, dst's included, are asked for before anything more can come.
func (s *speaker) play(now int64, dst []float32, wanted int) (sounds bool) {
	at := 0
	for at < len(dst) {
		if len(s.out) == 0 && len(s.pcm) == 0 {
			wait := 0
			if !s.idle {
				wait = s.refill(now+int64(at), wanted-at)
			}
			if len(s.pcm) == 0 {
				s.last = 0
				s.idle = wait == 0
				if s.idle {
					wait = len(dst)
				}
				n := min(wait, len(dst)-at)
				clear(dst[at : at+n])
				at += n
				continue
			}
		}
		if len(s.out) == 0 {
			s.resample()
			continue
		}
		n := copy(dst[at:], s.out)
		s.last, sounds = s.out[n-1], true
		s.out = s.out[n:]
		at += n
	}
	want := s.wanted()
	if !sounds {
		s.volume = holding(want)
		return false
	}
	s.volume.apply(dst, 1, want)
	return !s.volume.silent()
}

// resample moves pcm on to out, a piece at a time, and with the clocks' difference taken out.
func (s *speaker) resample() {
	n := min(len(s.pcm), bendMost)
	piece := s.pcm[:n]
	s.pcm = s.pcm[n:]
	if !s.jitter.clock.on {
		s.out = piece
		return
	}
	if !s.bent {
		start := s.end - len(s.pcm) - n
		s.bend.prime(s.buf[:start])
		s.bent = true
	}
	s.bend.drift(s.jitter.clock.ppm())
	s.out = s.bend.process(s.bentOut[:0], piece)
}

// refill asks the jitter buffer for what plays at now and decodes it. Without a result it returns for how many
// samples there will be none, 0 for no end in sight.
func (s *speaker) refill(now int64, wanted int) (wait int) {
	step := s.jitter.next(now, wanted)
	if step.do == playSilence {
		return step.samples
	}
	copy(s.buf[:historyKept], s.buf[s.end-historyKept:s.end])
	s.end = historyKept
	switch step.do {
	case playConceal:
		pcm := s.buf[s.end : s.end+step.samples]
		if err := s.dec.conceal(pcm); err != nil {
			clear(pcm)
		}
		clean(pcm, 1)
		s.end += step.samples
		if step.last {
			fadeOut(pcm)
		}
	case playFrame:
		s.decode(step.frame)
		for -step.adjust > s.end-historyKept-stretchFade && s.end-historyKept < lookAhead {
			more := s.jitter.ahead()
			if more == nil {
				break
			}
			s.decode(more)
		}
		if step.adjust != 0 {
			s.end = historyKept + len(stretch(s.buf[:s.end], historyKept, step.adjust, step.must))
		}
		if step.joint {
			join(s.buf[historyKept:s.end], s.last)
			if s.jitter.clock.calm() {
				s.jitter.clock.on = false
			}
			s.bent = false
		}
	}
	s.pcm = s.buf[historyKept:s.end]
	return 0
}

// decode appends a frame's samples to buf, levelled if they are to be.
func (s *speaker) decode(f *frame) {
	pcm := s.buf[s.end:][:maxDecoded]
	n, err := s.dec.decode(f.opus, pcm)
	if err != nil || n <= 0 || n > len(pcm) {
		s.broken++
		n = min(f.samples, len(pcm))
		clear(pcm[:n])
	}
	if s.levels {
		s.level.process(pcm[:n])
	}
	clean(pcm[:n], 1)
	if f.level > gateLevel && f.level < room.LevelSilent {
		s.hush = pausePower(s.hush, pcm[:n])
	}
	s.end += n
}

// published is a speaker's statistics for those who don't mix.
type published struct {
	received, lost, late, concealed, recovered atomic.Uint64
	jitter, delay                              atomic.Uint64 // float64 bits
}

func (p *published) store(s room.VoiceStats) {
	p.received.Store(s.Received)
	p.lost.Store(s.Lost)
	p.late.Store(s.Late)
	p.concealed.Store(s.Concealed)
	p.recovered.Store(s.Recovered)
	p.jitter.Store(math.Float64bits(s.JitterMS))
	p.delay.Store(math.Float64bits(s.DelayMS))
}

func (p *published) load(ssrc uint32) room.VoiceStats {
	return room.VoiceStats{
		SSRC: ssrc, Received: p.received.Load(), Lost: p.lost.Load(), Late: p.late.Load(), Concealed: p.concealed.Load(),
		Recovered: p.recovered.Load(),
		JitterMS:  math.Float64frombits(p.jitter.Load()), DelayMS: math.Float64frombits(p.delay.Load()),
	}
}
