package room

import (
	"bytes"
	"cmp"
	"time"
)

// Stamp is a message's place in the room's total order, given by the first host that accepts it.
type Stamp struct {
	HLC  uint64 // hybrid logical clock: milliseconds since 1970 in the upper 48 bits, a counter below
	Host NodeID
	N    uint64 // counts this host's stamps
}

// IsZero tells whether no host has ordered the message yet.
func (s Stamp) IsZero() bool { return s == Stamp{} }

// Compare orders stamps: negative when s comes first.
func (s Stamp) Compare(o Stamp) int {
	return cmp.Or(cmp.Compare(s.HLC, o.HLC), bytes.Compare(s.Host[:], o.Host[:]), cmp.Compare(s.N, o.N))
}

// Time is the wall clock part of the stamp.
func (s Stamp) Time() time.Time { return time.UnixMilli(int64(s.HLC >> 16)) }

// maxAhead is how far a stamp may lie ahead of our clock and still move it: a host whose clock is wrong by
// more orders its own messages only.
const maxAhead = 24 * time.Hour

// Clock is a hybrid logical clock (Kulkarni et al., 2014): it never falls below a stamp it has seen.
type Clock struct{ last uint64 }

// Next returns a reading greater than all before and all observed.
func (c *Clock) Next(now time.Time) uint64 {
	c.last = max(c.last+1, physical(now))
	return c.last
}

// Observe takes note of a stamp given by somebody else.
func (c *Clock) Observe(hlc uint64, now time.Time) {
	if hlc <= physical(now.Add(maxAhead)) {
		c.last = max(c.last, hlc)
	}
}

func physical(t time.Time) uint64 { return uint64(max(t.UnixMilli(), 0)) << 16 }

// Reading is the least reading of a hybrid logical clock at a time; 0 for the zero time.
func Reading(t time.Time) uint64 { return physical(t) }
