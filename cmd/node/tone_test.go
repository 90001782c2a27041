//go:build linux

package main_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"testing"
)

// Voices that a test can tell apart by their pitch: each speaker is a sine, which swells and fades three
// times a second so that nothing takes it for the hum of a fan and suppresses it.

const toneAmplitude = 0.2 // of full scale; four of them stay below the limiter

// tone gives the samples from number first on of a speaker at freq.
func tone(freq, rate float64, first, n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		at := float64(first+i) / rate
		swell := 0.5 - 0.5*math.Cos(2*math.Pi*3*at)
		pcm[i] = int16(math.MaxInt16 * toneAmplitude * swell * math.Sin(2*math.Pi*freq*at))
	}
	return pcm
}

// tonePower measures one frequency's part of the mean square of pcm, full scale being 1, by Goertzel's
// algorithm over windows of 100 ms.
func tonePower(pcm []int16, rate, freq float64) float64 {
	n := int(rate / 10)
	windows, sum := 0, 0.0
	for at := 0; at+n <= len(pcm); at += n {
		coeff := 2 * math.Cos(2*math.Pi*freq/rate)
		var s1, s2, weight float64
		for i, x := range pcm[at : at+n] {
			hann := 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/float64(n))
			weight += hann
			s1, s2 = hann*float64(x)/math.MaxInt16+coeff*s1-s2, s1
		}
		amplitude := 2 * math.Sqrt(math.Max(0, s1*s1+s2*s2-coeff*s1*s2)) / weight
		sum += amplitude * amplitude / 2
		windows++
	}
	return sum / float64(max(1, windows))
}

func meanSquare(pcm []int16) float64 {
	sum := 0.0
	for _, x := range pcm {
		v := float64(x) / math.MaxInt16
		sum += v * v
	}
	return sum / float64(max(1, len(pcm)))
}

func decibels(power float64) float64 { return 10 * math.Log10(power+1e-12) }

// A voice that is there has the level it was spoken with, give or take level; one that is not there lies absent
// below that.
const (
	levelSlack = 10.0 // dB
	absent     = 25.0 // dB
)

// spoken is the level of any one tone as its speaker sends it.
var spoken = decibels(tonePower(tone(1000, 44100, 0, 44100), 44100, 1000))

func hears(pcm []int16, rate, freq float64) bool {
	return math.Abs(decibels(tonePower(pcm, rate, freq))-spoken) < levelSlack
}

// checkMix asserts which voices pcm holds and which not, and that it is those voices and not noise, as it
// would be if bytes had slipped or talkers been interleaved.
func checkMix(t *testing.T, who string, pcm []int16, rate float64, present, missing []float64) {
	t.Helper()
	voices, report := 0.0, ""
	for _, f := range present {
		p := tonePower(pcm, rate, f)
		voices += p
		report += fmt.Sprintf(" %.0f Hz %.0f dB,", f, decibels(p)-spoken)
		if !hears(pcm, rate, f) {
			t.Errorf("%s hears the voice at %.0f Hz at %.1f dB of its level", who, f, decibels(p)-spoken)
		}
	}
	for _, f := range missing {
		p := tonePower(pcm, rate, f)
		report += fmt.Sprintf(" not %.0f Hz %.0f dB,", f, decibels(p)-spoken)
		if decibels(p) > spoken-absent {
			t.Errorf("%s hears the voice at %.0f Hz, at %.1f dB of its level, and must not", who, f, decibels(p)-spoken)
		}
	}
	clean := voices / meanSquare(pcm)
	t.Logf("%s:%s voices are %.0f %% of all", who, report, 100*clean)
	if clean < 0.7 {
		t.Errorf("only %.0f %% of what %s hears are the voices", 100*clean, who)
	}
}

// TestToneMeasure tests the measure itself: without it the tests of voice could not fail.
func TestToneMeasure(t *testing.T) {
	a, b := tone(500, 44100, 0, 2*44100), tone(1300, 44100, 0, 2*44100)
	mix := make([]int16, len(a))
	for i := range mix {
		mix[i] = a[i] + b[i]
	}
	if !hears(mix, 44100, 500) || !hears(mix, 44100, 1300) || hears(mix, 44100, 800) {
		t.Error("the measure takes one voice for another")
	}
	checkMix(t, "the measure", mix, 44100, []float64{500, 1300}, []float64{800, 2100})
	shifted := make([]int16, len(mix)-1) // by one byte
	for i := range shifted {
		shifted[i] = int16(uint16(mix[i])>>8 | uint16(mix[i+1])<<8)
	}
	if clean := tonePower(shifted, 44100, 500) / meanSquare(shifted); clean > 0.1 {
		t.Errorf("slipped bytes pass for a voice: %.2f", clean)
	}
}

// writeWAV makes a mono file of 16-bit samples.
func writeWAV(t *testing.T, path string, rate int, pcm []int16) {
	t.Helper()
	b := []byte("RIFF")
	b = binary.LittleEndian.AppendUint32(b, uint32(36+2*len(pcm)))
	b = append(b, "WAVEfmt "...)
	b = binary.LittleEndian.AppendUint32(b, 16)
	b = binary.LittleEndian.AppendUint16(b, 1) // PCM
	b = binary.LittleEndian.AppendUint16(b, 1) // channels
	b = binary.LittleEndian.AppendUint32(b, uint32(rate))
	b = binary.LittleEndian.AppendUint32(b, uint32(2*rate))
	b = binary.LittleEndian.AppendUint16(b, 2)
	b = binary.LittleEndian.AppendUint16(b, 16)
	b = append(b, "data"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(2*len(pcm)))
	b, err := binary.Append(b, binary.LittleEndian, pcm)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// readWAV gives the samples of a mono file of 16-bit samples and their rate.
func readWAV(t *testing.T, path string) (pcm []int16, rate float64) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		t.Fatalf("%s is no WAV file", path)
	}
	for b = b[12:]; len(b) >= 8; {
		kind, size := string(b[:4]), int(binary.LittleEndian.Uint32(b[4:]))
		body := b[8:min(8+size, len(b))]
		switch kind {
		case "fmt ":
			if channels, bits := binary.LittleEndian.Uint16(body[2:]), binary.LittleEndian.Uint16(body[14:]); channels != 1 || bits != 16 {
				t.Fatalf("%s has %d channels of %d bits", path, channels, bits)
			}
			rate = float64(binary.LittleEndian.Uint32(body[4:]))
		case "data":
			if len(body) != size {
				t.Errorf("%s is not closed properly: %d bytes of data, the header says %d", path, len(body), size)
			}
			return samples(body), rate
		}
		b = b[min(8+size+size%2, len(b)):]
	}
	t.Fatalf("%s has no data", path)
	return nil, 0
}

// samples reads s16le.
func samples(b []byte) []int16 {
	pcm := make([]int16, len(b)/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
	}
	return pcm
}
