package relay

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"parley.lan/room"
	"parley.lan/wire"
)

// Run follows the host until the connection ends or ctx does; then it says goodbye. It returns why:
// ErrHostLeft, ErrDropped, ErrTwin, or the network's error; nil when ctx ended. on gets the notices in order, but for
// those that say otherwise, which come from another goroutine.
func (c *Client) Run(ctx context.Context, on func(Notice)) error {
	outer := ctx
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer closeSoon(ctx, c.conn.NetConn())()
	var wg sync.WaitGroup
	heard := make(chan struct{})
	wg.Go(func() {
		err := c.write(ctx)
		select {
		case <-heard:
		case <-ctx.Done():
		case <-time.After(lastWords): // what the host said before it closed tells more than a failed write
		}
		cancel(err)
		c.Close() // ends the reader
	})
	if c.voice != nil {
		wg.Go(func() { c.hear(on) })
		wg.Go(func() { c.keepPath(ctx) })
	}
	cancel(c.read(on))
	close(heard)
	c.Close()
	wg.Wait()
	if outer.Err() != nil {
		return nil
	}
	return context.Cause(ctx)
}

// read takes the host's frames until the connection ends.
func (c *Client) read(on func(Notice)) error {
	var asked vector
	if c.sameDigest() {
		asked.whole = true
		c.sync <- asked
	} else {
		c.post(appendVector(nil, c.cfg.Log.Vector(), c.cfg.Log.Floor()))
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
			var n int
			last, n, err = readEntries(c.cfg.Room, c.cfg.Log, body)
			c.took(n)
			if last != (room.ID{}) {
				on(Arrived{last}) // also with an error: those before it are in the log
			}
		case wire.TVector:
			if err = asked.merge(body); err == nil && asked.whole {
				c.sync <- asked
			}
		case wire.TSynced:
			on(Synced{})
		case wire.TSafe:
			var w wire.Safe
			if err = wire.Decode(body, &w); err == nil {
				on(safeNotice(w))
			}
		case wire.TRaised:
			var up wire.Raised
			if err = wire.Decode(body, &up); err == nil {
				on(Raised{room.Reign{Epoch: up.Epoch, Host: c.Reign.Host}})
			}
		case wire.TVoice:
			var v wire.Voice
			if err = wire.Decode(body, &v); err == nil && c.voice != nil { // an observer has no voice
				c.packet(v.Packet, on, true)
			}
		case wire.TRedirect:
			var to Host
			if to, err = c.peer(body); err == nil {
				on(Moved{to})
			}
		case wire.TSuccession:
			var next wire.Succession
			if err = wire.Decode(body, &next); err == nil {
				on(Succession{c.hosts(next.Heirs)})
			}
		case wire.THandOver:
			on(HandOver{})
		case wire.TPing:
			var p wire.Ping
			if err = wire.Decode(body, &p); err == nil {
				c.post(mustAppend(wire.TPong, p))
			}
		case wire.TBye:
			var bye wire.Bye
			_ = wire.Decode(body, &bye) // whatever it says, it is a goodbye
			switch bye.Code {
			case wire.ByeDropped:
				return ErrDropped
			case wire.ByeTwin:
				return ErrTwin
			}
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
	begun := false
	var count <-chan time.Time // when to tell the host how much has come; nil: nothing has
	var rest catchingUp
	var buf []byte
	var err error
	for n := uint64(0); ; {
		buf = buf[:0]
		select {
		case <-ctx.Done():
			send(c.conn, mustAppend(wire.TBye, wire.Bye{Reason: "leaving"}))
			return ctx.Err()
		case b := <-c.control:
			buf = append(buf, b...)
		case asked := <-c.sync:
			if len(asked.runs) > 0 {
				a := c.cfg.Log.Compare(asked.runs, asked.floor, false)
				if len(a.Ask) > 0 {
					buf = appendVector(buf, a.Ask, c.cfg.Log.Floor())
				}
				if buf, err = rest.begin(c.conn, buf, a.Gift); err != nil {
					return err
				}
			}
			buf = append(buf, mustAppend(wire.TSynced, struct{}{})...) // before anything that is said
			changed = closed
		case <-changed:
			if c.quiet.Load() {
				changed = nil
				continue
			}
			var fresh []*room.Entry
			if begun {
				fresh, said, changed = c.cfg.Outbox.After(said)
			} else {
				fresh, said, changed = c.begin()
				begun = true
			}
			for part := range slices.Chunk(fresh, batch) {
				if err = send(c.conn, buf); err != nil {
					return err
				}
				buf = buf[:0]
				for _, e := range part {
					buf = append(buf, mustAppend(wire.TSay, wire.FromEntry(e.Stamped(room.Stamp{})))...)
				}
			}
		case <-c.fresh:
			if count == nil {
				count = time.After(haveTime)
			}
		case <-count:
			buf, count = append(buf, mustAppend(wire.THave, wire.Have{Count: c.taken.Load()})...), nil
		case <-rest.pause:
			buf = rest.more(buf)
		case <-ticker.C:
			n++
			buf = append(buf, mustAppend(wire.TPing, wire.Ping{N: n})...)
		}
		if err = send(c.conn, buf); err != nil {
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

// begin returns what is said first on a connection: one's own messages that were delivered elsewhere and are not safe
// yet, as far as the log holds them, then those that wait.
func (c *Client) begin() (fresh []*room.Entry, next uint64, changed <-chan struct{}) {
	unsafe, waiting, next, changed := c.cfg.Outbox.Begin()
	for _, id := range unsafe {
		if e := c.cfg.Log.Get(id); e != nil {
			fresh = append(fresh, e)
		}
	}
	return append(fresh, waiting...), next, changed
}

// took counts entries from the host.
func (c *Client) took(n int) {
	if n == 0 {
		return
	}
	c.taken.Add(uint64(n))
	select {
	case c.fresh <- struct{}{}:
	default:
	}
}

func safeNotice(w wire.Safe) (s Safe) {
	for _, id := range w.IDs {
		if len(id) == len(room.ID{}) {
			s.IDs = append(s.IDs, room.ID(id))
		}
	}
	return s
}
