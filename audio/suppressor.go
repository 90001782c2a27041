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
	echoCaution  = 6     // times an echo's rest before anything above it is taken for a voice …
	echoDoubt    = 0.2   // … and at least so much of the echo's power …
	echoHides    = 0.05  // … and so much over all lines
	noiseFloor   = 0.1   // amplitude: noise alone is taken down by 20 dB …
	echoFloor    = 0.1   // … and what is left of an echo as well
	noiseFollow  = 0.07  // a block, of the noise …
	speechFollow = 0.007 // … and while somebody speaks
	noiseWonder  = 0.97  // a block, of how likely there has been speech: a line that was sure for too long is doubted
	noiseSteady  = 0.85  // how far the a-priori SNR believes the last block (decision-directed)
	noiseLeast   = 0.005 // a-priori SNR at least
	noiseFirst   = 20    // blocks at the start that are taken for noise
	noiseSpread  = 2     // lines to each side whose power counts too
	speechLikely = 30    // a-priori SNR of speech where there is some: 15 dB
	echoExcess   = 0.35  // times what may be left of the echo that is suppressed: more costs a voice over it more than it gains
	echoRings    = 0.88  // a block, by which an echo's rest dies away behind it: 60 dB in 0.55 s
)

// suppressor takes background noise and what is left of an echo from a voice, line by line: the noise followed by how
// likely each line holds speech (Gerkmann and Hendriks, "Unbiased MMSE-Based Noise Power Estimation", 2012), the gain
// Wiener's, for a decision-directed a-priori SNR (Ephraim and Malah, 1984). The spectra are of samples that are past, and
// the filter that applies the gains has no delay, so nothing waits.
type suppressor struct {
	fft    *fourier
	window []float32
	filter *zeroDelay

	recent, echo []float32 // the last noiseFFT samples
	time         []float32
	now, far     spectrum

	noise  []float32 // power
	likely []float32 // that there is speech, over time
	echoed []float32 // power of the echo, dying away
	rest   []float32 // of it what may be left
	clean  []float32 // power of the speech in the last block, over its noise
	gain   []float32
	snr    []float32 // power over all that is unwanted
	sure   []float32 // the same, with the least of an echo that may be left whatever the estimate says
	loud   float64   // mean square of the echo, dying away
	leak   echoLeak
	voice  voiceActivity
	blocks int
}

func newSuppressor() *suppressor {
	s := &suppressor{fft: newFourier(noiseFFT), window: make([]float32, noiseFFT), filter: newZeroDelay(),
		recent: make([]float32, noiseFFT), echo: make([]float32, noiseFFT), time: make([]float32, noiseFFT),
		now: newSpectrum(noiseLines), far: newSpectrum(noiseLines)}
	for _, lines := range []*[]float32{&s.noise, &s.likely, &s.echoed, &s.rest, &s.clean, &s.gain, &s.snr, &s.sure} {
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
		s.echoed[k] = max(s.echoed[k]*echoRings, r*r+i*i)
		s.rest[k] = s.echoed[k] * echoExcess * s.leak.at(k)
		s.follow(k, power)
		s.snr[k] = power / (s.noise[k] + s.rest[k])
		s.sure[k] = power / (s.noise[k] + max(echoCaution*s.rest[k], echoDoubt*s.echoed[k]))
	}
	s.loud = max(s.loud*echoRings, power(echo))
	if power(pcm) < echoHides*s.loud {
		clear(s.sure)
	}
	s.voice.note(s.sure)
	for k := range s.gain {
		s.gain[k] = s.choose(k, s.around(k))
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

// around is the mean of snr over the lines about k: a single line swings too much to go by.
func (s *suppressor) around(k int) float32 {
	near := s.snr[max(k-noiseSpread, 0):min(k+noiseSpread+1, noiseLines)]
	sum := float32(0)
	for _, v := range near {
		sum += v
	}
	return sum / float32(len(near))
}

// choose returns line k's gain, by the power about it over all that is unwanted: Wiener's. Where nobody speaks it is the
// least there is.
func (s *suppressor) choose(k int, post float32) float32 {
	unwanted := s.noise[k] + s.rest[k]
	prior := max(noiseSteady*s.clean[k]/unwanted+(1-noiseSteady)*max(post-1, 0), noiseLeast)
	gain := prior / (1 + prior)
	s.clean[k] = gain * gain * post * unwanted
	floor := float32(math.Sqrt(float64((noiseFloor*noiseFloor*s.noise[k] + echoFloor*echoFloor*s.rest[k]) / unwanted)))
	return floor + s.voice.present*max(gain-floor, 0)
}

func exp(x float32) float32 { return float32(math.Exp(float64(x))) }
