package local

import (
	"context"
	"errors"
	"io"
	"reflect"
	"sync"
	"time"

	"parley.lan/node"
	"parley.lan/room"
)

// Lines to an attached face that are no event of a node.
type (
	levels struct{ node.Levels }
	self   struct {
		ID room.NodeID `json:"id"`
	}
)

func (levels) Type() string { return "levels" }
func (self) Type() string   { return "self" }

// attach tells a face what happens, and does what it calls for, until the other side closes the connection, takes nothing for
// writeTime, or the node ends.
func (s *Server) attach(ctx context.Context, c *lines) {
	w := s.Node.Watch()
	defer w.Close()
	id := s.Node.ID()
	if c.write(answer{OK: true, Room: s.Node.Place().Room, Self: &id}) != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // until nothing more is asked, and the last event is told
	var running sync.WaitGroup
	defer running.Wait()
	defer c.Close()
	defer cancel()
	running.Go(func() { defer cancel(); s.obey(ctx, c) })
	running.Go(func() { s.meter(ctx, c) })
	for {
		e, err := w.Next(ctx)
		if errors.Is(err, node.ErrBehind) {
			e = node.Left{Reason: err.Error() + ": attach again"}
		} else if err != nil {
			return
		}
		if now := s.Node.ID(); now != id {
			id = now
			if tell(c, self{id}) != nil {
				return
			}
		}
		if tell(c, e) != nil || err != nil {
			return
		}
	}
}

func tell(c *lines, e node.Event) error { return c.put(node.EventLine(time.Now(), e)) }

// obey does what is called for until there is no more. Calls are done in their order, but for slow ones.
func (s *Server) obey(ctx context.Context, c *lines) {
	slots := make(chan struct{}, maxSlow)
	var slow sync.WaitGroup
	defer slow.Wait()
	pressed := false
	defer func() {
		if pressed { // by a key of a face that has gone: nobody holds it any more
			s.Node.Press(false)
		}
	}()
	for {
		var next call
		if err := c.read(&next); err != nil {
			if !errors.Is(err, io.EOF) {
				c.write(reply{Error: err.Error()})
			}
			return
		}
		if next.Do == callPress {
			pressed = next.On
		}
		do := func() {
			ctx, cancel := context.WithTimeout(ctx, slowTime)
			defer cancel()
			for _, part := range next.do(ctx, s.Node).parts() {
				if c.write(part) != nil {
					c.Close()
					return
				}
			}
		}
		if !next.slow() {
			do()
			continue
		}
		select {
		case slots <- struct{}{}:
		default: // what is quick must not wait for it
			c.write(reply{Answer: next.Call, Error: "the node is still busy with what was asked before: try again"})
			continue
		}
		slow.Go(func() { defer func() { <-slots }(); do() })
	}
}

// meter tells how loud it is, when that has changed.
func (s *Server) meter(ctx context.Context, c *lines) {
	tick := time.NewTicker(levelTime)
	defer tick.Stop()
	last := node.Levels{Microphone: room.LevelSilent}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := s.Node.Levels()
		if reflect.DeepEqual(now, last) {
			continue
		}
		last = now
		if tell(c, levels{now}) != nil {
			return
		}
	}
}
