package relay

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"parley.lan/room"
)

// plainText serves a plain text client. Whether it speaks lines or chunks shows in how it gives its name:
// see docs/protocol.md, "The plain door".
func (s *Server) plainText(ctx context.Context, c *sniffed) {
	named, ok := s.nameless.enter(c.Conn)
	if !ok {
		s.Counters.GreetingsRefused.Add(1)
		return
	}
	defer named()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	end := s.plainArrive(remote(c.Conn), true, func(reason string) {
		cancel(errors.New(reason))
		c.Close()
	})
	defer s.plainPart(end)

	p := &plainReader{conn: c}
	if err := p.write("Enter your name: "); err != nil {
		return
	}
	c.SetReadDeadline(time.Now().Add(nameTime))
	name, err := p.name()
	if err != nil {
		s.Counters.GreetingsFailed.Add(1)
		return
	}
	c.SetReadDeadline(time.Time{})
	_, cursor := s.cfg.Log.Digest()
	m, err := s.plainEnter(end, name)
	if err != nil {
		p.write(room.CleanText(err.Error()) + ", try again later" + p.eol())
		return
	}
	named()
	s.log.Info("plain member admitted", "name", name, "addr", c.RemoteAddr(), "lines", p.lines)
	var wg sync.WaitGroup
	wg.Go(func() {
		cancel(s.plainFollow(ctx, p, m, cursor))
		c.Close()
	})
	cancel(s.plainRead(p, m))
	wg.Wait()
	s.log.Info("plain member gone", "name", name, "reason", context.Cause(ctx))
}

var (
	errQuit = errors.New("quit")
	errNode = errors.New("a node, not a plain client")
)

// plainRead takes what the client says until it quits or vanishes.
func (s *Server) plainRead(p *plainReader, m *member) error {
	for {
		raw, err := p.next()
		switch {
		case errors.Is(err, errLong):
			answer := &notice{said: fmt.Sprintf("That is too long and was not sent: at most %d bytes fit into one message.", room.MaxText)}
			m.notify(answer)
			continue
		case err != nil:
			return err
		case raw == "{quit}":
			return errQuit
		}
		text := room.CleanText(raw)
		if room.CheckText(text) != nil {
			continue // an empty line
		}
		if err := s.sayPlain(m.Name, text); err != nil {
			return err
		}
	}
}

// plainFollow is the only one to write to an admitted plain client.
func (s *Server) plainFollow(ctx context.Context, p *plainReader, m *member, cursor uint64) error {
	if err := p.say("Welcome " + m.Name + "! Type {quit} to exit the chat room."); err != nil {
		return err
	}
	for {
		got, next, changed, ok := s.cfg.Log.After(cursor, batch)
		if !ok {
			return errors.New("fell behind the log")
		}
		cursor = next
		p.hurry = len(got) == batch
		if err := p.tell(got); err != nil {
			return err
		}
		if len(got) > 0 {
			changed = closed
		}
		var err error
		select {
		case n := <-m.notices:
			err = p.notice(n)
		default:
			select {
			case n := <-m.notices:
				err = p.notice(n)
			case <-changed:
			case <-ctx.Done():
				if errors.Is(context.Cause(ctx), errQuit) {
					rest, _, _, _ := s.cfg.Log.After(cursor, batch) // one's last words are among it
					p.tell(rest)
					p.say("{quit}")
				}
				return ctx.Err()
			}
		}
		if err != nil {
			return err
		}
	}
}

// plainLine is what a plain client sees of a message; empty for what is not for it.
func plainLine(a room.Arrival) string {
	if a.Again || a.Past || a.Msg.Kind == room.Private {
		return ""
	}
	line := room.CleanText(a.Msg.Name) + ">> " + room.CleanText(a.Msg.Text)
	if a.Late {
		return "[late " + a.Stamp.Time().Format("15:04") + "] " + line
	}
	return line
}
