package audio

import (
	"math"

	"parley.lan/room"
)

const (
	hearLeast = -20  // dB
	hearMost  = 20   // dB
	hearNoise = 1e-5 // mean square that a talker's noise may be raised to: -50 dBov
	hearAbove = 16   // times the noise's power that is taken for speech: 12 dB
	hearFaint = 1e-6 // mean square below which nothing is: -60 dBov
	hearClimb = 1.6  // by which the noise is thought to grow in a second without a pause: 2 dB
	hearHuge  = 8    // beyond full scale a decoder delivers nothing sensible
)

// leveller brings one heard talker to the loudness of all others. It learns and moves while he speaks and holds still in
// pauses, so noise is never raised between words.
type leveller struct {
	loudness
	noise float64 // mean square of the quietest there is
	limit limiter
}

// process levels pcm, of any length up to some tens of milliseconds, in place.
func (l *leveller) process(pcm []float32) {
	if len(pcm) == 0 {
		return
	}
	clean(pcm, hearHuge)
	seconds := float64(len(pcm)) / room.SampleRate
	now, from := power(pcm), l.gain
	if now > max(l.noise*hearAbove, hearFaint) {
		l.note(now, seconds)
		most := min(max(10*math.Log10(hearNoise/(l.noise+1e-12)), 0), hearMost)
		l.approach(hearLeast, most, seconds)
	}
	if l.noise = min(l.noise*(1+(hearClimb-1)*seconds), now); l.noise < hearFaint/hearAbove {
		l.noise = hearFaint / hearAbove
	}
	bend(pcm, from, l.gain)
	l.limit.process(pcm, 1)
}
