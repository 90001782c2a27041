package audio

import (
	"math"

	"parley.lan/room"
)

// level is a block's loudness in -dBov as RFC 6464 has it: RMS against a full-scale square wave, 0 loudest,
// 127 silent.
func level(pcm []float32) uint8 {
	sum := 0.0
	for _, v := range pcm {
		sum += float64(v) * float64(v)
	}
	if len(pcm) == 0 || sum == 0 {
		return room.LevelSilent
	}
	db := -10 * math.Log10(sum/float64(len(pcm)))
	return uint8(min(max(db+0.5, room.LevelLoudest), room.LevelSilent))
}

// clean makes whatever a driver or a decoder delivered safe to compute with: no NaN or infinity, nothing
// beyond ±limit.
func clean(pcm []float32, limit float32) {
	for i, v := range pcm {
		switch {
		case v != v:
			pcm[i] = 0
		case v > limit:
			pcm[i] = limit
		case v < -limit:
			pcm[i] = -limit
		}
	}
}

// toInt16 converts with rounding; pcm must lie in ±1.
func toInt16(dst []int16, pcm []float32) {
	for i, v := range pcm {
		dst[i] = int16(math.RoundToEven(float64(v) * 32767))
	}
}

func fromInt16(dst []float32, pcm []int16) {
	for i, v := range pcm {
		dst[i] = float32(v) / 32768
	}
}
