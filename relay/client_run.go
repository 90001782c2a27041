package relay

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"parley.lan/room"
	"parley.lan/wire"
)

// Run follows the host until the connection ends or ctx does; then it says goodbye. It returns why:
// ErrHostLeft, a RedirectError, or the network's error; nil when ctx ended. on gets the notices in order.
func (c *Client) Run(ctx context.Context, on func(Notice)) error {
	outer := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	wg.Go(func() {
		cancel(c.write(ctx))
		c.Close() // ends the reader
	})
	if c.voice != nil {
		wg.Go(func() { c.hear() })
		wg.Go(func() { c.keepPath(ctx) })
	}
	cancel(c.read(on))
	c.Close()
	wg.Wait()
	if outer.Err() != nil {
		return nil
	}
	return context.Cause(ctx)
}

// read takes the host's frames until the connection ends.
func (c *Client) read(on func(Notice)) error {
	theirs := room.Vector{}
	if c.sameDigest() {
		c.post(mustAppend(wire.TSynced, struct{}{}))
		c.sync <- nil
	} else {
		c.post(appendVector(nil, c.cfg.Log.Vector()))
	}
	for {
		c.conn.SetReadDeadline(time.Now().Add(deadGap))
		typ, body, err := wire.Read(c.r, wire.MaxFrame)
		if err != nil {
			return fmt.Errorf("host %s: %w", c.Addr(), err)
		}
		switch typ {
		case wire.TJoined:
			var j wire.Joined
			if err = wire.Decode(body, &j); err == nil {
				if m, ok := j.Member.Room(); ok {
					on(MemberJoined{m})
				}
			}
		case wire.TLeft:
			var l wire.Left
			if err = wire.Decode(body, &l); err == nil {
				if id, ok := wire.NodeID(l.ID); ok {
					on(MemberLeft{id})
				}
			}
		case wire.TEntries:
			var last room.ID
			if last, err = readEntries(c.cfg.Room, c.cfg.Log, body); err == nil {
				on(Arrived{last})
			}
		case wire.TVector:
			var more bool
			if more, err = mergeVector(theirs, body); err == nil && !more {
				select {
				case c.sync <- theirs:
				default:
					err = errors.New("a second vector")
				}
			}
		case wire.TSynced:
			on(Synced{})
		case wire.TRaised:
			var up wire.Raised
			if err = wire.Decode(body, &up); err == nil {
				on(Raised{room.Reign{Epoch: up.Epoch, Host: c.Reign.Host}})
			}
		case wire.TVoice:
			var v wire.Voice
			if err = wire.Decode(body, &v); err == nil {
				c.packet(v.Packet)
			}
		case wire.TRedirect:
			return redirect(body)
		case wire.TBye:
			return ErrHostLeft
		}
		if err != nil {
			return fmt.Errorf("host %s, frame type %d: %w", c.Addr(), typ, err)
		}
	}
}

// write is the only one to write: control frames, what the host's log lacks, then one's own messages. Those
// wait for the exchange of logs, so that none comes before an older one of its run.
func (c *Client) write(ctx context.Context) error {
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	var said uint64             // the outbox's messages up to here have been sent on this connection
	var changed <-chan struct{} // nil until the logs have been exchanged
	var buf []byte
	for n := uint64(0); ; {
		buf = buf[:0]
		select {
		case <-ctx.Done():
			c.send(mustAppend(wire.TBye, wire.Bye{Reason: "leaving"}))
			return ctx.Err()
		case b := <-c.control:
			buf = append(buf, b...)
		case theirs := <-c.sync:
			if theirs != nil {
				missing, _ := c.cfg.Log.Missing(theirs, catchUp)
				buf = appendEntries(buf, missing)
				buf = append(buf, mustAppend(wire.TSynced, struct{}{})...)
			}
			changed = closed
		case <-changed:
			var fresh []*room.Entry
			fresh, said, changed = c.cfg.Outbox.After(said)
			for _, e := range fresh {
				buf = append(buf, mustAppend(wire.TSay, wire.FromEntry(e))...)
			}
		case <-ticker.C:
			n++
			buf = append(buf, mustAppend(wire.TPing, wire.Ping{N: n})...)
		}
		if err := c.send(buf); err != nil {
			return err
		}
	}
}

// post queues a control frame; a host that has taken nothing for so long is gone.
func (c *Client) post(b []byte) {
	select {
	case c.control <- b:
	default:
		c.conn.NetConn().Close()
	}
}

func (c *Client) send(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	c.conn.SetWriteDeadline(time.Now().Add(writeTime))
	_, err := c.conn.Write(b)
	return err
}
