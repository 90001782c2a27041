package audio

import (
	"math"
	"time"

	"parley.lan/room"
)

// plainMic is a plain member's microphone as the host has it: samples come when the network brings them, in
// chunks of any size, and are taken 10 ms at a time by the host's clock. The two clocks run apart, so the
// taker bends its rate by what steer finds.
//
// What matters is the spare: how much still waits when the next chunk comes. The least spare of some seconds is
// delay that serves nothing but later chunks than those seen, and is kept at a small reserve. So a
// client's delay is one of its own chunks and their jitter, whatever chunks it sends.
type plainMic struct {
	backlog
	flowing bool
	since   time.Time // not flowing: when the first of what waits came; zero: nothing has come
	dried   time.Time // when it last ran dry
	taken   time.Time // last take
	last    float32   // sample taken
	scratch [plainBlock]int16

	began   time.Time // when it first flowed
	window  time.Time // begin of the stretch whose least spare is sought
	low     int       // the least spare in it
	reserve int       // spare wanted
	clock   float64   // ppm by which the client's clock runs faster than the host's
	wanted  float64   // ppm more to take
	bend    float64   // the same, approached smoothly: even 100 ppm at once roughen a tone
	gaps    uint64    // times that it ran dry and went on soon
}

const (
	micHold    = room.PlainRate * 600 / 1000 // three of the original's chunks
	micKeep    = room.PlainRate * 250 / 1000 // one, and jitter
	micWindow  = 2 * time.Second             // ten of the original's chunks
	micSoon    = 500 * time.Millisecond      // a gap that is shorter was no pause
	plainMs    = room.PlainRate / 1000.0
	reserveLow = 10 * plainMs // one take
	reserveNew = 20 * plainMs
	reserveUp  = 10 * plainMs // more after each gap, and as much less in a minute
	reserveTop = 80 * plainMs
	spareMost  = 40 * plainMs // above the reserve: no bending makes up for that, it is cut
	noSpare    = math.MaxInt

	// The controller's natural period: quick at first, then so slow that no jitter is heard as a wavering pitch.
	steerQuick   = 15.0 // s
	steerSlow    = 60.0 // s
	steerStep    = 0.005
	micClockMost = 600 // ppm; the cheapest crystals are within 200
)

func newPlainMic() plainMic {
	return plainMic{backlog: newBacklog(micHold, micKeep), reserve: reserveNew, low: noSpare}
}

// put takes what came at now.
func (m *plainMic) put(now time.Time, pcm []int16) {
	switch {
	case len(pcm) == 0:
		return
	case m.flowing:
		due := int(now.Sub(m.taken).Seconds() * room.PlainRate) // taken since, by a clock that didn't stand still between takes
		m.low = min(m.low, len(m.pcm)-due)
	case m.since.IsZero():
		m.since = now
	}
	before := m.dropped
	m.backlog.put(pcm)
	if m.dropped != before {
		m.look(now)
	}
}

// take fills dst, at most plainBlock samples, with what is heard from now on; silence where there is nothing.
func (m *plainMic) take(now time.Time, dst []float32) {
	m.taken = now
	begins := !m.flowing
	if begins {
		held := time.Duration(m.reserve) * time.Second / room.PlainRate
		if m.since.IsZero() || now.Sub(m.since) < held || len(m.pcm) < len(dst) {
			clear(dst)
			return
		}
		m.begin(now)
	}
	n := m.backlog.take(m.scratch[:len(dst)])
	fromInt16(dst, m.scratch[:n])
	clear(dst[n:])
	if begins {
		join(dst, 0)
	}
	if n < len(dst) {
		if n > 0 {
			m.last = dst[n-1]
		}
		join(dst[n:], m.last)
		m.flowing, m.since, m.dried = false, time.Time{}, now
		return
	}
	m.last = dst[n-1]
	m.bend += (m.wanted - m.bend) / 64
	if now.Sub(m.window) >= micWindow {
		m.steer(now)
	}
}

// begin lets it flow, with more in reserve if the last chunk came late.
func (m *plainMic) begin(now time.Time) {
	if m.began.IsZero() {
		m.began = now
	} else if m.since.Sub(m.dried) < micSoon {
		m.gaps++
		m.reserve = min(m.reserve+reserveUp, reserveTop)
	}
	m.flowing = true
	m.look(now)
}

func (m *plainMic) look(now time.Time) { m.window, m.low = now, noSpare }

// steer bends the rate by the last window's least spare: a PI controller, critically damped, whose integral is
// the difference of the clocks.
func (m *plainMic) steer(now time.Time) {
	defer m.look(now)
	over := m.low - m.reserve
	switch {
	case m.low == noSpare: // nothing came: it is about to run dry
		return
	case over > spareMost:
		m.cut(over)
		return
	}
	elapsed := now.Sub(m.window).Seconds()
	off := float64(over) / room.PlainRate
	pace := 1 / min(max(now.Sub(m.began).Seconds()/4, steerQuick), steerSlow)
	m.clock += 1e6 * pace * pace * elapsed * min(max(off, -steerStep), steerStep)
	m.clock = min(max(m.clock, -micClockMost), micClockMost)
	m.wanted = m.clock + 1e6*2*pace*off
	m.reserve = max(m.reserve-int(reserveUp*elapsed/60), reserveLow)
}
