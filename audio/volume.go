package audio

import (
	"math"
	"slices"
)

// How loud a listener may make a voice, in dB over what levelling gives. At volumeSilent or less it isn't heard at all.
const (
	volumeMost   = 20.0
	volumeSilent = -60.0
	gainMost     = 10   // volumeMost as a factor
	maxVolumes   = 1024 // more than a room has members
)

// SetVolume says how loud a speaker is heard, in dB, from -60 (or less: not at all) to 20. It may be said before the speaker is
// first heard, and holds until Forget. The change takes 20 ms.
func (e *Engine) SetVolume(ssrc uint32, dB float64) { e.mix.inbox.setGain(ssrc, volume(dB)) }

// volume is what dB make of a gain; what is no number changes nothing.
func volume(dB float64) float32 {
	switch {
	case math.IsNaN(dB):
		return 1
	case dB <= volumeSilent:
		return 0
	}
	return amplitude(min(dB, volumeMost))
}

// volumes are the gains wanted of speakers, whether they have been heard or not. Where there are maxVolumes, the one set longest
// ago is dropped: that speaker is as loud as the others when next heard anew.
type volumes []struct {
	ssrc uint32
	gain float32
}

func (v *volumes) set(ssrc uint32, gain float32) {
	v.forget(ssrc)
	if gain == 1 {
		return
	}
	if len(*v) == maxVolumes {
		*v = slices.Delete(*v, 0, 1)
	}
	*v = append(*v, struct {
		ssrc uint32
		gain float32
	}{ssrc, gain})
}

// of is 1 where nothing was set.
func (v volumes) of(ssrc uint32) float32 {
	for _, one := range v {
		if one.ssrc == ssrc {
			return one.gain
		}
	}
	return 1
}

func (v *volumes) forget(ssrc uint32) {
	for i, one := range *v {
		if one.ssrc == ssrc {
			*v = slices.Delete(*v, i, i+1)
			return
		}
	}
}
