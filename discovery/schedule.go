package discovery

import "time"

// backoff is when to ask: at once, then ever more rarely.
type backoff struct {
	gaps   []time.Duration // the first ones; later ones double
	max    time.Duration
	next   time.Time // zero: never
	last   time.Time
	rounds int // asked since the reset
}

// reset asks anew, at once unless the last question is fresher than minSeekGap.
func (b *backoff) reset(now time.Time) {
	b.rounds = 0
	b.next = now
	if t := b.last.Add(minSeekGap); !b.last.IsZero() && t.After(now) {
		b.next = t
	}
}

// due tells whether to ask now, and in which round, from 0 on. It counts as asked.
func (b *backoff) due(now time.Time) (round int, ok bool) {
	if b.next.IsZero() || now.Before(b.next) {
		return 0, false
	}
	round = b.rounds
	b.last, b.next = now, now.Add(b.gap(round))
	b.rounds++
	return round, true
}

func (b *backoff) gap(round int) time.Duration {
	if round < len(b.gaps) {
		return b.gaps[round]
	}
	gap := b.gaps[len(b.gaps)-1]
	for range round - len(b.gaps) + 1 {
		if gap *= 2; gap >= b.max {
			return b.max
		}
	}
	return gap
}

// burst is when to announce: at once after a change, then twice more, then every so often (every 0: no more).
type burst struct {
	every time.Duration
	next  time.Time // zero: never
	last  time.Time
	sent  int
}

func (b *burst) start(now time.Time) {
	b.sent = 0
	b.next = now
	if t := b.last.Add(minAnnounceGap); !b.last.IsZero() && t.After(now) {
		b.next = t
	}
}

func (b *burst) due(now time.Time) bool {
	if b.next.IsZero() || now.Before(b.next) {
		return false
	}
	b.last = now
	switch {
	case b.sent < len(announceGaps) && (b.every == 0 || announceGaps[b.sent] < b.every):
		b.next = now.Add(announceGaps[b.sent])
	case b.every > 0:
		b.next = now.Add(b.every)
	default:
		b.next = time.Time{}
	}
	b.sent++
	return true
}

// earliest is the first of the times that are set; zero when none is.
func earliest(times ...time.Time) time.Time {
	var e time.Time
	for _, t := range times {
		if !t.IsZero() && (e.IsZero() || t.Before(e)) {
			e = t
		}
	}
	return e
}
