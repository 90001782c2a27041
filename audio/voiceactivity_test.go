package audio

import (
	"fmt"
	"testing"

	"parley.lan/audio/audiotest"
)

const (
	voicePreRoll = 4 // blocks that the sender keeps, and sends first when speech begins
	voiceSettles = 60
)

// whenSpoken is three sentences with two seconds of silence before, between and after, and which blocks hold speech: those
// less than 30 dB below the loudest. A pause is what is more than 300 ms after speech (the hang-over) and more than the
// pre-roll before.
func whenSpoken(t *testing.T, times int) (voice []float64, holds, pause []bool) {
	silence := make([]float64, 2*48000)
	for range times {
		for _, name := range []string{"ada", "alan", "grace"} {
			voice = append(append(voice, silence...), wide(speech(t, name))...)
		}
	}
	voice = append(voice, silence...)
	voice = voice[:len(voice)/cleanBlock*cleanBlock]
	n := len(voice) / cleanBlock
	holds, pause = make([]bool, n), make([]bool, n)
	loudest := 0.0
	for i := range n {
		loudest = max(loudest, audiotest.Power(voice[i*cleanBlock:][:cleanBlock]))
	}
	for i := range n {
		pause[i] = true
	}
	for i := range n {
		p := audiotest.Power(voice[i*cleanBlock:][:cleanBlock])
		holds[i] = p > loudest/1000
		if p > 1e-7 {
			for k := max(0, i-voicePreRoll); k < min(n, i+voiceSettles); k++ {
				pause[k] = false
			}
		}
	}
	return
}

// judge tells the share of speech that isn't sent, and that of pauses in which nothing is.
func judge(heard, holds, pause []bool) (cut, silent float64) {
	var lost, spoke, quiet, pauses int
	for i := 200; i < len(heard)-voicePreRoll; i++ {
		sent := false
		for _, h := range heard[i : i+voicePreRoll+1] {
			sent = sent || h
		}
		if holds[i] {
			spoke++
			if !sent {
				lost++
			}
		}
		if pause[i] {
			pauses++
			if !sent {
				quiet++
			}
		}
	}
	return 100 * float64(lost) / float64(spoke), 100 * float64(quiet) / float64(pauses)
}

func TestLabVoiceActivity(t *testing.T) {
	times, levels, snrs := 1, []float64{-25, 0}, []float64{10}
	if audiotest.Lab() {
		times, levels, snrs = 4, []float64{-30, -20, -10, 0}, []float64{10, 20, 40}
	}
	voice, holds, pause := whenSpoken(t, times)
	for _, kind := range []audiotest.Noise{audiotest.White, audiotest.PinkHum} {
		for _, snr := range snrs {
			for _, level := range levels {
				_, heard := testCleaner(t).run(scaled(sum(voice, kind.Behind(voice, snr)), level), nil)
				cut, silent := judge(heard, holds, pause)
				what := fmt.Sprintf("Voice activity: %v at %.0f dB, talker at %.0f dB", kind, snr, level)
				audiotest.Report(t, what, "cut < 1 %, silent > 90 %", "%.2f %% of speech cut, %.1f %% of pauses silent", cut, silent)
				if cut >= 1 || silent <= 90 {
					t.Errorf("%s: %.2f %% of speech is cut, %.1f %% of pauses silent", what, cut, silent)
				}
			}
		}
	}
}

// An echo alone opens nothing, once the canceller has known the room for some seconds.
func TestEchoIsNoVoice(t *testing.T) {
	far := wide(speech(t, "long-b"))[:10*48000]
	for _, room := range []audiotest.Room{{Decay: 0.2, Delay: 20, Level: -6}, {Decay: 0.4, Delay: 60, Level: 0}} {
		_, heard := testCleaner(t).run(room.Echo(far), far)
		open := 0
		for _, h := range heard[800:] {
			if h {
				open++
			}
		}
		if share := 100 * open / len(heard[800:]); share > 3 {
			t.Errorf("%+v: an echo is taken for speech %d %% of the time", room, share)
		}
	}
}

// The decision stays open for a quarter of a second behind the last sure sound, so that a word's faint end is sent, and over the
// gaps inside words; not for longer.
func TestVoiceHangs(t *testing.T) {
	var v voiceActivity
	loud, noise := make([]float32, noiseLines), make([]float32, noiseLines)
	for k := range loud {
		loud[k], noise[k] = 50, 1
	}
	for range 200 {
		v.note(noise)
	}
	if v.speech() {
		t.Fatal("noise is speech")
	}
	for range 20 {
		v.note(loud)
	}
	open := 0
	for ; v.speech() && open < 400; open++ {
		v.note(noise)
	}
	if took := open * 5; took < 240 || took > 350 {
		t.Errorf("open for %d ms", took)
	}
}
