package node

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"parley.lan/identity"
	"parley.lan/relay"
	"parley.lan/room"
)

// request is a face's wish; the loop fulfils it.
type request struct {
	do     func() (room.ID, error)
	answer chan answer
}

// words are what a face wants said.
type words struct {
	text string
	to   string // name or id of one member; empty for the room
}

type answer struct {
	id  room.ID
	err error
}

// Say sends text to the room; Pending and Delivered events carry the returned id. Errors: text empty or
// longer than room.MaxText bytes, or too many messages waiting for a host.
func (n *Node) Say(text string) (room.ID, error) { return n.speech(words{text: text}) }

// Whisper sends text to one member, named by its name or by the beginning of its id, so that only that
// member can read it.
func (n *Node) Whisper(to, text string) (room.ID, error) {
	return n.speech(words{text, to})
}

func (n *Node) speech(w words) (room.ID, error) {
	if err := room.CheckText(w.text); err != nil {
		return room.ID{}, err
	}
	return n.ask(func() (room.ID, error) { return n.say(w) })
}

// ask has the loop do something.
func (n *Node) ask(do func() (room.ID, error)) (room.ID, error) {
	r := request{do, make(chan answer, 1)}
	select {
	case n.requests <- r:
	case <-n.done:
		return room.ID{}, errLeft
	}
	select {
	case a := <-r.answer:
		return a.id, a.err
	case <-n.done:
		return room.ID{}, errLeft
	}
}

// say signs a message and puts it where every connection to a host finds it.
func (n *Node) say(w words) (room.ID, error) {
	m := room.Message{
		Room: n.cfg.Room, Run: n.run, Seq: n.seq + 1, Sent: time.Now().UnixNano(),
		Kind: room.Text, Name: n.cfg.Name, Text: w.text,
	}
	if w.to != "" {
		if err := n.seal(&m, w); err != nil {
			return room.ID{}, err
		}
	}
	e, err := room.Sign(n.id.Key, m)
	if err != nil {
		return room.ID{}, err
	}
	if err := n.outbox.Put(e); err != nil {
		return room.ID{}, err
	}
	n.seq++
	p := Pending{ID: e.ID, Text: w.text}
	if m.Kind == room.Private {
		p.To = &Person{ID: room.NodeID(m.To), Name: n.nameOf(room.NodeID(m.To))}
	}
	n.emit(p)
	return e.ID, nil
}

// seal makes m private to the member that w names.
func (n *Node) seal(m *room.Message, w words) error {
	to, err := n.find(w.to)
	if err != nil {
		return err
	}
	if to.Plain {
		return fmt.Errorf("%s came through the plain door and has no key: nothing private can be sent there", to.Name)
	}
	m.Kind, m.Text, m.To = room.Private, "", to.ID[:]
	if m.Sealed, err = identity.Seal(to, sealInfo(m), []byte(w.text)); err != nil {
		return err
	}
	m.Own, err = identity.Seal(n.self(), sealInfo(m), []byte(w.text))
	return err
}

// sealInfo binds a private text to its message.
func sealInfo(m *room.Message) []byte {
	b := binary.BigEndian.AppendUint64([]byte("parley/1 private "), m.Run)
	return append(binary.BigEndian.AppendUint64(b, m.Seq), m.To...)
}

// find looks a member up by name, or by the beginning of its id.
func (n *Node) find(who string) (room.Member, error) {
	var found []room.Member
	for _, m := range n.Members() {
		if strings.EqualFold(m.Name, who) || len(who) >= 4 && strings.HasPrefix(m.ID.String(), strings.ToLower(who)) {
			found = append(found, m)
		}
	}
	switch len(found) {
	case 0:
		return room.Member{}, fmt.Errorf("nobody here is called %q; /who lists who is here", who)
	case 1:
		return found[0], nil
	}
	return room.Member{}, fmt.Errorf("%d members are called %q: name one by the beginning of its id, such as %s", len(found), who, found[0].ID.String()[:8])
}

// show tells the face the next messages that the log has learned, up to the last that the host has told of:
// on the host itself the log is ahead of that.
func (n *Node) show() {
	got, next, _, ok := n.log.After(n.shown, showBatch)
	if !ok { // forgotten before it was shown: the face was away for 20,000 messages
		n.shown = next
		return
	}
	n.toShow = len(got) == showBatch
	for _, a := range got {
		n.shown++
		if !a.Again && !a.Past {
			if m, ok := n.message(a); ok {
				m.History = n.history
				n.reunite(a, m)
				n.emit(m)
			}
		}
		n.delivered(a.ID)
		if a.ID == n.until {
			n.toShow = false
			return
		}
	}
}

// reunite warns before the first message that the other half of a split room has said. A message that is late by less than
// it takes to miss a host was on its way while the host changed.
func (n *Node) reunite(a room.Arrival, m Message) {
	if !a.Late || m.Mine || m.History || time.Since(a.Stamp.Time()) < splitTime || time.Since(n.reunited) < reuniteTime {
		return
	}
	n.reunited = time.Now()
	n.emit(Reunited{Since: a.Stamp.Time()})
}

// delivered takes a message out of those that wait.
func (n *Node) delivered(id room.ID) {
	was, safe := n.outbox.Delivered(id)
	if was {
		n.emit(Delivered{ID: id})
	}
	if safe {
		n.emit(Safe{ID: id})
	}
}

// safe tells the face of messages that it knows to be delivered; of others when they are.
func (n *Node) safe(s relay.Safe) {
	for _, id := range s.IDs {
		if n.outbox.Safe(id) {
			n.emit(Safe{ID: id})
		}
	}
}

// message makes an event of a message, with the names and ids of the roster.
func (n *Node) message(a room.Arrival) (Message, bool) {
	m, ok := message(n.id, a)
	if ok {
		m.From.ID = n.author(a.Entry)
		if m.To != nil {
			m.To.Name = n.nameOf(m.To.ID)
		}
	}
	return m, ok
}

// message makes an event of a message; false when it is not for us.
func message(id *identity.Identity, a room.Arrival) (Message, bool) {
	m := Message{
		ID: a.ID, From: Person{a.Author, a.Msg.Name}, Text: room.CleanText(a.Msg.Text), Sent: a.Msg.SentTime(),
		Mine: a.Author == id.ID && a.Msg.Kind != room.Plain,
		Late: a.Late, Plain: a.Msg.Kind == room.Plain, Order: a.Stamp.HLC,
	}
	if a.Msg.Kind != room.Private {
		return m, true
	}
	sealed := a.Msg.Own
	if room.NodeID(a.Msg.To) == id.ID {
		sealed = a.Msg.Sealed
	} else if a.Author != id.ID {
		return m, false
	}
	text, err := id.Open(sealInfo(&a.Msg), sealed)
	if err != nil || room.CheckText(string(text)) != nil {
		return m, false
	}
	m.Text, m.Private, m.To = room.CleanText(string(text)), true, &Person{ID: room.NodeID(a.Msg.To)}
	return m, true
}

// Drain waits until everything said is delivered, or ctx ends; it returns how many messages still wait.
func (n *Node) Drain(ctx context.Context) int {
	for {
		waiting, _, changed := n.outbox.After(0)
		if len(waiting) == 0 {
			return 0
		}
		select {
		case <-changed:
		case <-n.done:
			return len(waiting)
		case <-ctx.Done():
			return len(waiting)
		}
	}
}
