package cli

import (
	"strings"
	"time"

	"parley.lan/node"
	"parley.lan/room"
)

const (
	// nameColumn is the width of the names, in cells; longer ones are cut there, never in /who.
	nameColumn = 12
	// pendingPatience is how long one's own message may wait before a line says so: delivery takes a hundredth of
	// a second, and who writes on should know. Before the first host a line has said what it waits for.
	pendingPatience      = 300 * time.Millisecond
	firstPendingPatience = 3 * time.Second
	// hostPatience is the same for a lost host.
	hostPatience = 1500 * time.Millisecond
	// talkGap keeps talk from flooding the text: a line tells that somebody talks after this much silence of
	// theirs, and lines about talking are at least talkPause apart.
	talkGap   = time.Minute
	talkPause = 3 * time.Second
)

// lineFace shows each event as one line, for a terminal, a screen reader or a file. Nothing is ever redrawn.
type lineFace struct {
	look look
	self func() room.NodeID // it may change, as by a copied key
	put  func([]byte)

	day     time.Time // midnight before the last line
	host    node.HostInfo
	hosting node.Hosting
	members map[room.NodeID]room.Member
	audio   node.Audio

	pending  []waiting // own messages on their way, oldest first
	lost     *node.HostLost
	lostAt   time.Time
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
		look: l, self: self, put: put,
		members: make(map[room.NodeID]room.Member),
		talked:  make(map[room.NodeID]time.Time),
	}
}

func (f *lineFace) show(now time.Time, e node.Event) {
	switch e := e.(type) {
	case node.Seeking:
		f.seeking(now, e)
	case node.Hosting:
		f.hosting = e
	case node.Joined:
		f.joined(now, e)
	case node.HostLost:
		f.lost, f.lostAt = &e, now
	case node.MemberJoined:
		f.members[e.Member.ID] = e.Member
		if e.Member.ID != f.self() {
			f.note(now, "%s came in", f.label(e.Member))
		}
	case node.MemberLeft:
		f.left(now, e.Member)
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
	case node.Recording:
		f.recording(now, e)
	case node.Audio:
		f.sound(now, e)
	case node.Error:
		f.trouble(now, e)
	case node.Reunited:
		f.reunited(now, e)
	case node.Left:
		f.showLate(now)
		f.note(now, "You left") // a reason other than one's own wish is the program's last word
	default:
		f.answered(now, e)
	}
}

func (f *lineFace) deadline() time.Time {
	var at time.Time
	if f.lost != nil {
		at = f.lostAt.Add(hostPatience)
	}
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
	if f.host.ID.IsZero() {
		return firstPendingPatience
	}
	return pendingPatience
}

func (f *lineFace) tick(now time.Time) {
	if f.lost != nil && now.Sub(f.lostAt) >= hostPatience {
		f.note(now, "%s is gone%s; looking for the room again", f.hostName(), because(f.lost.Reason))
		f.lost = nil
	}
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

func (f *lineFace) seeking(now time.Time, e node.Seeking) {
	if f.host.ID.IsZero() && f.lost == nil { // afterwards the loss of the host says it
		f.note(now, "Looking for %s on this network", e.Room)
	}
}

// joined tells in one line where one is now. Being moved to another host is a line only, with who hosts now.
func (f *lineFace) joined(now time.Time, e node.Joined) {
	first, before := f.host.ID.IsZero(), f.hostName()
	wasLost := f.lost != nil
	f.lost = nil
	moved := e.Host.ID != f.host.ID
	f.host = e.Host
	f.members = make(map[room.NodeID]room.Member, len(e.Members))
	for _, m := range e.Members {
		f.members[m.ID] = m
	}
	mine := e.Host.ID == f.self()
	switch {
	case first && mine:
		f.note(now, "You are in %s and host it%s. %s", e.Room, f.address(), f.company())
	case first:
		f.note(now, "You are in %s, hosted by %s. %s", e.Room, f.hostName(), f.company())
	case !moved:
		f.note(now, "Back in %s, hosted by %s", e.Room, f.hostName())
	case mine && wasLost:
		f.note(now, "%s is gone; you host now", before)
	case wasLost:
		f.note(now, "%s is gone; %s hosts now", before, f.hostName())
	case mine:
		f.note(now, "You host now")
	default:
		f.note(now, "%s hosts now", f.hostName())
	}
}

func (f *lineFace) left(now time.Time, m room.Member) {
	label := f.label(m)
	delete(f.members, m.ID)
	delete(f.talked, m.ID)
	if m.ID != f.self() {
		f.note(now, "%s left", label)
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
	if e.Member.ID == f.self() || !f.look.terminal {
		return
	}
	last, talkedBefore := f.talked[e.Member.ID]
	f.talked[e.Member.ID] = now
	if !e.On || talkedBefore && now.Sub(last) < talkGap || now.Sub(f.talkLine) < talkPause {
		return
	}
	f.talkLine = now
	f.note(now, "%s is talking", f.label(e.Member))
}

func (f *lineFace) recording(now time.Time, e node.Recording) {
	f.members[e.Member.ID] = e.Member
	switch mine := e.Member.ID == f.self(); {
	case mine && e.On:
		f.note(now, "You are recording, and everybody sees it")
	case mine:
		f.note(now, "You no longer record")
	case e.On:
		f.note(now, "%s is recording", f.label(e.Member))
	default:
		f.note(now, "%s no longer records", f.label(e.Member))
	}
}

func (f *lineFace) sound(now time.Time, e node.Audio) {
	if e == f.audio {
		return
	}
	f.audio = e
	switch {
	case e.Error != "" && e.Input == "" && e.Output == "":
		f.note(now, "No sound, text only: %s", strings.TrimPrefix(e.Error, "no sound: "))
	case e.Error != "":
		f.note(now, "Sound: %s", e.Error)
	default:
		f.note(now, "Microphone: %s. Loudspeaker: %s.", orNone(e.Input), orNone(e.Output))
	}
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func (f *lineFace) trouble(now time.Time, e node.Error) {
	text := e.Error
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	f.line(now, sgrRed, "!", text)
}

func (f *lineFace) address() string {
	if len(f.hosting.Text) == 0 {
		return ""
	}
	return " at " + f.hosting.Text[0]
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return " (" + reason + ")"
}
