package relay

import (
	"time"

	"parley.lan/wire"
)

// What is measured of a hop: over so long, in steps.
const (
	lossStep = 500 * time.Millisecond
	lossTime = 5 * time.Second
	lossAge  = 2 * time.Second // what a member reported longer ago says nothing of now
)

// lossMeter is the loss on a hop during the last lossTime. It is a value without a clock.
type lossMeter struct {
	past [lossTime / lossStep]wire.Tally // one a step, as a ring
	n    int                             // taken
	next time.Duration
	loss wire.Loss
}

// observe takes the tally so far, and returns the loss now.
func (m *lossMeter) observe(now time.Duration, t wire.Tally) wire.Loss {
	if now < m.next {
		return m.loss
	}
	m.next = now + lossStep
	oldest := &m.past[m.n%len(m.past)] // zero at first: since the beginning
	d := t.Sub(*oldest)
	*oldest = t
	m.n++
	m.loss = wire.LossOf(d.Rate(), d.Burst())
	return m.loss
}

// credit is how far a member's report of its loss is believed: it can't have lost much more than the beats that it does
// not answer.
type credit struct{ missed float64 } // share of the beats, smoothed

const (
	creditStep   = 1.0 / 32 // of each beat, in the smoothing
	creditMargin = 0.1      // by which datagrams between the beats may fare worse
)

// beat notes whether the last one was answered.
func (c *credit) beat(answered bool) {
	c.missed -= c.missed * creditStep
	if !answered {
		c.missed += creditStep
	}
}

func (c *credit) believe(l wire.Loss) wire.Loss {
	return wire.LossOf(min(l.Rate(), c.missed+creditMargin), l.Burst())
}

// hop is what the host knows of the way to one member and back. The loop of beats alone reads and changes it.
type hop struct {
	up     lossMeter
	credit credit
	acks   uint64 // at the last beat
	upLoss wire.Loss
}

// worst finds the largest loss, and the largest of all but that one: what each member is told is of the others.
type worst struct {
	of            *voiceSession
	first, second wire.Loss
}

func (w *worst) add(s *voiceSession, l wire.Loss) {
	switch {
	case l.Rate() > w.first.Rate():
		w.of, w.first, w.second = s, l, w.first
	case l.Rate() > w.second.Rate():
		w.second = l
	}
}

// besides is the largest loss of anybody but s.
func (w *worst) besides(s *voiceSession) wire.Loss {
	if s == w.of {
		return w.second
	}
	return w.first
}
