package audiotest

import (
	"math"
	"math/rand/v2"
	"slices"
)

const sceneRate = 48000 // Hz; what rooms and noises are made at

// Room is a made-up room between a loudspeaker and a microphone: a direct path, and behind it a tail of Gaussian noise
// that decays by 60 dB in Decay seconds.
type Room struct {
	Decay float64 // s
	Delay float64 // ms, until the direct path arrives
	Level float64 // dB of the direct path
	Clip  bool    // the loudspeaker is overdriven
	Drift float64 // parts in a million by which the microphone's clock runs slower than the loudspeaker's
}

// Echo is what a microphone in the room picks up of what the loudspeaker plays, at 48 kHz, with a little noise of its own.
func (r Room) Echo(played []float64) []float64 {
	if r.Clip {
		loud := make([]float64, len(played))
		for i, v := range played {
			loud[i] = 0.5 * math.Tanh(3*v)
		}
		played = loud
	}
	echo := convolve(played, r.response())[:len(played)]
	if r.Drift != 0 {
		echo = stretch(echo, 1+r.Drift*1e-6)
	}
	noise := rand.New(rand.NewPCG(2, 2))
	for i := range echo {
		echo[i] += 1e-4 * noise.NormFloat64()
	}
	return echo
}

func (r Room) response() []float64 {
	const length, gap = 3 * sceneRate / 10, sceneRate / 1000
	random := rand.New(rand.NewPCG(1, 1))
	direct := int(r.Delay * sceneRate / 1000)
	gain := math.Pow(10, r.Level/20)
	h := make([]float64, direct+length)
	h[direct] = gain
	for i := gap; i < length; i++ {
		h[direct+i] = gain * 0.03 * random.NormFloat64() * math.Exp(-6.9*float64(i)/sceneRate/r.Decay)
	}
	return h
}

// Noise is a kind of background noise.
type Noise int

const (
	White   Noise = iota
	PinkHum       // falls off above 150 Hz, with mains hum of 50 and 150 Hz
)

func (n Noise) String() string { return [...]string{"white noise", "pink noise with hum"}[n] }

// Behind is noise of len(speech) samples at 48 kHz, snr dB below the speech, pauses counted in.
func (n Noise) Behind(speech []float64, snr float64) []float64 {
	random := rand.New(rand.NewPCG(3, 3))
	noise := make([]float64, len(speech))
	low := 0.0
	for i := range noise {
		noise[i] = random.NormFloat64()
		if n == PinkHum {
			low = 0.98*low + 0.2*noise[i]
			t := 2 * math.Pi * float64(i) / sceneRate
			noise[i] = low + 0.5*math.Sin(50*t) + 0.3*math.Sin(150*t)
		}
	}
	gain := math.Sqrt(Power(speech)/Power(noise)) * math.Pow(10, -snr/20)
	for i := range noise {
		noise[i] *= gain
	}
	return noise
}

// Power is the mean square.
func Power(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	return sum / float64(max(len(x), 1))
}

// stretch reads x ratio times as fast, through a short windowed sinc.
func stretch(x []float64, ratio float64) []float64 {
	const half = 12
	out := make([]float64, len(x))
	for i := range out {
		at := float64(i) * ratio
		for k := max(0, int(at)-half+1); k <= min(len(x)-1, int(at)+half); k++ {
			t := float64(k) - at
			v := 1.0
			if math.Abs(t) > 1e-9 {
				v = math.Sin(math.Pi*t) / (math.Pi * t)
			}
			out[i] += x[k] * v * (0.5 + 0.5*math.Cos(math.Pi*t/(half+1)))
		}
	}
	return out
}

// convolve is x through the filter h.
func convolve(x, h []float64) []float64 {
	turned := slices.Clone(h)
	slices.Reverse(turned)
	ahead := make([]float64, len(h)-1)
	return correlate(slices.Concat(ahead, x, make([]float64, len(h))), turned)[:len(x)+len(h)]
}
