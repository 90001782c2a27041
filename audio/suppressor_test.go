package audio

import (
	"fmt"
	"testing"

	"parley.lan/audio/audiotest"
)

// pauseNoise is the mean square of x in the second half's pauses of voice, 20 ms clear of it on both sides.
func pauseNoise(x, voice []float64) float64 {
	const away = 4
	total, count, quiet := 0.0, 0, 0
	for i := len(voice) / cleanBlock / 2; i < len(voice)/cleanBlock; i++ {
		if audiotest.Power(voice[i*cleanBlock:][:cleanBlock]) > 1e-7 {
			quiet = 0
			continue
		}
		if quiet++; quiet > 2*away {
			total += audiotest.Power(x[(i-away)*cleanBlock:][:cleanBlock])
			count++
		}
	}
	return total / float64(max(count, 1))
}

func TestLabNoise(t *testing.T) {
	seconds := 10
	snrs := []float64{5}
	if audiotest.Lab() {
		seconds, snrs = 36, []float64{0, 5, 10, 20}
	}
	voice := wide(speech(t, "long-a"))
	n := min(seconds*48000, len(voice)) / cleanBlock * cleanBlock
	voice = voice[:n]
	for _, kind := range []audiotest.Noise{audiotest.White, audiotest.PinkHum} {
		goal := map[audiotest.Noise]float64{audiotest.White: 15, audiotest.PinkHum: 12}[kind]
		for _, snr := range snrs {
			mic := sum(voice, kind.Behind(voice, snr))
			c := testCleaner(t)
			c.keepLevel = true
			out, _ := c.run(mic, nil)
			quieter := decibels(pauseNoise(mic, voice) / pauseNoise(out, voice))
			before, after := audiotest.ESTOI(voice[n/2:], mic[n/2:], 48000), audiotest.ESTOI(voice[n/2:], out[n/2:], 48000)
			what := fmt.Sprintf("Noise: %v at %.0f dB", kind, snr)
			seen := ""
			if audiotest.Lab() {
				whole, _ := testCleaner(t).run(mic, nil)
				seen = fmt.Sprintf(" (%.3f with automatic gain)", audiotest.ESTOI(voice[n/2:], whole[n/2:], 48000))
			}
			audiotest.Report(t, what, fmt.Sprintf("≥ %.0f dB quieter, ESTOI up", goal), "%.1f dB quieter, ESTOI %.3f → %.3f%s", quieter, before, after, seen)
			if quieter < goal {
				t.Errorf("%s: pauses are %.1f dB quieter", what, quieter)
			}
			if after < before && snr <= 10 { // at 20 dB there is little to gain, and the high-pass takes a little of the voice itself
				t.Errorf("%s: ESTOI falls from %.3f to %.3f", what, before, after)
			}
		}
	}
}

// Noise that grows suddenly by 20 dB, and is no speech, is taken down again in seconds.
func TestNoiseGrows(t *testing.T) {
	voice := wide(speech(t, "long-a"))[:8*48000]
	noise := audiotest.White.Behind(voice, 40)
	for i := 2 * 48000; i < len(noise); i++ {
		noise[i] *= 10
	}
	c := testCleaner(t)
	c.keepLevel = true
	out, heard := c.run(noise, nil)
	const from = 7 * 48000
	if quieter := decibels(audiotest.Power(noise[from:]) / audiotest.Power(out[from:])); quieter < 15 {
		t.Errorf("five seconds after it grew the noise is %.1f dB quieter", quieter)
	}
	if heard[len(heard)-1] {
		t.Error("noise is taken for speech for ever")
	}
}
