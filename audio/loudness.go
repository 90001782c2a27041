package audio

import "math"

const (
	loudTarget = 0.005 // mean square that speech is brought to: -23 dBov
	loudGap    = 0.01  // of the usual power: what is below is a gap between words …
	loudFades  = 0.5   // … or a talker who has become quieter: the usual falls so much in a second of it
	loudFirst  = 0.2   // seconds of speech before anything is made of it
	loudMemory = 2.0   // seconds of speech that the level is averaged over

	gainQuick = 14.0 // dB a second at first …
	gainSlow  = 4.0  // … and once loudMemory is known: too slow to hear it work
)

// loudness is how loud a talker speaks, and a gain that goes gently towards what that asks for.
type loudness struct {
	level float64 // mean square of his speech
	known float64 // seconds of speech heard, to loudMemory
	gain  float64 // dB
}

// note takes the power of some seconds of speech.
func (l *loudness) note(power, seconds float64) {
	if power < l.level*loudGap {
		l.level *= 1 - (1-loudFades)*seconds
		return
	}
	l.known = min(l.known+seconds, loudMemory)
	l.level += (power - l.level) * seconds / l.known
}

// approach moves the gain towards what brings the talker to loudTarget, within bounds in dB, as far as some seconds allow.
func (l *loudness) approach(least, most, seconds float64) {
	if l.known < loudFirst {
		return
	}
	rate := gainSlow
	if l.known < loudMemory {
		rate = gainQuick
	}
	want := min(max(10*math.Log10(loudTarget/l.level), least), most)
	l.gain += min(max(want-l.gain, -rate*seconds), rate*seconds)
}

// bend multiplies pcm by a gain in dB that goes evenly from one value to another.
func bend(pcm []float32, from, to float64) {
	if from == 0 && to == 0 {
		return
	}
	a := amplitude(from)
	step := (amplitude(to) - a) / float32(len(pcm))
	for i := range pcm {
		a += step
		pcm[i] *= a
	}
}

func amplitude(dB float64) float32 { return float32(math.Pow(10, dB/20)) }

// power is the mean square.
func power(pcm []float32) float64 {
	sum := 0.0
	for _, v := range pcm {
		sum += float64(v) * float64(v)
	}
	return sum / float64(max(len(pcm), 1))
}
