package relay

import (
	"context"
	"errors"
	"net"
	"slices"
	"time"

	"parley.lan/room"
	"parley.lan/wire"
)

// write is the only one to write to an admitted node: the welcome, then notices and the log, together in one
// write whenever several wait. It ends when ctx does, with a goodbye.
func (c *session) write(ctx context.Context, roster []room.Member) error {
	buf := c.welcome(roster)
	var cursor uint64
	var changed <-chan struct{} // nil until the member's log has been compared
	var held []*notice          // that wait for the log
	take := func(n *notice) (last bool) {
		if n.after > cursor {
			held = append(held, n)
			return false
		}
		buf = append(buf, n.frame...)
		return n.bye
	}
	var rest catchingUp
	asked := false // the member has something that we lack: news wait until it has told, or they would overtake what it lacks of that
	for {
		err := send(c.conn, buf)
		if err != nil {
			return err
		}
		buf = buf[:0]
		last := false
		select {
		case <-ctx.Done():
			send(c.conn, mustAppend(wire.TBye, wire.Bye{Reason: "the host leaves"}))
			return ctx.Err()
		case n := <-c.member.notices:
			last = take(n)
		case p := <-c.plans:
			if p.ask != nil {
				buf = appendVector(buf, p.ask, p.floor)
			}
			if p.gift != nil {
				if buf, err = rest.begin(c.conn, buf, p.gift); err != nil {
					return err
				}
			}
			if changed == nil && !asked {
				cursor = p.from
			}
			asked = asked || len(p.ask) > 0
			if changed == nil && (!asked || p.done) {
				buf, changed = append(buf, mustAppend(wire.TSynced, struct{}{})...), closed
			}
		case <-changed:
		case <-rest.pause:
			buf = rest.more(buf)
		}
		for more := true; more && !last; {
			select {
			case n := <-c.member.notices:
				last = take(n)
			default:
				more = false
			}
		}
		if last {
			return errors.Join(send(c.conn, buf), errors.New("sent away"))
		}
		if changed == nil {
			continue
		}
		got, next, wait, ok := c.s.cfg.Log.After(cursor, batch)
		if !ok {
			return errors.New("fell behind the log")
		}
		if cursor, changed = next, wait; len(got) == batch {
			changed = closed // more may wait already
		}
		buf = appendArrivals(buf, got)
		for len(held) > 0 && held[0].after <= cursor {
			buf, held = append(buf, held[0].frame...), held[1:]
		}
		if rest.sent += uint64(len(got)); len(rest.gifts) == 0 && len(c.plans) == 0 { // nothing but news is to come
			c.receipt.sent(rest.sent, cursor)
			c.settle()
		}
	}
}

// closed is a channel on which nobody waits.
var closed = func() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

func (c *session) welcome(roster []room.Member) []byte {
	first := roster[:min(len(roster), welcomeSize)]
	reign := c.s.Reign()
	w := wire.Welcome{
		Epoch: reign.Epoch, Host: reign.Host[:], Forced: c.s.cfg.Forced,
		VoicePort: c.s.cfg.Ports.VoicePort(), Digest: c.digest, Heirs: c.s.succession(),
	}
	if c.voice != nil {
		w.Session = c.voice.id
	}
	if c.path != nil {
		w.Session, w.Clock = c.path.id, time.Now().UnixMilli()
	}
	for _, m := range first {
		w.Members = append(w.Members, wire.FromMember(m))
	}
	buf := mustAppend(wire.TWelcome, w)
	for _, m := range roster[len(first):] {
		buf = append(buf, joinedNotice(m).frame...)
	}
	return buf
}

func send(conn net.Conn, b []byte) error {
	if len(b) == 0 {
		return nil
	}
	conn.SetWriteDeadline(time.Now().Add(writeTime))
	_, err := conn.Write(b)
	return err
}

// sendEntries sends buf and then the messages a batch at a time: the whole of a log may be more than goes out in
// writeTime, or than should stand in memory once for every newcomer. The returned buffer holds what is left to send.
func sendEntries(conn net.Conn, buf []byte, entries []*room.Entry) ([]byte, error) {
	for part := range slices.Chunk(entries, batch) {
		if err := send(conn, buf); err != nil {
			return nil, err
		}
		buf = appendEntries(buf[:0], part, false)
	}
	return buf, nil
}

// closeSoon closes conn a moment after ctx ends, when a goodbye has gone out or won't: a peer that takes nothing must
// not hold up the end for as long as a write may last.
func closeSoon(ctx context.Context, conn net.Conn) (stop func() bool) {
	return context.AfterFunc(ctx, func() { time.AfterFunc(byeTime, func() { conn.Close() }) })
}
