package audio

import "math"

// The suppressor's sizes, in samples at 48 kHz.
const (
	noiseFFT   = 1024
	noiseLines = noiseFFT/2 + 1
	noiseFall  = 128 // at the window's newest end, over which it falls to zero
)

// How strongly it suppresses.
const (
	noiseFloor   = 0.1   // amplitude: noise alone is taken down by 20 dB …
	echoFloor    = 0.02  // … and what is left of an echo by 34
	noiseFollow  = 0.07  // a block, of the noise …
	speechFollow = 0.007 // … and while somebody speaks
	noiseWonder  = 0.97  // a block, of how likely there has been speech: a line that was sure for too long is doubted
	noiseSteady  = 0.9   // how far the a-priori SNR believes the last block (decision-directed)
	noiseLeast   = 0.005 // a-priori SNR at least
	noiseFirst   = 20    // blocks at the start that are taken for noise
	speechLikely = 30    // a-priori SNR of speech where there is some: 15 dB
	echoExcess   = 2     // times what is left of the echo that is suppressed, for it is only an estimate
	echoRings    = 0.93  // a block, by which an echo's rest dies away behind it: 60 dB in 0.95 s
)

// suppressor takes background noise and what is left of an echo from a voice, line by line: the noise followed by how
// likely each line holds speech (Gerkmann and Hendriks, "Unbiased MMSE-Based Noise Power Estimation", 2012), the gain
// that of Ephraim and Malah's log-spectral amplitude estimator (1985). The spectra are of samples that are past, and the
// filter that applies the gains has no delay, so nothing waits.
type suppressor struct {
	fft    *fourier
	window []float32
	filter *zeroDelay

	recent, echo []float32 // the last noiseFFT samples
	time         []float32
	now, far     spectrum

	noise  []float32 // power
	likely []float32 // that there is speech, over time
	rest   []float32 // what may be left of the echo
	clean  []float32 // power of the speech in the last block, over its noise
	gain   []float32
	snr    []float32 // power over all that is unwanted
	leak   echoLeak
	voice  voiceActivity
	blocks int
}

func newSuppressor() *suppressor {
	s := &suppressor{fft: newFourier(noiseFFT), window: make([]float32, noiseFFT), filter: newZeroDelay(),
		recent: make([]float32, noiseFFT), echo: make([]float32, noiseFFT), time: make([]float32, noiseFFT),
		now: newSpectrum(noiseLines), far: newSpectrum(noiseLines)}
	for _, lines := range []*[]float32{&s.noise, &s.likely, &s.rest, &s.clean, &s.gain, &s.snr} {
		*lines = make([]float32, noiseLines)
	}
	sum := 0.0
	for i := range s.window {
		at := float64(i) / (noiseFFT - noiseFall)
		if i >= noiseFFT-noiseFall {
			at = float64(noiseFFT-i) / noiseFall
		}
		w := 0.5 - 0.5*math.Cos(math.Pi*at)
		s.window[i] = float32(w)
		sum += w * w
	}
	for i := range s.window {
		s.window[i] /= float32(math.Sqrt(sum))
	}
	return s
}

// process cleans the block pcm in place; echo is what the canceller took from it.
func (s *suppressor) process(pcm, echo []float32) {
	s.spectrum(s.now, s.recent, pcm)
	s.spectrum(s.far, s.echo, echo)
	s.blocks++
	s.leak.note(s.now, s.far)
	for k := range s.noise {
		r, i := s.now.re[k], s.now.im[k]
		power := r*r + i*i + 1e-14
		r, i = s.far.re[k], s.far.im[k]
		s.rest[k] = max(s.rest[k]*echoRings, (r*r+i*i)*echoExcess*s.leak.at(k))
		s.follow(k, power)
		s.snr[k] = power / (s.noise[k] + s.rest[k])
	}
	s.voice.note(s.snr)
	for k := range s.gain {
		s.gain[k] = s.choose(k)
	}
	s.filter.process(pcm, s.gain)
}

func (s *suppressor) spectrum(to spectrum, recent, pcm []float32) {
	copy(recent, recent[cleanBlock:])
	copy(recent[noiseFFT-cleanBlock:], pcm)
	for i, w := range s.window {
		s.time[i] = w * recent[i]
	}
	s.fft.forward(to, s.time)
}

// follow learns line k's noise from its power.
func (s *suppressor) follow(k int, power float32) {
	if s.blocks <= noiseFirst {
		s.noise[k] += (power - s.noise[k]) / float32(s.blocks)
		return
	}
	if s.rest[k] > s.noise[k] {
		return // an echo's rest is no noise
	}
	const share = 1.0 / (1 + speechLikely)
	odds := (1 + speechLikely) * exp(-power/s.noise[k]*(1-share))
	speech := 1 / (1 + odds)
	s.likely[k] = noiseWonder*s.likely[k] + (1-noiseWonder)*speech
	if s.likely[k] > 0.99 {
		speech = min(speech, 0.99)
	}
	now := speech*s.noise[k] + (1-speech)*power
	rate := noiseFollow + (speechFollow-noiseFollow)*s.voice.believed()
	s.noise[k] = max(s.noise[k]+rate*(now-s.noise[k]), 1e-13)
}

// choose returns line k's gain. Where nobody speaks it is the least there is.
func (s *suppressor) choose(k int) float32 {
	unwanted, post := s.noise[k]+s.rest[k], s.snr[k]
	prior := max(noiseSteady*s.clean[k]/unwanted+(1-noiseSteady)*max(post-1, 0), noiseLeast)
	wiener := prior / (1 + prior)
	gain := min(wiener*logAmplitude(wiener*post), 1)
	s.clean[k] = gain * gain * post * unwanted
	floor := float32(math.Sqrt(float64((noiseFloor*noiseFloor*s.noise[k] + echoFloor*echoFloor*s.rest[k]) / unwanted)))
	return floor + s.voice.present*max(gain-floor, 0)
}

// logTable is exp(E1(v)/2) for v from 2^-12 to 2^6, 16 steps to the octave.
var logTable = func() (table [18 * 16]float32) {
	for i := range table {
		table[i] = float32(math.Exp(integral(math.Exp2((float64(i)+0.5)/16-12)) / 2))
	}
	return
}()

// logAmplitude is exp(E1(v)/2), where E1 is the exponential integral.
func logAmplitude(v float32) float32 {
	// The exponent and the upper bits of the mantissa are close to a logarithm.
	at := int(math.Float32bits(v)>>19) - (127-12)*16
	return logTable[min(max(at, 0), len(logTable)-1)]
}

// integral is the exponential integral E1.
func integral(x float64) float64 {
	if x > 1 { // continued fraction
		f := 0.0
		for k := 60.0; k >= 1; k-- {
			f = k / (1 + k/(x+f))
		}
		return math.Exp(-x) / (x + f)
	}
	sum, term := -0.57721566490153286-math.Log(x), 1.0
	for k := 1.0; k < 40; k++ {
		term *= -x / k
		sum -= term / k
	}
	return sum
}

func exp(x float32) float32 { return float32(math.Exp(float64(x))) }
