package audio

import "parley.lan/room"

func (s *sender) put(block []float32, _, muted bool) []room.VoiceFrame {
	f, ok := s.next(block, muted)
	s.ts -= room.FrameSamples - room.BlockSamples
	if !ok {
		return nil
	}
	standInPacket[0] = f
	return standInPacket[:]
}

var standInPacket [1]room.VoiceFrame // for one engine at a time

func (s *sender) tune(room.VoicePath) {}

type cleaner struct{}

func newCleaner() (*cleaner, error) { return &cleaner{}, nil }

func (*cleaner) process(mic, played []float32) bool { return true }

// spread makes mono for one channel what the loudspeaker wants for several.
func spread(mix func([]float32)) func([]float32, int) {
	return func(dst []float32, channels int) {
		n := len(dst) / channels
		mix(dst[:n])
		for i := n - 1; i >= 0; i-- {
			v := dst[i]
			for c := range channels {
				dst[i*channels+c] = v
			}
		}
	}
}
