package audio

import "parley.lan/room"

// alignment gives for each captured block what was played at a constant distance before it, so that the echo canceller sees
// one delay that at most creeps. It is for one goroutine.
//
// Both rings grow as their devices' clocks run. The distance is as small as the devices' bites allow, since what is played
// must come out of it before its echo comes in. When the microphone's clock is the faster one the ring runs dry: the distance
// then grows by alignSlip at once, and not by a sample each time. When it is the slower one the ring fills: the distance
// shrinks again once alignSpare more than needed were there all the while.
type alignment struct {
	started bool
	least   int // fewest samples left in the ring by a block since blocks was 0
	blocks  int
	slips   int
}

const (
	alignSlip   = 3 * ms
	alignSpare  = 6 * ms
	alignWindow = 4 * room.SampleRate / room.BlockSamples
)

func (a *alignment) reset() { a.started = false }

// take fills dst with the next samples of played; what is missing is silence.
func (a *alignment) take(played *ring, dst []float32) {
	have := played.len()
	if !a.started {
		if have < len(dst) {
			clear(dst)
			return // nothing has been played yet
		}
		played.discard(have - len(dst))
		*a = alignment{started: true, least: len(played.buf), slips: a.slips}
		have = len(dst)
	}
	if have < len(dst) {
		n := max(0, min(have, len(dst)-alignSlip)) // keep the rest for the next block: so the distance grows
		played.take(dst[:n])
		clear(dst[n:])
		a.least, a.blocks = 0, 0
		a.slips++
		return
	}
	played.take(dst)
	a.least = min(a.least, have-len(dst))
	if a.blocks++; a.blocks == alignWindow {
		if a.least > alignSpare {
			played.discard(a.least - alignSlip)
			a.slips++
		}
		a.least, a.blocks = len(played.buf), 0
	}
}
