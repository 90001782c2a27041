package audio

import "math"

const (
	voiceSmooth  = 0.3  // a block, of the score
	voiceLow     = 2.5  // score that noise alone exceeds in one block of a hundred …
	voiceOpens   = 4.5  // … and never
	voiceAtOnce  = 9    // the same of one block alone
	voiceFall    = 0.93 // a block, of presence after speech: to a tenth in 160 ms
	voiceLong    = 150  // blocks, over which presence is averaged …
	voiceDoubt   = 0.95 // … to doubt it where it goes on without any pause, as speech never does
	voiceHang    = 50   // blocks that the decision stays open: 250 ms, longer than the gaps inside words
	voiceLowest  = 2    // lines of 47 Hz that are judged: from 100 Hz …
	voiceHighest = 300  // … to 14 kHz
)

// voiceActivity tells speech from noise by how far the power of each band lies above its noise (the likelihood ratio of Sohn,
// Kim and Sung, "A Statistical Model-Based Voice Activity Detection", 1999, with bands in place of lines).
type voiceActivity struct {
	score   float32 // 0 to about 3 for noise, tens and hundreds for speech
	present float32 // 0 to 1: how surely somebody speaks or has just spoken
	long    float32 // the same over seconds
	hang    int     // blocks that the decision stays open yet
}

// note takes the power of each line over its noise.
func (v *voiceActivity) note(snr []float32) {
	var sum, lines [leakBands]float32
	for k := voiceLowest; k < voiceHighest; k++ {
		sum[leakBand[k]] += snr[k]
		lines[leakBand[k]]++
	}
	score := float32(0)
	for i, n := range lines {
		if g := sum[i] / max(n, 1); g > 1 {
			score += g - 1 - float32(math.Log(float64(g)))
		}
	}
	if score > voiceAtOnce {
		v.score = max(v.score, voiceOpens)
	}
	v.score += voiceSmooth * (score - v.score)
	v.present = max(v.present*voiceFall, min(max((v.score-voiceLow)/(voiceOpens-voiceLow), 0), 1))
	v.long += (v.present - v.long) / voiceLong
	v.hang = max(v.hang-1, 0)
	if v.score > voiceOpens {
		v.hang = voiceHang
	}
}

// believed is present, but 0 where it has lasted too long for speech.
func (v *voiceActivity) believed() float32 {
	if v.long > voiceDoubt {
		return 0
	}
	return v.present
}

// speech is the decision, hang-over included.
func (v *voiceActivity) speech() bool { return v.hang > 0 }
