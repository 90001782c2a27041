package audio

import "math"

const (
	voiceLow     = 2    // score that noise alone exceeds in one block of twenty …
	voiceHigh    = 5.5  // … and hardly ever
	voiceFall    = 0.93 // a block, of presence after speech: to a tenth in 160 ms
	voiceLong    = 400  // blocks, over which presence is averaged …
	voiceDoubt   = 0.95 // … to doubt it where it goes on without any pause, as speech never does
	voiceHang    = 50   // blocks that the decision stays open: 250 ms, longer than the gaps inside words
	voiceOpens   = 6    // score that opens at once
	voiceLowest  = 2    // lines of 47 Hz that are judged: from 100 Hz …
	voiceHighest = 300  // … to 14 kHz
)

// voiceActivity tells speech from noise by how far the power of each band lies above its noise (the likelihood ratio of Sohn,
// Kim and Sung, "A Statistical Model-Based Voice Activity Detection", 1999, with bands in place of lines).
type voiceActivity struct {
	score   float32 // of the newest block: 0 to about 2 for noise, tens and hundreds for speech
	present float32 // 0 to 1: how surely somebody speaks or has just spoken
	long    float32 // the same over seconds
	high    int     // blocks in a row that were more than noise
	hang    int     // blocks that the decision stays open yet
}

// note takes the power of each line over its noise.
func (v *voiceActivity) note(snr []float32) {
	var sum, lines [leakBands]float32
	for k := voiceLowest; k < voiceHighest; k++ {
		sum[leakBand[k]] += snr[k]
		lines[leakBand[k]]++
	}
	v.score = 0
	for i, n := range lines {
		if g := sum[i] / max(n, 1); g > 1 {
			v.score += g - 1 - float32(math.Log(float64(g)))
		}
	}
	now := min(max((v.score-voiceLow)/(voiceHigh-voiceLow), 0), 1)
	v.present = max(v.present*voiceFall, now)
	v.long += (v.present - v.long) / voiceLong
	v.high++
	if v.score < voiceLow {
		v.high = 0
	}
	if v.hang > 0 {
		v.hang--
	}
	if v.score > voiceOpens || v.high >= 3 {
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
