package cli

import (
	"context"
	"os"
	"time"

	urfave "github.com/urfave/cli/v2"

	"parley.lan/node"
	"parley.lan/room"
)

// runRoom is node run: it takes part until the input ends or ctx does.
func (p *program) runRoom(c *urfave.Context) error {
	if c.Bool("json") && c.Bool("plain") {
		return usage("leave out one of them", "--json and --plain exclude each other")
	}
	if c.Bool("background") {
		return p.background(c)
	}
	sound, withSound, err := soundConfig(c)
	if err != nil {
		return err
	}
	cfg, err := p.nodeConfig(c)
	if err != nil {
		return err
	}
	unlock, err := lockState(cfg.StateDir)
	if err != nil {
		return err
	}
	defer unlock()
	log, logFile, err := logger(c, cfg.StateDir)
	if err != nil {
		return err
	}
	defer logFile.Close()
	cfg.Log, sound.Log = log, log

	var noSound error
	if withSound {
		if cfg.Sound, noSound = p.OpenSound(sound); noSound != nil {
			if sound.Device != "auto" {
				return usage("", "can't use --audio %s: %v", sound.Device, noSound)
			}
			cfg.Sound = nil
		}
	}
	if p.Prepare != nil {
		p.Prepare(&cfg)
	}
	n, err := p.join(cfg)
	if err != nil {
		return err
	}
	var leave context.CancelFunc
	c.Context, leave = context.WithCancel(c.Context)
	defer leave()
	defer serveLocal(c.Context, cfg, n, leave)()
	var first []node.Event
	if noSound != nil {
		first = append(first, node.Audio{Error: noSound.Error()})
	}
	if os.Getenv(detachedEnv) != "" {
		return p.detached(c.Context, n, first)
	}
	return p.faceNode(c, n, first)
}

// faceNode runs n behind the face that the flags and the streams ask for.
func (p *program) faceNode(c *urfave.Context, n participant, first []node.Event) error {
	if p.fullScreen(c) {
		return p.screen(c, n, first)
	}
	ctx, leave := context.WithCancelCause(c.Context)
	defer leave(nil)

	s := &session{node: n, input: newStreamReader(p.stdin)}
	out := newOutbox(p.stdout, nil, leave)
	if c.Bool("json") {
		out.skipped = skippedJSON
		s.face = &jsonFace{out.put}
	} else {
		out.skipped = skippedLine
		s.face = newLineFace(lookFor(p.stdin, p.stdout, c.Bool("plain")), n.ID, out.put)
	}
	go out.run()
	defer out.close()

	for _, e := range first {
		s.face.show(time.Now(), e)
	}
	if err := s.run(ctx); err != nil {
		return err
	}
	if c.Context.Err() == nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

func skippedLine(n int) []byte {
	e := skippedError(n)
	return []byte(room.CleanText("--- "+e.Error+": "+e.Hint+" ---") + "\n")
}
