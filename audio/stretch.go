package audio

import "math"

// stretch plays a decoded frame a little longer or shorter without changing its pitch: it repeats or leaves
// out one stretch of the signal, chosen so that its two ends look alike, and fades from one end to the other
// (WSOLA: Verhelst and Roelands 1993, reduced to one cut). pcm's capacity must allow for growing. by is how
// many samples to add or, if negative, to leave out: never more is left out, and a little more may be added.
// Without must it is done only where the ends match well. The result is pcm or its beginning, longer or shorter than it was.
func stretch(pcm []float32, by int, must bool) []float32 {
	n := len(pcm)
	fade := min(concealStep, n/4)
	longest := n - fade
	wish := by
	if wish < 0 {
		wish = -wish
	}
	shortest := fade
	if by > 0 {
		longest = min(longest, wish+fade)
	} else {
		longest = min(longest, wish)
		if must {
			shortest = min(fade, longest)
		}
	}
	if fade == 0 || longest < shortest {
		return pcm
	}
	lag, match := bestLag(pcm, fade, shortest, longest)
	if match < 0.6 && !must {
		return pcm
	}
	if by > 0 {
		if cap(pcm) < n+lag {
			return pcm
		}
		// lag samples, then back to the beginning.
		pcm = pcm[:n+lag]
		copy(pcm[lag+fade:], pcm[fade:n])
		for i := range fade {
			w := float32(i) / float32(fade)
			pcm[lag+i] = pcm[lag+i]*(1-w) + pcm[i]*w
		}
		return pcm
	}
	for i := range fade {
		w := float32(i) / float32(fade)
		pcm[i] = pcm[i]*(1-w) + pcm[lag+i]*w
	}
	copy(pcm[fade:], pcm[lag+fade:])
	return pcm[:n-lag]
}

// bestLag finds where pcm looks most like its first fade samples, and how much so (normalised correlation).
func bestLag(pcm []float32, fade, shortest, longest int) (lag int, match float64) {
	energy := 1e-9
	for _, v := range pcm[:fade] {
		energy += float64(v) * float64(v)
	}
	lag, match = shortest, -1
	for l := shortest; l <= longest; l += 2 {
		var dot, other float32
		for i, v := range pcm[:fade] {
			w := pcm[l+i]
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
