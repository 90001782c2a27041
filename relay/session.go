package relay

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"parley.lan/room"
	"parley.lan/wire"
)

var errSSRC = errors.New("another member has this SSRC")

// session is the server's end of a node's connection: a greeting, then a reader (here) and a writer (in
// writer.go) until one of them ends.
type session struct {
	s       *Server
	conn    *tls.Conn
	r       *bufio.Reader
	hello   wire.Hello
	member  *member
	voice   *voiceSession // nil for an observer
	path    *voiceSession // of an observer that checks whether voice would pass; nil of others
	digest  []byte        // of the log, as the welcome tells it
	end     uint64        // the cursor that belongs to it
	receipt receipt
	asked   bool      // we lack something that the member holds; the reader's
	plans   chan plan // of two: from the reader, when it knows what the member lacks
}

// plan tells the writer how to bring the member's log up to date.
type plan struct {
	ask   room.Vector // what we lack; nil when the digests were equal
	floor uint64      // up to which we have pruned
	gift  *room.Gift  // what the member lacks; nil: nothing
	from  uint64      // the cursor to follow the log from; of the first plan alone
	done  bool        // the member has told what we asked for
}

// serveNode runs one node's connection to its end. admitted is called once the node is let in.
func (s *Server) serveNode(ctx context.Context, conn net.Conn, admitted func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c := &session{s: s, conn: tls.Server(conn, s.cfg.Identity.ServerTLS()), plans: make(chan plan, 2)}
	c.member = &member{cut: func(reason string) {
		cancel(errors.New(reason))
		conn.Close()
	}}
	impatient := context.AfterFunc(ctx, func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(greetTime))
	roster, err := c.greet(ctx, admitted)
	if err != nil {
		s.Counters.GreetingsFailed.Add(1)
		s.log.Info("greeting failed", "addr", conn.RemoteAddr(), "error", err)
		return
	}
	defer c.part()
	impatient()
	conn.SetDeadline(time.Time{})
	defer closeSoon(ctx, conn)()
	admitted()
	s.log.Info("member admitted", "peer", c.member.ID, "name", c.hello.Name, "addr", conn.RemoteAddr(), "observer", c.hello.Observer)

	var wg sync.WaitGroup
	wg.Go(func() {
		cancel(c.write(ctx, roster))
		conn.Close() // ends the reader
	})
	cancel(c.read())
	wg.Wait()
	s.log.Info("member gone", "peer", c.member.ID, "name", c.hello.Name, "reason", context.Cause(ctx))
}

// drop sends away a member that gives no sign of life; the host's own can't but live.
func (c *session) drop() {
	if c.member.ID != c.s.cfg.Identity.ID {
		c.member.sendAway(wire.ByeDropped, "the host hears nothing of this member")
	}
}

func (c *session) part() {
	if c.voice != nil {
		c.s.voice.remove(c.voice)
		c.s.leave(c.member)
		return
	}
	if c.path != nil {
		c.s.voice.remove(c.path)
	}
	c.s.observe(-1)
}

// read takes the member's frames until the connection ends.
func (c *session) read() error {
	var theirs vector
	compared := false
	scratch := make([]byte, 0, 2048)
	defer c.s.safety.forget(c)
	for {
		if c.member.ID != c.s.cfg.Identity.ID { // our own client stops when we do
			c.conn.SetReadDeadline(time.Now().Add(deadGap))
		}
		typ, body, err := wire.Read(c.r, wire.MaxFrame)
		if err != nil {
			return err
		}
		switch typ {
		case wire.TSynced: // without a vector before it: the digests are equal
			if !compared {
				compared = true
				c.plans <- plan{from: c.end}
			}
			c.s.handedIn(c.member.ID)
			if c.asked {
				c.asked = false
				c.plans <- plan{done: true}
			}
			c.receipt.begin()
			c.member.notify(&notice{}) // for the writer to look where it is
		case wire.TVector:
			if err = theirs.merge(body); err == nil && theirs.whole {
				c.compare(theirs, !compared)
				if !compared {
					theirs = vector{} // another may follow, which asks for all of some runs
				}
				compared = true
			}
		case wire.TEntries:
			if c.voice == nil {
				break // an observer has no say
			}
			_, _, err = readEntries(c.s.cfg.Room, c.s.cfg.Log, body)
		case wire.TSay:
			err = c.say(body)
		case wire.THave:
			var h wire.Have
			if err = wire.Decode(body, &h); err == nil {
				c.receipt.took(h.Count)
				c.settle()
			}
		case wire.TPing:
			var p wire.Ping
			if err = wire.Decode(body, &p); err == nil {
				c.member.notify(&notice{frame: mustAppend(wire.TPong, p)})
			}
		case wire.TVoice:
			var v wire.Voice
			if err = wire.Decode(body, &v); err == nil && c.voice != nil && len(v.Packet) <= wire.MaxPacket {
				c.s.voice.tunnelled(c.voice, v.Packet, scratch)
			}
		case wire.TState:
			var st wire.State
			if err = wire.Decode(body, &st); err == nil && c.voice != nil {
				c.s.setState(c.member, st.Room())
				time.Sleep(stateRest)
			}
		case wire.TRename:
			var r wire.Rename
			if err = wire.Decode(body, &r); err == nil && c.voice != nil {
				if err = room.CheckName(r.Name); err == nil {
					c.s.rename(c.member, r.Name)
				}
			}
		case wire.TSaw, wire.TMoved, wire.TReady:
			if c.voice != nil {
				err = c.elects(typ, body)
			}
		case wire.TBye:
			return errors.New("left")
		}
		if err != nil {
			return fmt.Errorf("frame type %d: %w", typ, err)
		}
	}
}

// compare plans what to give for a vector, the opening one or the one after it.
func (c *session) compare(theirs vector, opening bool) {
	log := c.s.cfg.Log
	a := log.Compare(theirs.runs, theirs.floor, opening)
	p := plan{gift: a.Gift, from: a.End}
	if opening {
		p.ask, p.floor = a.Ask, log.Floor()
		c.asked = len(a.Ask) > 0
	}
	c.plans <- p
}

// say orders the member's own fresh message.
func (c *session) say(body []byte) error {
	var w wire.Entry
	if err := wire.Decode(body, &w); err != nil {
		return err
	}
	e, err := room.OpenEntry(c.s.cfg.Room, w.Body, w.Sig)
	if err != nil {
		return err
	}
	if e.Author != c.member.ID || e.Msg.Kind == room.Plain || c.voice == nil {
		return errors.New("a member speaks as itself only")
	}
	switch err := c.s.say(e); {
	case errors.Is(err, errElsewhere):
		return nil // its author says it again to the host that prevails
	case err != nil:
		return err
	}
	c.s.safety.said(e, c.s.cfg.Log)
	return nil
}

// settle passes on what the member has told that it holds.
func (c *session) settle() {
	if cursor, ok := c.receipt.settle(); ok && c.voice != nil {
		c.s.safety.holds(c, cursor)
		c.s.tellSafe()
	}
}

// tunnel carries a voice packet where UDP does not pass. It never waits, and leaves room for notices.
func (c *session) tunnel(packet []byte) bool {
	if len(c.member.notices) > maxNotices/2 {
		return false
	}
	return c.member.notify(&notice{frame: mustAppend(wire.TVoice, wire.Voice{Packet: packet})})
}
