package audio

import (
	"math"

	"parley.lan/room"
)

const (
	comfortAfter = 10 * room.SampleRate // a room where nobody has spoken for so long is silent
	comfortLeast = 1e-8                 // power: -80 dBFS, hardly heard
	comfortMost  = 1e-6                 // -60 dBFS
	comfortGlide = 80 * ms              // over which it comes and goes
	comfortPole  = 0.8                  // of the low-pass that makes it sound like a room and not like a hiss: 1.7 kHz
)

// comfort is faint noise in place of dead silence between talkspurts, so that a pause doesn't sound like a broken line. It is as loud
// as the talkers' own pauses were, but never so that it is noticed, and glides in and out.
type comfort struct {
	seed  uint32
	state float32
	gain  float32 // amplitude in use
}

// pausePower is the power of quiet frames, smoothed, after one more.
func pausePower(power float32, pcm []float32) float32 {
	var sum float32
	for _, v := range pcm {
		sum += v * v
	}
	p := sum / float32(len(pcm))
	if power == 0 {
		return p
	}
	return power + (p-power)/16
}

// add adds noise to a block where nobody sounds; hush is the power of the talkers' pauses, 0 if nobody has spoken lately.
func (c *comfort) add(dst []float32, channels int, sounds bool, hush float32) {
	want := float32(0)
	if hush > 0 && !sounds {
		want = float32(math.Sqrt(float64(min(max(hush, comfortLeast), comfortMost))))
	}
	if want == 0 && c.gain == 0 {
		return
	}
	// White noise of power 1/3 behind the low-pass has (1-pole)/(1+pole) of it.
	const normal = 5.196
	most := float32(1e-3) / comfortGlide
	for i := 0; i < len(dst); i += channels {
		c.gain += min(max(want-c.gain, -most), most)
		c.seed = c.seed*1664525 + 1013904223
		white := float32(int32(c.seed)) / (1 << 31)
		c.state += (1 - comfortPole) * (white - c.state)
		for k := range channels {
			dst[i+k] += c.gain * normal * c.state
		}
	}
}
