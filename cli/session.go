package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"parley.lan/command"
	"parley.lan/node"
	"parley.lan/tell"
)

// drainTime is how long leaving waits for what was said to be delivered, after the end of input or /quit.
const drainTime = 5 * time.Second

// A face shows events to a person or a script. It is used from one goroutine, has no clock of its own, and
// must not block.
type face interface {
	show(now time.Time, e node.Event)
	// deadline is when tick wants to be called next; zero for never.
	deadline() time.Time
	tick(now time.Time)
}

// session is one stay in a room: what is typed goes to the node, what happens there goes to the face.
type session struct {
	node  participant
	input lineReader
	face  face

	answers chan node.Event // to the face's goroutine
	undone  bool            // left before everything said was delivered
}

// run takes part until ctx ends, the input ends or the node fails.
func (s *session) run(ctx context.Context) error {
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	s.answers = make(chan node.Event)

	var wg sync.WaitGroup
	ran := make(chan error, 1)
	wg.Go(func() { ran <- s.node.Run(ctx) })
	typed := make(chan line)
	wg.Go(func() {
		s.obey(ctx, typed)
		leave()
	})
	// The one goroutine that nobody waits for: a read from standard input can't be interrupted.
	go func() {
		defer close(typed)
		for {
			text, err := s.input.ReadLine()
			select {
			case typed <- line{text, err}:
			case <-ctx.Done():
				return
			}
			if err != nil && !errors.Is(err, errLineTooLong) {
				return
			}
		}
	}()

	s.observe()
	leave()
	wg.Wait()
	if err := <-ran; err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	if s.undone {
		return errShown
	}
	return nil
}

type line struct {
	text string
	err  error
}

// observe shows what happens until the node has told everything.
func (s *session) observe() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	events := s.node.Events()
	for {
		if at := s.face.deadline(); at.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(time.Until(at))
		}
		select {
		case e, more := <-events:
			if !more {
				return
			}
			s.face.show(time.Now(), e)
		case e := <-s.answers:
			s.face.show(time.Now(), e)
		case <-timer.C:
			s.face.tick(time.Now())
		}
	}
}

// obey does what is typed until that ends, and then sees to it that everything said is delivered.
func (s *session) obey(ctx context.Context, typed <-chan line) {
	for {
		select {
		case <-ctx.Done():
			return
		case l, more := <-typed:
			if !more || l.err != nil && !errors.Is(l.err, errLineTooLong) {
				if l.err != nil && !errors.Is(l.err, io.EOF) {
					s.answer(ctx, node.Error{Error: "can't read the input: " + l.err.Error()})
				}
				s.drain(ctx)
				return
			}
			if quit := s.do(ctx, l); quit {
				s.drain(ctx)
				return
			}
		}
	}
}

func (s *session) drain(ctx context.Context) {
	if left := drain(ctx, s.node); left > 0 {
		s.undone = true
		s.answer(ctx, complaint(undelivered(left)))
	}
}

// drain waits until everything said is delivered, at most drainTime, and tells how many messages aren't. Who leaves by a signal
// doesn't wait, and so has nothing to complain about.
func drain(ctx context.Context, n participant) int {
	patience, cancel := context.WithTimeout(ctx, drainTime)
	defer cancel()
	left := n.Drain(patience)
	if ctx.Err() != nil {
		return 0
	}
	return left
}

func undelivered(n int) error {
	return failed("nobody hosts the room, or the host can't be reached", "leaving before %s delivered", tell.Plural(n, "message is", "messages are"))
}

func (s *session) do(ctx context.Context, l line) (quit bool) {
	if l.err != nil {
		s.answer(ctx, node.Error{
			Error: l.err.Error(),
			Hint:  fmt.Sprintf("at most %d bytes go into one message; send it in parts", maxLine),
		})
		return false
	}
	o, err := command.Parse(l.text)
	var answer node.Event
	if err == nil {
		answer, err = command.Do(ctx, s.node, o)
	}
	if err != nil {
		s.answer(ctx, complaint(err))
	} else if answer != nil {
		s.answer(ctx, answer)
	}
	return o.Verb == command.Quit
}

// complaint is an error as an event.
func complaint(err error) node.Error {
	if f, ok := errors.AsType[*failure](err); ok {
		return node.Error{Error: f.cause, Hint: f.hint}
	}
	if w, ok := errors.AsType[*command.Error](err); ok {
		return node.Error{Error: w.Cause, Hint: w.Hint}
	}
	return node.Error{Error: err.Error()}
}

func (s *session) answer(ctx context.Context, e node.Event) {
	select {
	case s.answers <- e:
	case <-ctx.Done():
	}
}
