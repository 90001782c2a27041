package audio

import (
	"math"

	"parley.lan/room"
)

// By how much the microphone's sound may be made louder or quieter, in dB, and how loud its noise may become.
const (
	sendLeast = -10
	sendMost  = 24
	gainClear = 0.3  // of an echo's power: speech below it tells nothing sure about its loudness
	sendNoise = 3e-6 // mean square: -55 dBov
	noiseMemo = 0.01 // a block, of the noise in pauses
)

// automaticGain brings a microphone's speech to loudTarget. It learns and moves while somebody speaks and holds still in
// pauses; where noise would become a nuisance it stops.
type automaticGain struct {
	loudness
	noise float64 // mean square in pauses
	limit limiter
}

// process takes a block; sure says that it is speech, pause that nobody has spoken for some time.
func (g *automaticGain) process(pcm []float32, sure, pause bool) {
	const seconds = float64(cleanBlock) / room.SampleRate
	now, from := power(pcm), g.gain
	if pause {
		g.noise += noiseMemo * (now - g.noise)
	}
	if sure {
		g.note(now, seconds)
		most := min(max(10*math.Log10(sendNoise/(g.noise+1e-12)), 0), sendMost)
		g.approach(sendLeast, most, seconds)
	}
	bend(pcm, from, g.gain)
	g.limit.process(pcm, 1)
}
