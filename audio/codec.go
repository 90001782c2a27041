package audio

import (
	"errors"

	"parley.lan/room"
)

// encoder and decoder are Opus as the rest of the package needs it: mono, 48 kHz, float32. libopus stands
// behind them (opus.go); tests and a node without sound put something simpler there.
type encoder interface {
	// encode turns one frame of pcm into a packet in buf and returns its length.
	encode(pcm []float32, buf []byte) (int, error)
}

type decoder interface {
	// decode returns how many samples it wrote to pcm, whose length is maxDecoded.
	decode(packet []byte, pcm []float32) (int, error)
	// conceal fills pcm, a multiple of concealStep long, with what probably would have come.
	conceal(pcm []float32) error
}

const (
	maxDecoded  = room.SampleRate * 120 / 1000 // samples in the longest packet (RFC 6716 section 3.2)
	concealStep = room.SampleRate * 25 / 10000 // 2.5 ms, the shortest frame
)

var errPacket = errors.New("not an Opus packet")

// packetSamples reads from the table of contents (RFC 6716 section 3.1) how long a packet plays, in samples
// at 48 kHz. What it refuses never reaches the decoder.
func packetSamples(packet []byte) (int, error) {
	if len(packet) == 0 || len(packet) > room.MaxOpus {
		return 0, errPacket
	}
	var frame int // samples in each of the packet's frames
	switch config := int(packet[0] >> 3); {
	case config < 12: // SILK: 10, 20, 40, 60 ms
		frame = [4]int{480, 960, 1920, 2880}[config%4]
	case config < 16: // hybrid: 10, 20 ms
		frame = [2]int{480, 960}[config%2]
	default: // CELT: 2.5, 5, 10, 20 ms
		frame = concealStep << (config % 4)
	}
	count := 2
	switch packet[0] & 3 {
	case 0:
		count = 1
	case 3:
		if len(packet) < 2 {
			return 0, errPacket
		}
		count = int(packet[1] & 63)
	}
	if n := frame * count; n > 0 && n <= maxDecoded {
		return n, nil
	}
	return 0, errPacket
}

// noCodec plays silence: enough to count by where nothing is heard.
type noCodec struct{}

func (noCodec) decode(packet []byte, pcm []float32) (int, error) {
	n, err := packetSamples(packet)
	if err != nil {
		return 0, err
	}
	clear(pcm[:n])
	return n, nil
}

func (noCodec) conceal(pcm []float32) error {
	clear(pcm)
	return nil
}
