package audio

import (
	"fmt"
	"testing"

	"parley.lan/audio/audiotest"
)

// activePower is the mean square of a voice where it is less than 30 dB below its loudest block.
func activePower(x []float64) float64 {
	loudest, total, count := 0.0, 0.0, 0
	for i := 0; i+cleanBlock <= len(x); i += cleanBlock {
		loudest = max(loudest, audiotest.Power(x[i:i+cleanBlock]))
	}
	for i := 0; i+cleanBlock <= len(x); i += cleanBlock {
		if p := audiotest.Power(x[i : i+cleanBlock]); p > loudest/1000 {
			total += p
			count++
		}
	}
	return total / float64(count)
}

// level brings a recording to a loudness as a listener's leveller does, block by block.
func levelled(x []float64) (out []float64, l *leveller) {
	l = &leveller{}
	block := make([]float32, cleanBlock)
	for i := 0; i+cleanBlock <= len(x); i += cleanBlock {
		for k := range block {
			block[k] = float32(x[i+k])
		}
		l.process(block)
		out = append(out, wide(block)...)
	}
	return out, l
}

// Talkers who arrive at levels 20 dB apart are heard alike after two seconds, when sending and when hearing.
func TestLabGain(t *testing.T) {
	voices := []string{"long-a", "long-b"}
	for _, side := range []string{"sending", "hearing"} {
		least, most, peak := 100.0, -100.0, 0.0
		for _, name := range voices {
			voice := wide(speech(t, name))[:8*48000]
			for _, level := range []float64{-33, -23, -13} {
				x := scaled(voice, level-decibels(activePower(voice)))
				x = sum(x, audiotest.White.Behind(x, 35))
				var out []float64
				if side == "sending" {
					out, _ = testCleaner(t).run(x, nil)
				} else {
					out, _ = levelled(x)
				}
				seen := decibels(activePower(out[2*48000:]))
				least, most = min(least, seen), max(most, seen)
				for _, v := range out {
					peak = max(peak, v, -v)
				}
			}
		}
		audiotest.Report(t, fmt.Sprintf("Gain, %s: talkers 20 dB apart", side), "within 4 dB, no clipping",
			"%.1f dB apart (%.1f to %.1f dBov) after 2 s, peak %.2f", most-least, least, most, peak)
		if most-least > 4 {
			t.Errorf("%s: talkers 20 dB apart are still %.1f dB apart", side, most-least)
		}
		if peak >= 1 {
			t.Errorf("%s: clips at %.2f", side, peak)
		}
	}
}

// In a pause the gain stands still, and noise alone is never made louder.
func TestGainLeavesPauses(t *testing.T) {
	voice := wide(speech(t, "long-a"))[:6*48000]
	quiet := scaled(voice, -40-decibels(activePower(voice)))
	noise := audiotest.White.Behind(quiet, 25)
	long := append(append([]float64{}, noise...), noise...)

	if _, l := levelled(long); l.gain > 0.5 {
		t.Errorf("hearing: noise alone is raised by %.1f dB", l.gain)
	}
	c := testCleaner(t)
	if c.run(long, nil); c.gain.gain > 0.5 {
		t.Errorf("sending: noise alone is raised by %.1f dB", c.gain.gain)
	}

	_, l := levelled(sum(quiet, noise))
	c.run(sum(quiet, noise), nil)
	hearing, sending := l.gain, c.gain.gain
	if hearing < 3 || sending < 3 {
		t.Errorf("a quiet talker is raised by %.1f dB when sending and %.1f dB when hearing", sending, hearing)
	}
	block := make([]float32, cleanBlock)
	for i := 0; i+cleanBlock <= len(noise); i += cleanBlock {
		for k := range block {
			block[k] = float32(noise[i+k])
		}
		l.process(block)
	}
	c.run(noise, nil)
	if l.gain > hearing+0.5 || c.gain.gain > sending+0.5 {
		t.Errorf("six seconds of noise behind the speech are raised by a further %.1f dB when sending and %.1f dB when hearing", c.gain.gain-sending, l.gain-hearing)
	}
}
