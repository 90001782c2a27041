package audio

import "parley.lan/room"

const cleanBlock = room.BlockSamples

// cleaner makes a microphone's sound fit to be sent: high-pass, echo cancelling, suppression of noise and of the echo's
// rest, automatic gain, and the decision whether somebody speaks. It looks at nothing that is yet to come, so a block that
// goes in comes out at once. It needs no cgo.
type cleaner struct {
	low      *highPass
	echo     *echoCanceller
	suppress *suppressor
	gain     automaticGain

	estimate [cleanBlock]float32 // of the echo
	far      [cleanBlock]float32

	keepEcho, keepNoise, keepLevel bool // stages left out, to measure the others
}

func newCleaner() *cleaner {
	return &cleaner{low: newHighPass(), echo: newEchoCanceller(), suppress: newSuppressor()}
}

// process cleans mic, room.BlockSamples at 48 kHz, in place, and reports whether somebody speaks; the report may come up to
// 20 ms after the first sound. played is what the loudspeaker played meanwhile, as many samples: the echo may be 5 to
// 400 ms later, by a delay that moves slowly. nil says that nothing is played.
func (c *cleaner) process(mic, played []float32) (speech bool) {
	clean(mic, 1)
	c.low.process(mic)
	clear(c.estimate[:])
	if !c.keepEcho {
		if played != nil {
			copy(c.far[:], played)
			clean(c.far[:], 1)
			played = c.far[:]
		}
		c.echo.process(c.estimate[:], mic, played)
	}
	if c.keepNoise {
		return true
	}
	c.suppress.process(mic, c.estimate[:])
	voice := &c.suppress.voice
	if !c.keepLevel {
		sure := voice.score > voiceOpens && power(mic) > gainClear*c.suppress.loud
		c.gain.process(mic, sure, !voice.speech())
	}
	return voice.speech()
}
