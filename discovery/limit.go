package discovery

import (
	"net/netip"
	"sync"
	"time"
)

// limiter is two token buckets, of everybody and of each address: answers are sent to whoever claims to have
// asked, so there must not be many.
type limiter struct {
	mu      sync.Mutex
	all     bucket
	sources map[netip.Addr]*bucket // bounded by maxPeers; when full, unknown sources wait
}

type bucket struct {
	tokens float64
	at     time.Time
}

func (b *bucket) take(now time.Time, perSecond float64) bool {
	if b.at.IsZero() {
		b.tokens = perSecond
	} else if d := now.Sub(b.at); d > 0 {
		b.tokens = min(perSecond, b.tokens+d.Seconds()*perSecond)
	}
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// allow takes a token for an answer to from; the zero address stands for a source that isn't known.
func (l *limiter) allow(now time.Time, from netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if from.IsValid() {
		b := l.sources[from]
		if b == nil {
			if len(l.sources) >= maxPeers {
				for a, b := range l.sources {
					if now.Sub(b.at) > time.Second { // full again: as good as new
						delete(l.sources, a)
					}
				}
				if len(l.sources) >= maxPeers {
					return false
				}
			}
			if l.sources == nil {
				l.sources = make(map[netip.Addr]*bucket)
			}
			b = new(bucket)
			l.sources[from] = b
		}
		if !b.take(now, perSourceRate) {
			return false
		}
	}
	return l.all.take(now, answersPerSecond)
}
