package discovery

import (
	"slices"
	"testing"
	"time"
)

func TestBackoff(t *testing.T) {
	at := func(b backoff, n int) (out []time.Duration) {
		b.reset(t0)
		for range n {
			now := b.next
			if _, ok := b.due(now.Add(-time.Nanosecond)); ok {
				t.Fatal("due too early")
			}
			b.due(now)
			out = append(out, now.Sub(t0).Round(time.Millisecond))
		}
		return out
	}
	mdns := backoff{gaps: []time.Duration{mdnsFirstGap}, max: mdnsMaxGap}
	s := time.Second
	if got, want := at(mdns, 5), []time.Duration{0, 1 * s, 3 * s, 7 * s, 15 * s}; !slices.Equal(got, want) {
		t.Errorf("mDNS asks at %v, want %v", got, want)
	}
	if got := at(mdns, 40); got[39]-got[38] != time.Hour {
		t.Errorf("mDNS asks every %v in the end", got[39]-got[38])
	}
	got := at(backoff{gaps: beaconGaps, max: beaconMaxGap}, 9)
	want := []time.Duration{0, 300 * time.Millisecond, 700 * time.Millisecond, 1500 * time.Millisecond, 3500 * time.Millisecond,
		7500 * time.Millisecond, 15500 * time.Millisecond, 31500 * time.Millisecond, 61500 * time.Millisecond}
	if !slices.Equal(got, want) {
		t.Errorf("beacon asks at %v, want %v", got, want)
	}
	// However often the consumer seeks, there are four questions a second.
	n := 0
	for now := t0; now.Sub(t0) < time.Second; now = now.Add(time.Millisecond) {
		mdns.reset(now)
		if _, ok := mdns.due(now); ok {
			n++
		}
	}
	if n != 4 {
		t.Errorf("%d questions in a second of seeking", n)
	}
}

func TestBurst(t *testing.T) {
	b := burst{every: beaconEvery}
	b.start(t0)
	var got []time.Duration
	for range 5 {
		now := b.next
		b.due(now)
		got = append(got, now.Sub(t0))
	}
	s := time.Second
	if want := []time.Duration{0, 1 * s, 3 * s, 33 * s, 63 * s}; !slices.Equal(got, want) {
		t.Errorf("announces at %v, want %v", got, want)
	}
	b = burst{}
	b.start(t0)
	for !b.next.IsZero() {
		b.due(b.next)
	}
	if b.sent != 3 {
		t.Errorf("announced %d times", b.sent)
	}
}
