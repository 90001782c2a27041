package audio

import "math"

// places are the gains, left and right, of a voice by its slot: the first in the middle, the others alternately to the left and
// right and ever further out, at constant power. Even the furthest is less than 7 dB quieter on the far ear, so that a
// talker is understood with either.
var places = func() (p [9][2]float32) {
	const apart = 5 * math.Pi / 180
	for i := range p {
		side := float64((i+1)/2) * apart
		if i%2 == 1 {
			side = -side
		}
		p[i] = [2]float32{float32(math.Sqrt2 * math.Cos(math.Pi/4+side)), float32(math.Sqrt2 * math.Sin(math.Pi/4+side))}
	}
	return p
}()

func place(slot int) (left, right float32) {
	p := places[slot%len(places)]
	return p[0], p[1]
}
