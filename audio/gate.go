package audio

// gate is voice activity by level alone, for sound that nothing cleans: a plain member's, and raw audio. Blocks quieter
// than gateLevel are no speech once gateHang has passed since the last louder one. The threshold lies far below speech and
// just above a good microphone's own noise.
type gate struct {
	hang int // samples until it closes
}

const (
	gateLevel = 60 // -dBov
	gateHang  = 500 * ms
)

// speech tells whether the next samples are to be sent.
func (g *gate) speech(pcm []float32) bool {
	if level(pcm) <= gateLevel {
		g.hang = gateHang
		return true
	}
	g.hang = max(g.hang-len(pcm), 0)
	return g.hang > 0
}
