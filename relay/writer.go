package relay

import (
	"context"
	"errors"
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
	for {
		if err := c.send(buf); err != nil {
			return err
		}
		buf = buf[:0]
		last := false
		select {
		case <-ctx.Done():
			c.send(mustAppend(wire.TBye, wire.Bye{Reason: "the host leaves"}))
			return ctx.Err()
		case n := <-c.member.notices:
			buf, last = append(buf, n.frame...), n.bye
		case p := <-c.plans:
			if p.ours != nil {
				buf = appendVector(buf, p.ours)
			}
			buf = appendEntries(buf, p.missing)
			buf = append(buf, mustAppend(wire.TSynced, struct{}{})...)
			cursor, changed = p.from, closed
		case <-changed:
		}
		for more := true; more && !last; {
			select {
			case n := <-c.member.notices:
				buf, last = append(buf, n.frame...), n.bye
			default:
				more = false
			}
		}
		if last {
			return errors.Join(c.send(buf), errors.New("sent away"))
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
		VoicePort: c.s.cfg.Ports.VoicePort(), Digest: c.digest,
	}
	if c.voice != nil {
		w.Session = c.voice.id
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

func (c *session) send(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	c.conn.SetWriteDeadline(time.Now().Add(writeTime))
	_, err := c.conn.Write(b)
	return err
}
