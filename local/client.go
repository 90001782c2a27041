package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"parley.lan/node"
	"parley.lan/room"
)

// RefusedError is the running node's no, with what to do about it.
type RefusedError struct{ Reason, Hint string }

func (e *RefusedError) Error() string { return e.Reason }

// ErrEnded says that the node has ended, or given the connection up.
var ErrEnded = errors.New("the node has ended")

// ask sends a request and reads its answer.
func ask(dir string, r request) (*lines, answer, error) {
	conn, err := dial(dir)
	if err != nil {
		return nil, answer{}, err
	}
	c := newLines(conn, maxAnswer)
	var a answer
	_ = c.write(r) // a node that refuses may have closed already, and its answer tells why
	err = c.read(&a)
	switch {
	case errors.Is(err, io.EOF):
		err = ErrEnded
	case err == nil && !a.OK:
		err = &RefusedError{room.CleanText(a.Error), room.CleanText(a.Hint)}
	}
	if err != nil {
		c.Close()
		return nil, a, err
	}
	return c, a, nil
}

// Sound asks the node that runs with a state folder for its sound, and in which room it is.
func Sound(dir string) (roomName string, s node.Sounding, err error) {
	c, a, err := ask(dir, request{Do: doSound})
	if err != nil {
		return "", s, err
	}
	defer c.Close()
	if a.Sound == nil {
		return "", s, fmt.Errorf("the node tells nothing of its sound")
	}
	return a.Room, *a.Sound, nil
}

// Hearing is every frame that the running node hears and sends.
type Hearing struct {
	Room string
	c    *lines
}

// Hear begins to hear along. While it records, everybody is told so.
func Hear(dir string, recording bool) (*Hearing, error) {
	c, a, err := ask(dir, request{Do: doHear, Recording: recording})
	if err != nil {
		return nil, err
	}
	return &Hearing{a.Room, c}, nil
}

// Close gives up hearing; Run does it by itself.
func (h *Hearing) Close() { h.c.Close() }

// Run gives each frame to heard until ctx ends, which is no error, or the node does.
func (h *Hearing) Run(ctx context.Context, heard func(node.Heard)) error {
	defer h.c.Close()
	defer context.AfterFunc(ctx, func() { h.c.Close() })()
	for {
		var f frame
		err := h.c.read(&f)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, io.EOF):
			return ErrEnded
		case err != nil:
			return err
		}
		v, err := f.voice()
		if err != nil || f.ID == nil {
			continue
		}
		heard(node.Heard{From: node.Person{ID: *f.ID, Name: room.CleanText(f.Name)}, Frame: v, Lost: f.Lost})
	}
}

// Saying is a speech through the running node.
type Saying struct {
	Room string
	c    *lines
}

// Say begins to speak as the running node, in place of its microphone.
func Say(dir string) (*Saying, error) {
	c, a, err := ask(dir, request{Do: doSay})
	if err != nil {
		return nil, err
	}
	return &Saying{a.Room, c}, nil
}

// Send says one frame; whoever calls paces it.
func (s *Saying) Send(f room.VoiceFrame) error {
	if s.c.write(frame{
		Seq: f.Seq, Timestamp: f.Timestamp, Level: f.Level, Marker: f.Marker, PreRoll: f.PreRoll, Opus: f.Opus,
	}) != nil {
		return ErrEnded
	}
	return nil
}

// Close ends the speech and waits until the node has sent all of it.
func (s *Saying) Close() error {
	defer s.c.Close()
	if half, ok := s.c.Conn.(*net.UnixConn); ok {
		if err := half.CloseWrite(); err != nil {
			return err
		}
	}
	var a answer
	if err := s.c.read(&a); err != nil {
		return ErrEnded
	}
	if !a.OK {
		return &RefusedError{room.CleanText(a.Error), room.CleanText(a.Hint)}
	}
	return nil
}

// Did is what came of a request that takes but a moment.
type Did struct {
	Room     string
	Switches node.Switches // of Mute and PushToTalk
	ID       room.ID       // of Text
}

func did(dir string, r request) (Did, error) {
	c, a, err := ask(dir, r)
	if err != nil {
		return Did{}, err
	}
	c.Close()
	d := Did{Room: a.Room}
	if a.Switches != nil {
		d.Switches = *a.Switches
	}
	if a.ID != nil {
		d.ID = *a.ID
	}
	return d, nil
}

// Mute mutes the running node, or ends that: On, Off or Toggle.
func Mute(dir, set string) (Did, error) { return did(dir, request{Do: doMute, Set: set}) }

// PushToTalk presses and releases the running node's key to talk: On, Off or Toggle. Voice ends push-to-talk.
func PushToTalk(dir, set string) (Did, error) { return did(dir, request{Do: doPTT, Set: set}) }

// Text says text as the running node.
func Text(dir, text string) (Did, error) { return did(dir, request{Do: doText, Text: text}) }

// Quit has the running node leave its room, and waits until it has, or ctx ends.
func Quit(ctx context.Context, dir string) (Did, error) {
	a, err := Attach(dir)
	if err != nil {
		return Did{}, err
	}
	defer a.c.Close()
	d, err := did(dir, request{Do: doQuit})
	if err != nil {
		return d, err
	}
	defer context.AfterFunc(ctx, func() { a.c.Close() })()
	io.Copy(io.Discard, a.c.r) // it closes when the node has left
	return d, ctx.Err()
}
