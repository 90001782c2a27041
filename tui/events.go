package tui

import (
	"cmp"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"

	"parley.lan/command"
	"parley.lan/node"
	"parley.lan/notify"
	"parley.lan/room"
	"parley.lan/tell"
)

const (
	patience   = 300 * time.Millisecond // for one's own message to be delivered, before its mark says that it waits
	lateGap    = 2 * time.Second        // late messages that come so close together are told of in one line
	clockSkew  = 2 * time.Minute        // an author's clock that is further ahead is not believed
	clockWrong = 7 * 24 * time.Hour     // nor one that is so far from the host's: a message may wait for a host, but not so long
)

// event takes one thing that happened.
func (m *Model) event(e node.Event) tea.Cmd {
	if s, ok := e.(node.Seeking); ok && m.room != "" && m.room != s.Room {
		m.enter()
	}
	for _, l := range m.teller.Event(m.now(), e) {
		if l.Trouble {
			m.note(trouble, l.Text)
		} else {
			m.note(note, l.Text)
		}
	}
	switch e := e.(type) {
	case node.Seeking:
		m.room, m.seeking, m.sought = e.Room, true, m.now()
	case node.Joined:
		m.room, m.seeking = e.Room, false
		m.people.self = m.node.ID()
		m.people.settle()
		m.listen()
	case node.HostLost:
		m.seeking, m.sought = true, m.now()
	case node.MemberJoined:
		m.listen()
	case node.MemberLeft:
		m.people.gone(e.Member.ID)
	case node.Message:
		return m.message(e)
	case node.Pending:
		m.waits(e)
	case node.Delivered:
		m.delivered(e.ID)
	case node.Speaking:
		if e.On {
			m.people.talking[e.Member.ID] = true
		} else {
			delete(m.people.talking, e.Member.ID)
			delete(m.people.levels, e.Member.ID)
		}
	case node.Voice:
		clear(m.people.quality)
		for _, q := range e.Speakers {
			m.people.quality[q.ID] = q
		}
		if e.Budget != nil {
			m.delay = e.Budget.Total
		}
	case node.Switched:
		m.switches = e.Switches
	}
	return nil
}

// delivered takes the mark from one's own message whose place isn't told.
func (m *Model) delivered(id room.ID) {
	delete(m.pending, id)
	if it := m.talk.byID[id]; it != nil && it.pending {
		placed := *it
		placed.pending, placed.slow, placed.drawn, placed.order = false, false, nil, 0
		m.talk.add(&placed)
	}
}

// enter begins anew in another room.
func (m *Model) enter() {
	m.talk = newConversation()
	m.people = newPeople(m.teller)
	m.late = lateness{}
	m.fetching = false
	clear(m.pending)
	if _, open := m.panel.(*searchPanel); open { // what it found was said elsewhere
		m.panel = nil
	}
}

// listen asks how loud each member is heard.
func (m *Model) listen() {
	if m.listening { // one who comes meanwhile is asked for afterwards
		m.listenAgain = true
		return
	}
	m.listening, m.listenAgain = true, false
	members := m.people.list()
	m.ask(func(n node.Face) tea.Msg {
		v := volumes{}
		for _, member := range members {
			if dB := n.Volume(member.ID); dB != 0 {
				v[member.ID] = command.Percent(dB)
			}
		}
		return v
	})
}

// see takes what stands at the end as seen when the person looks there.
func (m *Model) see() {
	if !m.away() && m.talk.top == nil {
		m.unseen = false
	}
}

// message puts a message in its place, and calls the person when it is for them and they don't look.
func (m *Model) message(e node.Message) tea.Cmd {
	it := m.item(e)
	delete(m.pending, e.ID)
	looked := !m.away() && m.talk.top == nil
	m.talk.add(it)
	if e.History || e.Mine {
		if e.Mine && !e.History {
			m.talk.unread = nil
		}
		return nil
	}
	if !looked && !m.unseen {
		m.talk.unread, m.unseen = it, true
	}
	if it.late {
		m.tellLate(it)
	}
	if m.away() && (it.mention || it.private) {
		return m.call(it)
	}
	return nil
}

// item makes an item of a message.
func (m *Model) item(e node.Message) *item {
	at := e.Sent.Local()
	if e.Sent.IsZero() || e.Sent.After(m.now().Add(clockSkew)) {
		at = m.now()
	}
	if ordered := (room.Stamp{HLC: e.Order}).Time().Local(); e.Order != 0 && at.Sub(ordered).Abs() > clockWrong {
		at = ordered // by the host's clock
	}
	it := itemOf(e, at)
	if self, here := m.people.Members[m.people.self]; here && !e.Mine {
		it.mention = notify.Mentions(it.text, self.Name)
	}
	return it
}

// lateness is the line that tells of late messages, while more may come.
type lateness struct {
	note     *item
	n        int
	from, to time.Time // of the messages
	last     time.Time // when one came
}

// tellLate says below that late messages have come in above.
func (m *Model) tellLate(it *item) {
	now := m.now()
	l := &m.late
	if l.note == nil || now.Sub(l.last) > lateGap {
		*l = lateness{note: m.note(note, ""), from: it.at, to: it.at}
	}
	l.n, l.last = l.n+1, now
	if it.at.Before(l.from) {
		l.from = it.at
	}
	if it.at.After(l.to) {
		l.to = it.at
	}
	l.note.text = fmt.Sprintf("%s in above, %s", tell.Plural(l.n, "late message came", "late messages came"), tell.Between(l.from, l.to, now))
	l.note.drawn = nil
}

// waits shows one's own message that has no place yet.
func (m *Model) waits(e node.Pending) {
	self := m.people.Members[m.people.self]
	self.ID = m.people.self
	self.Name = cmp.Or(self.Name, "you")
	it := &item{kind: said, at: m.now(), id: e.ID, text: room.CleanText(e.Text), mine: true, from: self, pending: true}
	if e.To != nil {
		it.private, it.to = true, room.CleanText(e.To.Name)
	}
	m.talk.add(it)
	m.pending[e.ID] = m.now()
	m.talk.unread = nil
}

// onTick does what time brings.
func (m *Model) onTick() {
	now := m.now()
	m.tapTick(now)
	if m.found != nil && now.After(m.foundEnd) {
		m.point(nil)
	}
	for _, l := range m.teller.Tick(now) {
		m.note(note, l.Text)
	}
	for id, since := range m.pending {
		if it := m.talk.byID[id]; it != nil && !it.slow && now.Sub(since) >= patience {
			it.slow, it.drawn = true, nil
		}
	}
	m.levels = m.node.Levels()
	clear(m.people.levels)
	for _, l := range m.levels.Members {
		m.people.levels[l.ID] = l.Level
	}
	if m.hint != "" && now.After(m.hintEnd) {
		m.hint = ""
	}
}

// call rings and tells the desktop.
func (m *Model) call(it *item) tea.Cmd {
	if m.notify != nil {
		m.notify(m.people.label(it.from), it.text)
	}
	if m.opts.Notify {
		return tea.Raw("\a")
	}
	return nil
}
