package audio

import (
	"context"
	"time"

	"parley.lan/room"
)

const (
	pumpEvery   = 2500 * time.Microsecond // how often the rings are looked after
	ringTime    = 500                     // ms that a ring holds
	backlogTime = 60                      // ms of captured sound waiting above which the oldest is dropped
	firstFill   = 10                      // ms put into the playout ring before the device has asked for any

	// Slack is what the playout ring holds beyond the device's largest bite: the time for the pump to be
	// scheduled in. It grows with each under-run and shrinks after a while without.
	slackMin    = 5 * ms
	slackMax    = 40 * ms
	slackStep   = 5 * ms / 2
	slackShrink = 30 * room.SampleRate
	settleTime  = room.SampleRate / 5 // after opening, under-runs tell nothing
)

// pump moves sound between the rings of whatever is open and the codec. It runs in one goroutine and owns
// everything here. While nothing is open it keeps the mixer's time by the wall clock.
type pump struct {
	engine *Engine
	send   func(packet []room.VoiceFrame)
	gate   gate

	session  *session
	up, down *resampler
	chunk    []float32 // as the microphone gave it
	voice    []float32 // resampled, not yet a whole frame
	captured time.Time // when sound was last captured
	mixed    [mixBlock]float32
	played   []float32 // resampled for the loudspeaker

	slack   int
	missing uint64
	calm    int // samples mixed since the slack last changed
	settle  int // samples to mix until under-runs count

	clock time.Time // up to where the mixer has been run while nothing is open
}

func newPump(e *Engine, send func(packet []room.VoiceFrame)) *pump {
	return &pump{engine: e, send: send, slack: slackMin}
}

func (p *pump) run(ctx context.Context) {
	tick := time.NewTicker(pumpEvery)
	defer tick.Stop()
	p.clock = time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			p.step(now)
		}
	}
}

func (p *pump) step(now time.Time) {
	if s := p.engine.session.Load(); s != p.session {
		p.adopt(s)
	}
	if p.session != nil && p.session.mic != nil {
		p.capture(now)
	}
	if p.session != nil && p.session.spk != nil {
		p.playOut()
		p.clock = now
	} else {
		p.idle(now)
	}
}

// adopt changes over to another session.
func (p *pump) adopt(s *session) {
	p.session = s
	p.voice = p.voice[:0]
	if s == nil {
		return
	}
	if s.mic != nil {
		p.up = newResampler(s.micRate, room.SampleRate)
	}
	if s.spk != nil {
		p.down = newResampler(room.SampleRate, s.spkRate)
		p.missing = s.spk.missing.Load()
		p.settle = settleTime
	}
}

// capture sends what the microphone gave.
func (p *pump) capture(now time.Time) {
	mic, rate := p.session.mic, p.session.micRate
	n := mic.len()
	if n == 0 {
		return
	}
	if n > backlogTime*rate/1000 {
		old := n - rate/100
		mic.discard(old)
		p.engine.out.skip(old * room.SampleRate / rate)
		n -= old
	} else if gap := now.Sub(p.captured); gap > stallAfter && !p.captured.IsZero() {
		p.engine.out.skip(int(gap.Milliseconds()) * ms)
	}
	p.captured = now
	p.chunk = grown(p.chunk, n)
	n = mic.take(p.chunk)
	clean(p.chunk[:n], 1)
	p.voice = p.up.process(p.voice, p.chunk[:n])
	used := 0
	for ; len(p.voice)-used >= room.BlockSamples; used += room.BlockSamples {
		block := p.voice[used : used+room.BlockSamples]
		if packet := p.engine.out.put(block, p.gate.speech(block), p.engine.muted.Load()); packet != nil {
			p.send(packet)
		}
	}
	p.voice = p.voice[:copy(p.voice, p.voice[used:])]
}

// playOut keeps the playout ring filled.
func (p *pump) playOut() {
	spk, rate := p.session.spk, p.session.spkRate
	p.adapt(spk.missing.Load())
	want := p.slack * rate / room.SampleRate
	if bite := int(spk.largest.Load()); bite > 0 {
		want += bite
	} else {
		want = firstFill * rate / 1000
	}
	want = min(want, len(spk.buf))
	for spk.len() < want {
		p.engine.mix.mix(p.mixed[:], 1)
		p.played = p.down.process(p.played[:0], p.mixed[:])
		clean(p.played, 1)
		spk.write(p.played)
		p.calm += mixBlock
		p.settle -= mixBlock
	}
}

// adapt sets the slack after missing samples in all.
func (p *pump) adapt(missing uint64) {
	switch {
	case p.settle > 0:
		p.missing = missing
	case missing != p.missing:
		p.missing = missing
		p.slack = min(p.slack+slackStep, slackMax)
		p.calm = 0
	case p.calm > slackShrink:
		p.slack = max(p.slack-slackStep, slackMin)
		p.calm = 0
	}
}

// idle mixes into the void as time goes by, so that the statistics go on.
func (p *pump) idle(now time.Time) {
	const block = time.Second * mixBlock / room.SampleRate
	if now.Sub(p.clock) > time.Second {
		p.clock = now // slept, or just begun
	}
	for now.Sub(p.clock) >= block {
		p.engine.mix.mix(p.mixed[:], 1)
		p.clock = p.clock.Add(block)
	}
}
