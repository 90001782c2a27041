package relay

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"parley.lan/identity"
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
	digest  []byte        // of the log, as the welcome tells it
	end     uint64        // the cursor that belongs to it
	receipt receipt
	plans   chan plan // of two: from the reader, when it knows what the member lacks
}

// plan tells the writer how to bring the member's log up to date.
type plan struct {
	ask   room.Vector // what we lack; nil when the digests were equal
	floor uint64      // up to which we have pruned
	gift  *room.Gift  // what the member lacks; nil: nothing
	from  uint64      // the cursor to follow the log from; of the first plan alone
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
	s.log.Info("member admitted", "peer", c.member.ID, "name", c.member.Name, "addr", conn.RemoteAddr(), "observer", c.hello.Observer)

	var wg sync.WaitGroup
	wg.Go(func() {
		cancel(c.write(ctx, roster))
		conn.Close() // ends the reader
	})
	cancel(c.read())
	wg.Wait()
	s.log.Info("member gone", "peer", c.member.ID, "name", c.member.Name, "reason", context.Cause(ctx))
}

// greet takes the hello and admits the member, or refuses it. On success the member is in the roster. A member of
// the room that we stand by for may take its time: it keeps the connection for when we host, and counts as admitted.
func (c *session) greet(ctx context.Context, admitted func()) ([]room.Member, error) {
	if err := c.conn.Handshake(); err != nil {
		return nil, err
	}
	id, key, err := identity.PeerOf(c.conn.ConnectionState())
	if err != nil {
		return nil, err
	}
	c.r = bufio.NewReaderSize(c.conn, 16<<10) // not before: most strangers don't come so far
	if c.keepWarm(id) {
		defer c.cool(id)
		admitted()
	}
	typ, body, err := wire.Read(c.r, wire.MaxGreeting)
	if err != nil {
		return nil, err
	}
	if typ == wire.TProbe {
		return nil, c.probed(id, body)
	}
	h := &c.hello
	if typ != wire.THello || wire.Decode(body, h) != nil {
		return nil, c.refuse(wire.RefusedHello, "the greeting made no sense")
	}
	switch {
	case h.Proto != wire.Version:
		return nil, c.refuse(wire.RefusedProto, fmt.Sprintf("this room speaks version %d of the protocol, not %d", wire.Version, h.Proto))
	case h.Room != c.s.cfg.Room:
		return nil, c.refuse(wire.RefusedRoom, fmt.Sprintf("the room here is %q", c.s.cfg.Room))
	case room.CheckName(h.Name) != nil:
		return nil, c.refuse(wire.RefusedHello, "the greeting holds a bad name")
	case id == c.s.cfg.Identity.ID && h.Run != c.s.cfg.Run && !h.Observer:
		return nil, c.refuse(wire.RefusedTwin, "the host itself has this key: one of the two is a copy")
	}
	if to := c.elsewhere(ctx, id); to != nil {
		c.conn.Write(mustAppend(wire.TRedirect, *to))
		return nil, errors.New("sent elsewhere")
	}
	c.member.Member = room.Member{ID: id, Name: h.Name, SSRC: h.SSRC, Key: key}
	if from := remote(c.conn.NetConn()); h.Control != 0 && id != c.s.cfg.Identity.ID {
		c.member.Control = netip.AddrPortFrom(from, h.Control)
	}
	c.member.run, c.member.since, c.member.wifi, c.member.battery = h.Run, time.Now(), h.WiFi, h.Battery
	roster, err := c.admit()
	if errors.Is(err, errElsewhere) {
		c.conn.Write(mustAppend(wire.TRedirect, *c.s.redirected()))
	}
	return roster, err
}

// elsewhere tells where the node should go instead, nil for here. The fence: it must never have to follow a
// smaller reign than it did before.
func (c *session) elsewhere(ctx context.Context, id room.NodeID) *wire.Peer {
	if to := c.s.redirected(); to != nil {
		return to
	}
	if !c.s.hosts() {
		to := c.s.hint()
		return &to
	}
	was := wire.Peer{Epoch: c.hello.Epoch, Host: c.hello.Host}.Reign()
	terms := c.hello.Terms
	if c.hello.Observer || c.s.cfg.Knock == nil || terms == nil && (was.Host.IsZero() || !was.Beats(c.s.Reign())) {
		return nil
	}
	k := Knock{ID: id, Reign: was, Terms: terms}
	if terms != nil && terms.Text != 0 {
		k.Addr = netip.AddrPortFrom(remote(c.conn.NetConn()), terms.Text)
	}
	if admit, refer := c.s.cfg.Knock(ctx, k); !admit {
		return &refer
	}
	return nil
}

// admit gives the member its voice session and its line in the roster.
func (c *session) admit() (roster []room.Member, err error) {
	c.member.notices = make(chan *notice, maxNotices)
	c.digest, c.end = c.s.cfg.Log.Digest()
	if c.hello.Observer {
		if !c.s.observe(1) {
			return nil, c.refuse(wire.RefusedFull, "as many observers as it takes are here")
		}
		return nil, nil
	}
	in, out, err := identity.VoiceKeys(c.conn.ConnectionState())
	if err != nil {
		return nil, err
	}
	c.voice = &voiceSession{ssrc: c.member.SSRC, open: wire.NewOpener(in), tunnel: c.tunnel, drop: sync.OnceFunc(c.drop)}
	c.member.life = c.voice
	roster, err = c.s.join(c.member)
	switch {
	case errors.Is(err, errSSRC):
		return nil, c.refuse(wire.RefusedSSRC, err.Error())
	case errors.Is(err, errElsewhere):
		return nil, err
	case err != nil:
		return nil, c.refuse(wire.RefusedFull, err.Error())
	}
	c.s.voice.add(c.voice, out)
	return roster, nil
}

// drop sends away a member that gives no sign of life; the host's own can't but live.
func (c *session) drop() {
	if c.member.ID != c.s.cfg.Identity.ID {
		c.member.sendAway(wire.ByeDropped, "the host hears nothing of this member")
	}
}

func (c *session) refuse(code, reason string) error {
	c.conn.Write(mustAppend(wire.TRefused, wire.Refused{Code: code, Reason: reason}))
	return errors.New("refused: " + reason)
}

func (c *session) part() {
	if c.voice != nil {
		c.s.voice.remove(c.voice)
		c.s.leave(c.member)
		return
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
