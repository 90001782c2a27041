package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	urfave "github.com/urfave/cli/v2"

	"parley.lan/local"
	"parley.lan/node"
	"parley.lan/room"
)

// serveLocal lets other commands reach the node until stop is called. Without the socket it goes on: they say then that
// no node runs here. quit is called when one of them ends the node, once all that it said is delivered.
func serveLocal(ctx context.Context, cfg node.Config, n resident, quit func()) (stop func()) {
	l, err := local.Listen(cfg.StateDir)
	if err != nil {
		cfg.Log.Warn("other commands can't reach this node", "error", err)
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // until the node has left, so that whoever is attached sees it
	var serving sync.WaitGroup
	leave := func() { drain(ctx, n); quit() }
	s := &local.Server{Node: n, Quit: sync.OnceFunc(func() { go leave() }), Log: cfg.Log}
	serving.Go(func() { s.Serve(ctx, l) })
	return func() { cancel(); serving.Wait() }
}

// part is how a command takes part in the room: through the node that runs with its state folder, or, where none
// does, as a member of its own.
type part struct {
	room string
	how  string // in words, for the person
	hear func(ctx context.Context, heard func(node.Heard)) error
	send func(room.VoiceFrame) error
	end  func() error // of sending
}

const throughNode = "through the node that runs here"

// checkRoom fails where a room was asked for and the running node is in another.
func checkRoom(c *urfave.Context, at string) error {
	if want := c.String("room"); c.IsSet("room") && want != at {
		return failed("leave out --room, or use another folder with --state-dir", "the node that runs here is in %q, not in %q", at, want)
	}
	return nil
}

// localFailure words what a running node, or its socket, said.
func localFailure(err error) error {
	if no, ok := errors.AsType[*local.RefusedError](err); ok {
		return failed(no.Hint, "%s", no.Reason)
	}
	if errors.Is(err, local.ErrNone) {
		return failed("start one with node, or node run --background; --state-dir names another one's folder", "no node runs here")
	}
	if errors.Is(err, local.ErrEnded) {
		return failed("start it again, or run this without it", "the node that ran here has ended")
	}
	return failed("", "%v", err)
}

// maxApart is how many commands may be members of their own at once on one state folder.
const maxApart = 8

// lockApart gives a folder inside dir to be a member of one's own from, with a key of its own, so that the person's own
// node may be started meanwhile.
func lockApart(dir string) (own string, unlock func(), err error) {
	for i := 1; i <= maxApart; i++ {
		own = filepath.Join(dir, fmt.Sprintf("apart-%d", i))
		if err = os.MkdirAll(own, 0o700); err != nil {
			return "", nil, failed("name another folder with --state-dir", "can't write to the state folder: %v", err)
		}
		if unlock, err = lockState(own); err == nil {
			return own, unlock, nil
		}
	}
	return "", nil, failed("end one of them", "%d commands such as this one run already", maxApart)
}

// apart is a command's own node.
type apart struct {
	node   resident
	name   string
	room   string
	joined chan struct{} // closed when it is in the room
	ran    chan error
	leave  context.CancelFunc
	unlock func()
}

// joinApart takes part as a member of its own, called after the person and what it does. before is called with the node
// before it runs.
func (p *program) joinApart(c *urfave.Context, does string, listening bool, before func(resident)) (*apart, error) {
	cfg, err := p.nodeConfig(c)
	if err != nil {
		return nil, err
	}
	m := &apart{joined: make(chan struct{}), ran: make(chan error, 1)}
	if cfg.StateDir, m.unlock, err = lockApart(cfg.StateDir); err != nil {
		return nil, err
	}
	if named := cfg.Name + " (" + does + ")"; room.CheckName(named) == nil {
		cfg.Name = named
	}
	cfg.Listening, cfg.Log = listening, slog.New(slog.DiscardHandler)
	if p.Prepare != nil {
		p.Prepare(&cfg)
	}
	if m.node, err = p.join(cfg); err != nil {
		m.unlock()
		return nil, err
	}
	m.name, m.room = cfg.Name, cfg.Room
	before(m.node)
	ctx, leave := context.WithCancel(context.WithoutCancel(c.Context))
	m.leave = leave
	go func() {
		joined := sync.OnceFunc(func() { close(m.joined) })
		var observing sync.WaitGroup
		observing.Go(func() {
			for e := range m.node.Events() {
				switch e := e.(type) {
				case node.Joined:
					joined()
				case node.Error:
					fmt.Fprintf(p.stderr, "node: %s\n      %s\n", room.CleanText(e.Error), room.CleanText(e.Hint))
				}
			}
		})
		err := m.node.Run(ctx)
		observing.Wait()
		m.ran <- err
	}()
	return m, nil
}

// await waits until the member is in the room.
func (m *apart) await(ctx context.Context) error {
	select {
	case <-m.joined:
		return nil
	case err := <-m.ran:
		m.ran <- err
		if err == nil {
			err = failed("try again", "the room can't be joined")
		}
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close leaves politely.
func (m *apart) close() error {
	m.leave()
	err := <-m.ran
	m.unlock()
	return err
}

// hearRoom prepares to hear the room. While it records, everybody is told so.
func (p *program) hearRoom(c *urfave.Context, does string, recording bool) (*part, error) {
	dir, err := stateDir(c.String("state-dir"))
	if err != nil {
		return nil, err
	}
	h, err := local.Hear(dir, recording)
	if err == nil {
		if err := checkRoom(c, h.Room); err != nil {
			h.Close()
			return nil, err
		}
		return &part{room: h.Room, how: throughNode, hear: func(ctx context.Context, heard func(node.Heard)) error {
			if err := h.Run(ctx, heard); err != nil {
				return localFailure(err)
			}
			return nil
		}}, nil
	}
	if !errors.Is(err, local.ErrNone) {
		return nil, localFailure(err)
	}
	var tap *node.Tap
	m, err := p.joinApart(c, does, true, func(n resident) { tap = n.Overhear(recording) })
	if err != nil {
		return nil, err
	}
	if err := m.await(c.Context); err != nil {
		return nil, errors.Join(err, m.close())
	}
	return &part{room: m.room, how: "as " + m.name, hear: func(ctx context.Context, heard func(node.Heard)) error {
		defer tap.Close()
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		ended := make(chan error, 1)
		go func() {
			select {
			case err := <-m.ran:
				m.ran <- err
				ended <- err
				cancel()
			case <-ctx.Done():
				ended <- nil
			}
		}()
		var buf [room.MaxOpus]byte
		for {
			h, err := tap.Next(ctx, &buf)
			if err != nil {
				break
			}
			heard(h)
		}
		return errors.Join(<-ended, m.close())
	}}, nil
}

// speakHere prepares to speak into the room.
func (p *program) speakHere(c *urfave.Context) (*part, error) {
	dir, err := stateDir(c.String("state-dir"))
	if err != nil {
		return nil, err
	}
	s, err := local.Say(dir)
	if err == nil {
		if err := checkRoom(c, s.Room); err != nil {
			s.Close()
			return nil, err
		}
		return &part{room: s.Room, how: throughNode, send: s.Send, end: func() error {
			if err := s.Close(); err != nil {
				return localFailure(err)
			}
			return nil
		}}, nil
	}
	if !errors.Is(err, local.ErrNone) {
		return nil, localFailure(err)
	}
	m, err := p.joinApart(c, "audio", false, func(resident) {})
	if err != nil {
		return nil, err
	}
	if err := m.await(c.Context); err != nil {
		return nil, errors.Join(err, m.close())
	}
	speech, err := m.node.Speak()
	if err != nil {
		return nil, errors.Join(err, m.close())
	}
	return &part{room: m.room, how: "as " + m.name, send: func(f room.VoiceFrame) error {
		speech.Send([]room.VoiceFrame{f})
		return nil
	}, end: func() error {
		speech.Close()
		return m.close()
	}}, nil
}
