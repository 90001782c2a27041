package relay

import (
	"bytes"
	"errors"
	"net"
	"os"
	"time"
	"unicode/utf8"

	"parley.lan/room"
)

// plainReader speaks with one plain client in its manner: lines, or chunks without any framing.
type plainReader struct {
	conn  net.Conn
	lines bool
	rest  []byte    // read and not yet handed out
	buf   []byte    // of read
	wrote time.Time // the last chunk
	hurry bool      // far behind the log: chunks may stick together rather than come minutes late
}

var errLong = errors.New("message too long")

// name takes the client's first words. A name that ends in a newline makes it a client of lines. errNode tells of a node
// whose ClientHello came so late that it was taken for a plain client: it comes again, and what it sent is no message.
func (p *plainReader) name() (string, error) {
	chunk, err := p.read()
	if err != nil {
		return "", err
	}
	if bytes.HasPrefix(chunk, []byte{0x16, 0x03}) {
		return "", errNode
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
		if err != nil && !long && len(p.rest) > 0 { // the last words of printf 'bob\nhi' | nc
			last := string(p.rest)
			p.rest = nil
			return last, nil
		}
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
	if !p.lines && !p.hurry {
		time.Sleep(time.Until(p.wrote.Add(chunkGap)))
		p.wrote = time.Now()
	}
	return p.write(line + p.eol())
}

// tell says the messages that are for plain clients.
func (p *plainReader) tell(got []room.Arrival) error {
	for _, a := range got {
		if line := plainLine(a); line != "" {
			if err := p.say(line); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *plainReader) notice(n *notice) error {
	switch {
	case n.joined != nil:
		return p.say(n.joined.Name + " has entered the chat room!")
	case n.said != "":
		return p.say(n.said)
	case n.left != nil:
		return p.say(n.left.Name + " has left the chat room.")
	case n.bye:
		return errors.New("the host is elsewhere")
	}
	return nil
}

func (p *plainReader) write(s string) error {
	p.conn.SetWriteDeadline(time.Now().Add(writeTime))
	_, err := p.conn.Write([]byte(s))
	return err
}
