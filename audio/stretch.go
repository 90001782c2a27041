package audio

import "math"

const (
	stretchFade = concealStep // over which one place of the signal turns into another
	stretchMost = 15 * ms     // longest pitch period looked for
	stretchLike = 0.7         // so much must two places be alike (normalised correlation)
)

// stretch plays buf[at:] a little longer or shorter without changing its pitch: it repeats or leaves out one stretch
// of the signal, chosen so that its two ends look alike, and fades from one end to the other (WSOLA: Verhelst and Roelands 1993,
// reduced to one cut). buf[:at] is what was played before, and what is repeated comes from there; buf's capacity must allow for growing.
// by is how many samples to add or, if negative, to leave out: never more than that, and at most stretchMost. Without
// must it is done only where the ends match well. The result is the new buf[at:].
func stretch(buf []float32, at, by int, must bool) []float32 {
	pcm := buf[at:]
	n := len(pcm)
	longest := min(max(by, -by), stretchMost)
	fade := min(stretchFade, n/4)
	if must {
		fade = min(fade, longest)
	}
	if by > 0 {
		longest = min(longest, at)
	} else {
		longest = min(longest, n-fade)
	}
	if fade == 0 || longest < fade || by > 0 && cap(pcm) < n+longest {
		return pcm
	}
	if by < 0 {
		lag, match := bestLag(pcm, 0, 1, fade, longest)
		if match < stretchLike && !must {
			return pcm
		}
		cross(pcm[:fade], pcm[:fade], pcm[lag:lag+fade])
		copy(pcm[fade:], pcm[lag+fade:])
		return pcm[:n-lag]
	}
	lag, match := bestLag(buf, at, -1, fade, longest)
	if match < stretchLike && !must {
		return pcm
	}
	pcm = pcm[:n+lag]
	var first [stretchFade]float32
	copy(first[:], pcm[:fade])
	copy(pcm[lag:], pcm[:n])
	copy(pcm[:lag], buf[at-lag:at])
	cross(pcm[:fade], first[:fade], pcm[:fade])
	return pcm
}

// cross turns a into b over the length of dst.
func cross(dst, a, b []float32) {
	for i := range dst {
		w := float32(i) / float32(len(dst))
		dst[i] = a[i]*(1-w) + b[i]*w
	}
}

// bestLag finds how far from at, in direction dir, buf looks most like what follows at, and how much so (normalised
// correlation over fade samples).
func bestLag(buf []float32, at, dir, fade, longest int) (lag int, match float64) {
	x := buf[at : at+fade]
	energy := 1e-9
	for _, v := range x {
		energy += float64(v) * float64(v)
	}
	lag, match = fade, -1
	for l := fade; l <= longest; l += 2 {
		var dot, other float32
		y := buf[at+dir*l:][:len(x)]
		for i, v := range x {
			w := y[i]
			dot += v * w
			other += w * w
		}
		if m := float64(dot) / math.Sqrt(energy*(float64(other)+1e-9)); m > match {
			lag, match = l, m
		}
	}
	return lag, match
}

// join takes the step out of a signal that begins anew after its last sample was last.
func join(pcm []float32, last float32) {
	if len(pcm) == 0 {
		return
	}
	n := min(len(pcm), concealStep)
	jump := last - pcm[0]
	for i := range n {
		pcm[i] += jump * float32(n-i) / float32(n)
	}
}

// fadeOut ends a signal.
func fadeOut(pcm []float32) {
	for i := range pcm {
		pcm[i] *= float32(len(pcm)-i) / float32(len(pcm))
	}
}
