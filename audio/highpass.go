package audio

import (
	"math"

	"parley.lan/room"
)

const rumble = 90 // Hz; no voice is below, but hum, wind and knocks on the table are

// highPass takes away what is below rumble, a constant above all: a Butterworth filter of second order.
type highPass struct {
	b0, b1, b2, a1, a2 float64
	x1, x2, y1, y2     float64
}

func newHighPass() *highPass {
	w := 2 * math.Pi * rumble / room.SampleRate
	alpha, cos := math.Sin(w)/math.Sqrt2, math.Cos(w)
	a0 := 1 + alpha
	return &highPass{b0: (1 + cos) / 2 / a0, b1: -(1 + cos) / a0, b2: (1 + cos) / 2 / a0, a1: -2 * cos / a0, a2: (1 - alpha) / a0}
}

func (h *highPass) process(pcm []float32) {
	for i, v := range pcm {
		x := float64(v)
		y := h.b0*x + h.b1*h.x1 + h.b2*h.x2 - h.a1*h.y1 - h.a2*h.y2
		h.x2, h.x1, h.y2, h.y1 = h.x1, x, h.y1, y
		pcm[i] = float32(y)
	}
	if math.Abs(h.y1)+math.Abs(h.y2) < 1e-20 { // numbers that small are slow to compute with
		h.y1, h.y2 = 0, 0
	}
}
