package relay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
	"unicode/utf8"

	"parley.lan/room"
)

// plainText serves a plain text client. Whether it speaks lines or chunks shows in how it gives its name:
// see docs/protocol.md, "The plain door".
func (s *Server) plainText(ctx context.Context, c *sniffed) {
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
	c.admitted()
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

var errQuit = errors.New("quit")

// plainRead takes what the client says until it quits or vanishes.
func (s *Server) plainRead(p *plainReader, m *member) error {
	for {
		raw, err := p.next()
		switch {
		case errors.Is(err, errLong):
			answer := &notice{frame: []byte(fmt.Sprintf("That is too long and was not sent: at most %d bytes fit into one message.", room.MaxText))}
			select {
			case m.notices <- answer:
			default:
			}
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
		for _, a := range got {
			if line := plainLine(a); line != "" {
				if err := p.say(line); err != nil {
					return err
				}
			}
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
					s.plainRest(p, cursor)
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

// plainRest sends what the log has got since the cursor: the last words of one who quits are among it.
func (s *Server) plainRest(p *plainReader, cursor uint64) {
	got, _, _, _ := s.cfg.Log.After(cursor, batch)
	for _, a := range got {
		if line := plainLine(a); line != "" && p.say(line) != nil {
			return
		}
	}
}

// plainLine is what a plain client sees of a message; empty for what is not for it.
func plainLine(a room.Arrival) string {
	if a.Again || a.Msg.Kind == room.Private {
		return ""
	}
	line := room.CleanText(a.Msg.Name) + ">> " + room.CleanText(a.Msg.Text)
	if a.Late {
		return "[late " + a.Stamp.Time().Format("15:04") + "] " + line
	}
	return line
}

// plainReader speaks with one plain client in its manner: lines, or chunks without any framing.
type plainReader struct {
	conn  net.Conn
	lines bool
	rest  []byte    // read and not yet handed out
	buf   []byte    // of read
	wrote time.Time // the last chunk
}

var errLong = errors.New("message too long")

// name takes the client's first words. A name that ends in a newline makes it a client of lines.
func (p *plainReader) name() (string, error) {
	chunk, err := p.read()
	if err != nil {
		return "", err
	}
	raw, rest, lines := bytes.Cut(chunk, []byte("\n"))
	p.lines, p.rest = lines, bytes.Clone(rest)
	return room.CleanName(string(raw), "guest"), nil
}

// next returns the client's next message. errLong is not the end: what follows is fine again.
func (p *plainReader) next() (string, error) {
	if !p.lines {
		return p.chunk()
	}
	long := false
	for {
		line, rest, whole := bytes.Cut(p.rest, []byte("\n"))
		if whole {
			p.rest = rest
			if line = bytes.TrimSuffix(line, []byte("\r")); long || len(line) > room.MaxText {
				return "", errLong
			}
			return string(line), nil
		}
		if len(p.rest) > room.MaxText+1 { // and not just by a \r
			long, p.rest = true, nil
		}
		b, err := p.read()
		if err != nil {
			return "", err
		}
		p.rest = append(p.rest[:len(p.rest):len(p.rest)], b...)
	}
}

// chunk returns what one read brings. A character cut in two gets a moment for its other half to come.
func (p *plainReader) chunk() (string, error) {
	b, err := p.read()
	if err != nil || !endsWithin(b) {
		return string(b), err
	}
	first := string(b)
	p.conn.SetReadDeadline(time.Now().Add(halfTime))
	defer p.conn.SetReadDeadline(time.Time{})
	more, err := p.read()
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return "", err
	}
	return first + string(more), nil
}

// endsWithin tells whether b ends in the middle of a character of UTF-8.
func endsWithin(b []byte) bool {
	for i := 1; i <= min(utf8.UTFMax-1, len(b)); i++ {
		if tail := b[len(b)-i:]; utf8.RuneStart(tail[0]) {
			return !utf8.FullRune(tail)
		}
	}
	return false
}

// read returns what comes next, valid until the next read.
func (p *plainReader) read() ([]byte, error) {
	if p.buf == nil {
		p.buf = make([]byte, 4096)
	}
	n, err := p.conn.Read(p.buf)
	if n > 0 {
		return p.buf[:n], nil
	}
	return nil, err
}

func (p *plainReader) eol() string {
	if p.lines {
		return "\n"
	}
	return ""
}

// say writes one message. Chunks have nothing between them, so each gets a write of its own, and a moment
// in which the client can read it.
func (p *plainReader) say(line string) error {
	if !p.lines {
		time.Sleep(time.Until(p.wrote.Add(chunkGap)))
		p.wrote = time.Now()
	}
	return p.write(line + p.eol())
}

func (p *plainReader) notice(n *notice) error {
	switch {
	case n.joined != nil:
		return p.say(n.joined.Name + " has entered the chat room!")
	case n.left != nil:
		return p.say(n.left.Name + " has left the chat room.")
	case n.bye:
		return errors.New("the host is elsewhere")
	}
	return p.say(string(n.frame))
}

func (p *plainReader) write(s string) error {
	p.conn.SetWriteDeadline(time.Now().Add(writeTime))
	_, err := p.conn.Write([]byte(s))
	return err
}
