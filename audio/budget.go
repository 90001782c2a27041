package audio

import (
	"math"
	"sync/atomic"
	"time"

	"parley.lan/room"
)

// budget is what this machine's own stages take, measured as they run.
type budget struct {
	waited meter // captured sound, until it is taken
	clean  meter
	encode meter
	mix    meter
	blocks atomic.Int64 // of 5 ms in the last packet
}

// meter is a running mean of durations over the last hundred or so. It has one writer.
type meter struct{ bits atomic.Uint64 }

func (m *meter) add(d time.Duration) {
	const weight = 1.0 / 64
	old, v := m.bits.Load(), float64(d)/float64(time.Millisecond)
	if old != 0 {
		before := math.Float64frombits(old)
		v = before + weight*(v-before)
	}
	m.bits.Store(math.Float64bits(v))
}

func (m *meter) ms() float64 { return math.Float64frombits(m.bits.Load()) }

const opusLookAhead = 2.5 // ms, in restricted low-delay mode (RFC 6716 section 2)

// Budget tells how long a voice takes through this machine, as measured lately; the network's part is for the caller to add.
func (e *Engine) Budget() room.VoiceBudget {
	var b room.VoiceBudget
	s := e.session.Load()
	if s != nil && s.mic != nil {
		bite := 1000 * float64(s.mic.bite.Load()) / float64(s.mic.rate)
		b.Capture = max(milliseconds(s.mic.latency), bite) + e.budget.waited.ms() // JACK tells no latency
		b.Frame = max(0, float64(e.budget.blocks.Load())*5-bite)
		b.Clean = e.budget.clean.ms()
		b.Encoder = opusLookAhead + e.budget.encode.ms()
	}
	if s != nil && s.spk != nil {
		b.Playout = max(milliseconds(s.spk.latency), 1000*float64(s.spk.bite.Load())/float64(s.spk.rate))
	}
	b.Decoder = e.budget.mix.ms()
	heard := e.Stats()
	for _, st := range heard {
		b.Jitter += st.DelayMS / float64(len(heard))
	}
	return b
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
