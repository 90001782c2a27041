package audio

import "parley.lan/room"

// speaker is one voice heard: its jitter buffer, its decoder, and decoded samples that wait to be mixed.
type speaker struct {
	ssrc   uint32
	jitter jitterBuffer
	dec    decoder
	buf    [maxDecoded]float32
	pcm    []float32 // what is left of buf
	idle   bool      // nothing in sight: no need to ask until a frame comes
	heard  int64     // mixer's time of the last frame
	last   float32   // last sample played
	broken uint64    // packets that the decoder refused
}

func newSpeaker(ssrc uint32, dec decoder) *speaker { return &speaker{ssrc: ssrc, dec: dec} }

func (s *speaker) put(now int64, f room.VoiceFrame) {
	s.heard = now
	s.idle = false
	s.jitter.put(now, f)
}

// mix adds the speaker's next len(dst) samples to dst; they play from now on.
func (s *speaker) mix(now int64, dst []float32) {
	for len(dst) > 0 {
		if len(s.pcm) == 0 {
			if s.idle {
				s.last = 0
				return
			}
			wait := s.refill(now)
			if len(s.pcm) == 0 {
				s.last = 0
				n := min(wait, len(dst))
				if n == 0 {
					s.idle = true
					return
				}
				dst, now = dst[n:], now+int64(n)
				continue
			}
		}
		n := min(len(dst), len(s.pcm))
		for i, v := range s.pcm[:n] {
			dst[i] += v
		}
		s.last = s.pcm[n-1]
		s.pcm, dst, now = s.pcm[n:], dst[n:], now+int64(n)
	}
}

// refill asks the jitter buffer for what plays at now and decodes it. Without a result it returns for how many
// samples there will be none, 0 for no end in sight.
func (s *speaker) refill(now int64) (wait int) {
	step := s.jitter.next(now)
	switch step.do {
	case playSilence:
		return step.samples
	case playConceal:
		s.pcm = s.buf[:step.samples]
		if err := s.dec.conceal(s.pcm); err != nil {
			clear(s.pcm)
		}
		clean(s.pcm, 1)
		if step.last {
			fadeOut(s.pcm)
		}
	case playFrame:
		n, err := s.dec.decode(step.frame.opus, s.buf[:])
		if err != nil || n <= 0 || n > len(s.buf) {
			s.broken++
			n = step.samples
			clear(s.buf[:n])
		}
		s.pcm = s.buf[:n]
		clean(s.pcm, 1)
		if step.adjust != 0 {
			s.pcm = stretch(s.pcm, step.adjust, step.must)
		}
		if step.joint {
			join(s.pcm, s.last)
		}
	}
	return 0
}
