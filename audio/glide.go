package audio

const glideTime = 20 * ms // over which a gain changes

// glide is a gain that changes without a click: in an even line over glideTime, however far it goes. It has one user.
type glide struct{ now, to, step float32 }

func holding(gain float32) glide { return glide{now: gain, to: gain} }

// apply multiplies interleaved samples by the gain, on its way to the one that is wanted.
func (g *glide) apply(pcm []float32, channels int, want float32) {
	if want != g.to {
		g.to, g.step = want, (want-g.now)/glideTime
	}
	if g.now == 1 && g.to == 1 {
		return
	}
	for i := 0; i+channels <= len(pcm); i += channels {
		if g.now != g.to {
			next := g.now + g.step
			if next == g.now || (g.step > 0) == (next >= g.to) {
				next = g.to
			}
			g.now = next
		}
		for k := range channels {
			pcm[i+k] *= g.now
		}
	}
}

// silent tells whether nothing is left, and nothing is to be.
func (g *glide) silent() bool { return g.now == 0 && g.to == 0 }
