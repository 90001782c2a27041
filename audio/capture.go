package audio

import (
	"context"
	"sync/atomic"
	"time"

	"parley.lan/room"
)

// microphone is where a device leaves what it captures. Its callback never waits, and wakes whoever waits.
type microphone struct {
	*ring
	rate    int           // Hz
	block   int           // samples that make 5 ms; 1 where that is no whole number
	latency time.Duration // from the air to the callback, as the device tells
	faults  atomic.Uint64 // times the device lost sound
	bite    atomic.Int64  // samples that it gave last
	at      atomic.Int64  // when, in ns since the beginning
	closed  atomic.Bool
	wake    chan<- struct{}
	began   time.Time
	mono    [256]float32
}

const ringTime = 500 // ms that a ring holds

func newMicrophone(rate int, wake chan<- struct{}) *microphone {
	m := &microphone{ring: newRing(ringTime * rate / 1000), rate: rate, block: 1, wake: wake, began: time.Now()}
	if blocks := room.SampleRate / room.BlockSamples; rate%blocks == 0 {
		m.block = rate / blocks
	}
	return m
}

// whole is how many samples wait, in whole blocks.
func (m *microphone) whole() int {
	n := m.len()
	return n - n%m.block
}

// hear takes interleaved samples of a device's callback; of several channels the first two are averaged.
func (m *microphone) hear(in []float32, channels int) {
	if m.closed.Load() || channels < 1 || len(in) < channels {
		return
	}
	n := len(in) / channels
	if channels == 1 {
		m.write(in)
	} else {
		for at := 0; at < n; at += len(m.mono) {
			mono := m.mono[:min(n-at, len(m.mono))]
			for i := range mono {
				mono[i] = (in[(at+i)*channels] + in[(at+i)*channels+1]) / 2
			}
			m.write(mono)
		}
	}
	m.bite.Store(int64(n))
	m.at.Store(int64(time.Since(m.began)))
	if m.whole() > 0 {
		nudge(m.wake)
	}
}

// nudge wakes whoever waits at c, a channel of one, or makes sure that it doesn't wait next time.
func nudge(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

const backlogTime = 60 // ms of captured sound waiting above which the oldest is dropped

// capturing makes packets of what the microphone hears, as soon as there are 5 ms of it. It runs in one goroutine, which
// owns everything here.
type capturing struct {
	engine *Engine
	send   func([]room.VoiceFrame)

	session *session
	up      *resampler
	chunk   []float32 // as the microphone gave it
	voice   []float32 // at 48 kHz, not yet a whole block
	last    time.Time // when sound was last captured
	echo    alignment
	clean   *cleaner // nil: raw
	gate    gate     // tells speech where there is no cleaner
	button  button
	played  [room.BlockSamples]float32
	blocks  int // since the last packet
}

func newCapturing(e *Engine, send func([]room.VoiceFrame)) *capturing {
	c := &capturing{engine: e, send: send}
	if !e.raw {
		c.clean = newCleaner() // here and not in New, which is to take no time
	}
	return c
}

// run captures whatever is open until ctx ends.
func (c *capturing) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.engine.wake:
			c.step(time.Now())
		}
	}
}

// step takes all that waits.
func (c *capturing) step(now time.Time) {
	if s := c.engine.session.Load(); s != c.session {
		c.adopt(s)
	}
	if c.session == nil || c.session.mic == nil {
		return
	}
	mic := c.session.mic
	n := mic.whole()
	if n == 0 {
		return
	}
	if n > backlogTime*mic.rate/1000 {
		old := n - mic.rate/100
		mic.discard(old)
		c.skip(old * room.SampleRate / mic.rate)
		n -= old
	} else if gap := now.Sub(c.last); gap > stallAfter && !c.last.IsZero() {
		c.skip(int(gap.Milliseconds()) * ms)
	}
	c.last = now
	c.engine.budget.waited.add(max(0, time.Since(mic.began)-time.Duration(mic.at.Load())))
	c.chunk = grown(c.chunk, n)
	n = mic.take(c.chunk)
	clean(c.chunk[:n], 1)
	c.voice = c.up.process(c.voice, c.chunk[:n])
	used := 0
	for ; len(c.voice)-used >= room.BlockSamples; used += room.BlockSamples {
		c.block(c.voice[used : used+room.BlockSamples])
	}
	c.voice = c.voice[:copy(c.voice, c.voice[used:])]
}

// skip goes on after n samples that were never captured.
func (c *capturing) skip(n int) {
	c.engine.out.skip(n)
	if test := c.engine.mix.test.Load(); test != nil {
		test.out.skip(n)
	}
	c.echo.reset()
}

// adopt changes over to another session.
func (c *capturing) adopt(s *session) {
	c.session = s
	c.voice = c.voice[:0]
	c.echo.reset()
	if s != nil && s.mic != nil {
		c.up = newResampler(s.mic.rate, room.SampleRate)
	}
}

// block cleans, encodes and sends 5 ms.
func (c *capturing) block(mic []float32) {
	e := c.engine
	began := time.Now()
	test := e.mix.test.Load()
	testing := test.going()
	before := 0.0
	if testing {
		before = power(mic)
	}
	var speech bool
	if c.clean == nil {
		speech = c.gate.speech(mic)
	} else {
		var played []float32
		if spk := c.session.spk; spk != nil {
			played = c.played[:]
			c.echo.take(spk.played, played)
		}
		speech = c.clean.process(mic, played)
		e.budget.clean.add(time.Since(began))
		began = time.Now()
	}
	loud := level(mic)
	packet := e.out.put(mic, c.talks(speech), e.Muted() || testing)
	e.loudest.note(loud, len(packet) > 0 || e.out.open)
	if testing {
		test.hear(mic, speech || e.switches.pushToTalk.Load(), before, c.clean != nil && c.clean.echo.heard())
	}
	c.blocks++
	if len(packet) == 0 {
		return
	}
	e.budget.encode.add(time.Since(began))
	e.budget.blocks.Store(int64(c.blocks))
	c.blocks = 0
	c.send(packet)
}

// talks tells whether a block is to be sent, by whether it is speech or by the button.
func (c *capturing) talks(speech bool) bool {
	e := c.engine
	if !e.switches.pushToTalk.Load() {
		c.button = button{}
		e.out.rolls(!e.raw)
		return speech
	}
	e.out.rolls(true)
	return c.button.talks(e.switches.pressed.Load(), e.Muted())
}
