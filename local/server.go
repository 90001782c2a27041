package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"parley.lan/node"
	"parley.lan/room"
)

// Node is the running node as the socket needs it.
type Node interface {
	Overhear(recording bool) *node.Tap
	Speak() (*node.Speech, error)
	Sounding() node.Sounding
}

// Server answers on a node's control socket.
type Server struct {
	Node Node
	Room string
	Log  *slog.Logger
}

// Serve answers until ctx ends, then closes l and every connection.
func (s *Server) Serve(ctx context.Context, l net.Listener) {
	ctx, cancel := context.WithCancel(ctx)
	var serving sync.WaitGroup
	defer serving.Wait()
	defer cancel()
	defer context.AfterFunc(ctx, func() { l.Close() })()
	free := make(chan struct{}, maxConns)
	for {
		c, err := l.Accept()
		if err != nil {
			if ctx.Err() == nil && !errors.Is(err, net.ErrClosed) {
				s.Log.Warn("the control socket is closed", "error", err)
			}
			return
		}
		select {
		case free <- struct{}{}:
		default:
			newLines(c, maxLine).write(answer{Error: fmt.Sprintf("%d programs use this node's control socket already", maxConns), Hint: "end one of them"})
			c.Close()
			continue
		}
		serving.Go(func() {
			defer func() { <-free }()
			defer c.Close()
			defer context.AfterFunc(ctx, func() { c.Close() })()
			s.serve(ctx, newLines(c, maxLine))
		})
	}
}

// serve does what one connection asks for.
func (s *Server) serve(ctx context.Context, c *lines) {
	c.SetReadDeadline(time.Now().Add(requestTime))
	var r request
	if err := c.read(&r); err != nil {
		if !errors.Is(err, io.EOF) {
			c.write(answer{Error: err.Error(), Hint: "a request is one line of JSON"})
		}
		return
	}
	c.SetReadDeadline(time.Time{})
	switch r.Do {
	case doHear:
		s.hear(ctx, c, r.Recording)
	case doSay:
		s.say(c)
	case doSound:
		now := s.Node.Sounding()
		c.write(answer{OK: true, Room: s.Room, Sound: &now})
	default:
		c.write(answer{Error: fmt.Sprintf("unknown request %.40q", r.Do), Hint: "is the running node older than this command?"})
	}
}

// hear gives every frame until the other side closes the connection, or takes nothing for writeTime.
func (s *Server) hear(ctx context.Context, c *lines, recording bool) {
	tap := s.Node.Overhear(recording)
	defer tap.Close()
	if c.write(answer{OK: true, Room: s.Room}) != nil {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	defer watching.Wait()
	defer c.Close()
	defer cancel()
	watching.Go(func() {
		defer cancel()
		io.Copy(io.Discard, c.r) // until it closes: nothing more is asked
	})
	var buf [room.MaxOpus]byte
	for {
		h, err := tap.Next(ctx, &buf)
		if err != nil || c.write(heardFrame(h)) != nil {
			return
		}
	}
}

// say sends what comes until the other side ends its half, and then says that it is done.
func (s *Server) say(c *lines) {
	speech, err := s.Node.Speak()
	if err != nil {
		c.write(answer{Error: err.Error(), Hint: "wait until it has ended"})
		return
	}
	done := answer{}
	if c.write(answer{OK: true, Room: s.Room}) == nil {
		done = sayAll(c, speech)
	}
	speech.Close() // before the other side is told: it may want to speak again at once
	c.write(done)
}

// sayAll sends what comes, and gives the last answer.
func sayAll(c *lines, speech *node.Speech) answer {
	for {
		var f frame
		err := c.read(&f)
		if errors.Is(err, io.EOF) {
			return answer{OK: true}
		}
		var v room.VoiceFrame
		if err == nil {
			v, err = f.voice()
		}
		if err != nil {
			return answer{Error: err.Error()}
		}
		speech.Send([]room.VoiceFrame{v})
	}
}
