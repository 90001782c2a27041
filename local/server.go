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
	node.Face
	Watch() *node.Watch
	Overhear(recording bool) *node.Tap
	Speak() (*node.Speech, error)
}

// Server answers on a node's control socket.
type Server struct {
	Node Node
	Quit func() // has the node leave, politely; it does not wait
	Log  *slog.Logger
}

// Serve answers until ctx ends, then closes l and, within lastWords, every connection.
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
			defer context.AfterFunc(ctx, func() {
				c.SetReadDeadline(time.Unix(1, 0))              // nothing more is asked,
				time.AfterFunc(lastWords, func() { c.Close() }) // and what happened last may still be told
			})()
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
	if ctx.Err() != nil {
		return
	}
	switch r.Do {
	case doHear:
		s.hear(ctx, c, r.Recording)
	case doSay:
		s.say(c)
	case doAttach:
		s.attach(ctx, c)
	default:
		c.write(s.answer(r))
	}
}

// answer does what takes but a moment.
func (s *Server) answer(r request) answer {
	a := answer{OK: true, Room: s.Node.Place().Room}
	switch r.Do {
	case doSound:
		now := s.Node.Sounding()
		a.Sound = &now
	case doText:
		id, err := s.Node.Say(room.CleanText(r.Text))
		if err != nil {
			return answer{Error: err.Error()}
		}
		a.ID = &id
	case doMute, doPTT:
		turn := s.mute
		if r.Do == doPTT {
			turn = s.pushToTalk
		}
		if !turn(r.Set) {
			return answer{Error: fmt.Sprintf("%s can't be set to %.40q", r.Do, r.Set), Hint: "on, off or toggle"}
		}
		now := s.Node.Switches()
		a.Switches = &now
	case doQuit:
		s.Quit()
	default:
		return answer{Error: fmt.Sprintf("unknown request %.40q", r.Do), Hint: "is the running node older than this command?"}
	}
	return a
}

func (s *Server) mute(set string) bool {
	switch set {
	case On, Off:
		s.Node.SetMuted(set == On)
	case Toggle:
		s.Node.SetMuted(!s.Node.Switches().Muted)
	default:
		return false
	}
	return true
}

// pushToTalk is for a key outside of the terminal: pressed, released, or tapped to begin and to end. The first press turns
// push-to-talk on.
func (s *Server) pushToTalk(set string) bool {
	switch set {
	case On, Toggle:
		on := set == On || !s.Node.Switches().Pressed
		s.Node.SetPushToTalk(true)
		s.Node.Press(on)
	case Off:
		s.Node.Press(false)
	case Voice:
		s.Node.SetPushToTalk(false)
	default:
		return false
	}
	return true
}

// What mute and ptt can be set to; Voice, of ptt alone, goes back to sending whenever one speaks.
const (
	On     = "on"
	Off    = "off"
	Toggle = "toggle"
	Voice  = "voice"
)

// hear gives every frame until the other side closes the connection, or takes nothing for writeTime.
func (s *Server) hear(ctx context.Context, c *lines, recording bool) {
	tap := s.Node.Overhear(recording)
	defer tap.Close()
	if c.write(answer{OK: true, Room: s.Node.Place().Room}) != nil {
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
	if c.write(answer{OK: true, Room: s.Node.Place().Room}) == nil {
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
