package relay

import "time"

// Durations of a voice frame, and where each begins.
const (
	frameSmall = 5 * time.Millisecond  // in a small room by wire
	frameUsual = 10 * time.Millisecond // otherwise
	frameLoad  = 20 * time.Millisecond // where packets are too many

	paceMembers = 8      // of a small room
	paceHigh    = 60_000 // deliveries a second that are many: some 100 ms a second of a good machine's core, and 5 MB/s
	paceLow     = 20_000 // few enough to give them up: shorter frames make twice as many
	busyHigh    = 0.5    // share of its time that the relay's loop works
	busyLow     = 0.15

	paceLonger  = 2 * time.Second // this long a longer frame is wanted before it comes
	paceShorter = 10 * time.Second
)

// traffic is what the frames' duration is chosen by.
type traffic struct {
	members    int
	wifi       bool    // somebody's link
	deliveries float64 // packets times listeners, a second
	busy       float64 // share of its time that the relay's loop works
}

// pace chooses the duration of everybody's voice frames. It is a value without a clock: it is asked now and then.
type pace struct {
	frame time.Duration // in force; 0 at first
	since time.Duration // since when another one is wanted
	other time.Duration // which
}

// next is the duration in force from now on.
func (p *pace) next(now time.Duration, t traffic) time.Duration {
	want := p.want(t)
	wait := paceLonger
	if want < p.frame {
		wait = paceShorter
	}
	switch {
	case p.frame == 0:
		p.frame = want
	case want == p.frame:
		p.other = 0
	case p.other == 0 || (want > p.frame) != (p.other > p.frame): // from now on in that direction
		p.other, p.since = want, now
	case now-p.since >= wait:
		p.frame, p.other = want, 0
	}
	return p.frame
}

func (p *pace) want(t traffic) time.Duration {
	switch {
	case t.deliveries > paceHigh || t.busy > busyHigh:
		return frameLoad
	case p.frame == frameLoad && (t.deliveries > paceLow || t.busy > busyLow):
		return frameLoad
	case t.wifi || t.members > paceMembers:
		return frameUsual
	}
	return frameSmall
}
