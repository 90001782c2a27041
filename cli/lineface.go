package cli

import (
	"time"

	"parley.lan/node"
	"parley.lan/room"
	"parley.lan/tell"
)

const (
	// nameColumn is the width of the names, in cells; longer ones are cut there, never in /who.
	nameColumn = 12
	// pendingPatience is how long one's own message may wait before a line says so: delivery takes a hundredth of
	// a second, and who writes on should know. Before the first host a line has said what it waits for.
	pendingPatience      = 300 * time.Millisecond
	firstPendingPatience = 3 * time.Second
	// talkGap keeps talk from flooding the text: a line tells that somebody talks after this much silence of
	// theirs, and lines about talking are at least talkPause apart.
	talkGap   = time.Minute
	talkPause = 3 * time.Second
)

// lineFace shows each event as one line, for a terminal, a screen reader or a file. Nothing is ever redrawn.
type lineFace struct {
	look look
	put  func([]byte)
	*tell.Teller

	day      time.Time                 // midnight before the last line
	pending  []waiting                 // own messages on their way, oldest first
	lateOnes []node.Message            // from the other half, to be shown together
	lateDue  time.Time                 // then
	talked   map[room.NodeID]time.Time // when each member last ceased to talk
	talkLine time.Time                 // the last line about talking
}

// waiting is an own message that has no place in the room's order yet.
type waiting struct {
	pending   node.Pending
	since     time.Time
	marked    bool // a line has said that it waits
	delivered bool
}

// silent tells that no line has said yet that it waits, and that it does.
func (w waiting) silent() bool { return !w.marked && !w.delivered }

func newLineFace(l look, self func() room.NodeID, put func([]byte)) *lineFace {
	return &lineFace{
		look: l, put: put, Teller: tell.New(self),
		talked: make(map[room.NodeID]time.Time),
	}
}

func (f *lineFace) show(now time.Time, e node.Event) {
	if _, last := e.(node.Left); last {
		f.showLate(now)
	}
	f.tell(now, f.Event(now, e))
	switch e := e.(type) {
	case node.MemberLeft:
		delete(f.talked, e.Member.ID)
	case node.Message:
		f.message(now, e)
	case node.Pending:
		if e.Earlier { // it does not stand on the screen
			f.note(now, "Not delivered when you left, and sent now: %s", e.Text)
		}
		f.pending = append(f.pending, waiting{pending: e, since: now, marked: e.Earlier})
	case node.Delivered:
		f.delivered(e.ID)
	case node.Speaking:
		f.speaking(now, e)
	default:
		f.answered(now, e)
	}
}

func (f *lineFace) deadline() time.Time {
	at := f.Due()
	if len(f.lateOnes) > 0 && (at.IsZero() || f.lateDue.Before(at)) {
		at = f.lateDue
	}
	for _, w := range f.pending {
		if due := w.since.Add(f.patience()); w.silent() && (at.IsZero() || due.Before(at)) {
			at = due
		}
	}
	return at
}

func (f *lineFace) patience() time.Duration {
	if f.Host.ID.IsZero() {
		return firstPendingPatience
	}
	return pendingPatience
}

func (f *lineFace) tick(now time.Time) {
	f.tell(now, f.Tick(now))
	if len(f.lateOnes) > 0 && !now.Before(f.lateDue) {
		f.showLate(now)
	}
	for i, w := range f.pending {
		if w.silent() && now.Sub(w.since) >= f.patience() {
			f.note(now, "Not delivered yet: %s", w.pending.Text)
			f.pending[i].marked = true
		}
	}
}

func (f *lineFace) delivered(id room.ID) {
	for i, w := range f.pending {
		if w.pending.ID == id {
			f.pending[i].delivered = true
		}
	}
}

func (f *lineFace) speaking(now time.Time, e node.Speaking) {
	if e.Member.ID == f.Self() || !f.look.terminal {
		return
	}
	last, talkedBefore := f.talked[e.Member.ID]
	f.talked[e.Member.ID] = now
	if !e.On || talkedBefore && now.Sub(last) < talkGap || now.Sub(f.talkLine) < talkPause {
		return
	}
	f.talkLine = now
	f.note(now, "%s is talking", f.Label(e.Member))
}

func (f *lineFace) tell(now time.Time, lines []tell.Line) {
	for _, l := range lines {
		if l.Trouble {
			f.line(now, sgrRed, "!", l.Text)
		} else {
			f.note(now, "%s", l.Text)
		}
	}
}
