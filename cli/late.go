package cli

import (
	"fmt"
	"time"

	"parley.lan/node"
	"parley.lan/tell"
)

const (
	// lateGap is how long a late message waits for others, so that one line can tell how many there are.
	lateGap = 300 * time.Millisecond
	// lateMost bounds those that wait.
	lateMost = 1000
)

// late holds a message that belongs before ones on the screen, from the other half of a room that was split.
func (f *lineFace) late(now time.Time, e node.Message) {
	f.lateOnes, f.lateDue = append(f.lateOnes, e), now.Add(lateGap)
	if len(f.lateOnes) == lateMost {
		f.showLate(now)
	}
}

// showLate puts the late messages on the screen: one line about all, and each with its time.
func (f *lineFace) showLate(now time.Time) {
	batch := f.lateOnes
	f.lateOnes = nil
	if len(batch) > 1 {
		first, last := batch[0].Sent, batch[0].Sent
		for _, e := range batch {
			if e.Sent.Before(first) {
				first = e.Sent
			}
			if e.Sent.After(last) {
				last = e.Sent
			}
		}
		f.note(now, "%d messages from the other half, %s", len(batch), tell.Between(first, last, now))
	}
	for _, e := range batch {
		f.said(now, e, fmt.Sprintf("[late, from %s] ", tell.Moment(e.Sent.Local(), now)))
	}
}
