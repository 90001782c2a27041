//go:build linux

package main_test

import (
	"time"
)

// record is what one run of a node told, reduced to what a change of hosts is judged by. A node that is started again
// begins another record under the same name. Records are plain values, so that what judges them can be tried on
// made-up ones.
type record struct {
	who    string
	id     string // once it is in a room
	ended  bool   // runs no more
	killed bool   // and was given no time to hand anything over

	said      []string // texts given to its input
	shown     []word   // in the order shown
	texts     map[string]string
	pending   map[string]time.Time // its own words by id: when each was taken,
	delivered map[string]time.Time // when it had its place in the room's order,
	safe      map[string]bool      // and whether it was called safe
	stays     []stay
	claims    []time.Time     // when it began to host
	roster    map[string]bool // names, by the newest events

	seen int // events taken in so far
}

// word is a message as shown.
type word struct {
	id, text string
	at       time.Time
	late     bool
}

// stay is where a node is from a moment on: with a host, or with none.
type stay struct {
	at   time.Time
	host string // id; empty while it has none
}

func newRecord(who string) *record {
	return &record{
		who: who, texts: map[string]string{}, pending: map[string]time.Time{}, delivered: map[string]time.Time{},
		safe: map[string]bool{}, roster: map[string]bool{},
	}
}

// take adds the events that are new since the last time. The events are all that the run has told.
func (r *record) take(events []event) {
	for _, e := range events[r.seen:] {
		switch b := e.Body.(type) {
		case joined:
			r.stays = append(r.stays, stay{e.Time, b.Host.ID})
			clear(r.roster)
			for _, m := range b.Members {
				r.roster[m.Name] = true
				if m.Name == r.who {
					r.id = m.ID
				}
			}
		case hosting:
			r.claims = append(r.claims, e.Time)
		case hostLost, left:
			r.stays = append(r.stays, stay{at: e.Time})
		case memberJoined:
			r.roster[b.Member.Name] = true
		case memberLeft:
			delete(r.roster, b.Member.Name)
		case message:
			r.shown = append(r.shown, word{b.ID, b.Text, e.Time, b.Late})
		case pending:
			r.pending[b.ID], r.texts[b.ID] = e.Time, b.Text
		case delivered:
			r.delivered[b.ID] = e.Time
		case safe:
			r.safe[b.ID] = true
		}
	}
	r.seen = len(events)
}

// at gives the host that the node is with at a moment, and since when.
func (r *record) at(t time.Time) stay {
	var now stay
	for _, s := range r.stays {
		if s.at.After(t) {
			break
		}
		now = s
	}
	return now
}
