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
