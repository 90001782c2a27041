package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	urfave "github.com/urfave/cli/v2"

	"parley.lan/node"
	"parley.lan/room"
	"parley.lan/tell"
)

// recorded is the answer of node record in JSON.
type recorded struct {
	Room    string  `json:"room"`
	Out     string  `json:"out"`
	Tracks  bool    `json:"tracks"`
	Seconds float64 `json:"seconds"`
	Lost    uint64  `json:"lost"` // frames that did not reach the recording in time
}

func (recorded) Type() string { return "recorded" }

// record is node record OUT.
func (p *program) record(c *urfave.Context) error {
	const hint = "write node record talk.opus, or node record --tracks FOLDER"
	if c.Args().Len() != 1 || c.Args().First() == "" {
		return usage(hint, "name one file to record into")
	}
	if c.IsSet("for") && c.Duration("for") <= 0 {
		return usage("such as --for 90s", "bad --for %v", c.Duration("for"))
	}
	out, tracks := c.Args().First(), c.Bool("tracks")
	if !tracks && filepath.Ext(out) == "" {
		out += ".opus"
	}
	rec, err := p.Record(out, tracks)
	if err != nil {
		if errors.Is(err, fs.ErrExist) {
			return failed("name another; nothing is recorded over", "%s is there already", out)
		}
		return failed("", "can't record: %v", err)
	}
	ctx, stop := context.WithCancel(c.Context)
	defer stop()
	keeping := make(chan error, 1)
	go func() { keeping <- rec.Run(ctx); stop() }()
	room, lost, err := p.recordInto(ctx, c, rec, out, stop)
	stop()
	if e := <-keeping; e != nil {
		err = errors.Join(err, failed("is the disk full?", "the recording is not whole: %v", e))
	}
	if room == "" { // it never began
		if !tracks {
			os.Remove(out)
		}
		return unlessEnded(c, err)
	}
	done := recorded{room, out, tracks, rec.Length().Seconds(), lost}
	if c.Bool("json") {
		return errors.Join(err, printJSON(p.stdout, done))
	}
	fmt.Fprintf(p.stdout, "Recorded %s into %s\n", rec.Length().Round(100*time.Millisecond), out)
	if lost > 0 {
		fmt.Fprintf(p.stdout, "%s lost: this machine was too slow\n", tell.Plural(int(lost), "frame was", "frames were"))
	}
	return err
}

// recordInto records until ctx ends, the time is over or the node has ended.
func (p *program) recordInto(ctx context.Context, c *urfave.Context, rec Recording, out string, stop func()) (roomName string, lost uint64, err error) {
	from, err := p.hearRoom(c, "recording", true)
	if err != nil {
		return "", 0, err
	}
	if !c.Bool("json") {
		fmt.Fprintf(p.stdout, "Recording %s into %s, %s. Everybody there sees it. Ctrl-C ends it.\n", room.CleanText(from.room), out, from.how)
	}
	if c.IsSet("for") {
		defer time.AfterFunc(c.Duration("for"), stop).Stop()
	}
	err = from.hear(ctx, func(h node.Heard) {
		lost = h.Lost
		rec.Hear(h.From.ID, h.From.Name, h.Frame)
	})
	return from.room, lost, err
}

// unlessEnded is err, but for a command that the person has ended before it began.
func unlessEnded(c *urfave.Context, err error) error {
	if c.Context.Err() != nil {
		return nil
	}
	return err
}

// listen is node listen > wav.
func (p *program) listen(c *urfave.Context) error {
	if isTerminal(p.stdout) {
		return usage("write node listen > talk.wav, or node listen | aplay", "standard output is a terminal, and what comes is sound")
	}
	ear, err := p.Listen()
	if err != nil {
		return failed("", "can't listen: %v", err)
	}
	from, err := p.hearRoom(c, "listening", false)
	if err != nil {
		return unlessEnded(c, err)
	}
	ctx, stop := context.WithCancel(c.Context)
	defer stop()
	written := make(chan error, 1)
	go func() { written <- ear.WriteWAV(ctx, p.stdout); stop() }()
	err = from.hear(ctx, func(h node.Heard) { ear.Hear(h.Frame) })
	stop()
	select {
	case e := <-written:
		if e != nil && !closedPipe(e) {
			err = errors.Join(err, failed("", "can't write the sound: %v", e))
		}
	case <-time.After(flushTime): // a reader that takes nothing
	}
	if n := ear.Lost(); n > 0 {
		fmt.Fprintf(p.stderr, "node: %.1f s were left out: the output was not read fast enough\n", float64(n)/room.SampleRate)
	}
	return err
}

// closedPipe tells that the reader of a pipe wants no more, which is how listening ends.
func closedPipe(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe)
}

// sayAudio is node say-audio < wav.
func (p *program) sayAudio(c *urfave.Context) error {
	const hint = "give it sound: node say-audio < talk.wav, or --raw RATE for sound without a header"
	if isTerminal(p.stdin) {
		return usage(hint, "standard input is a terminal")
	}
	if c.IsSet("raw") && (c.Int("raw") < 8000 || c.Int("raw") > 192000) {
		return usage("a rate lies between 8000 and 192000 Hz", "bad --raw %d", c.Int("raw"))
	}
	voice, err := p.Recite(p.stdin, c.Int("raw"))
	if err != nil {
		return failed(hint, "%v", err)
	}
	to, err := p.speakHere(c)
	if err != nil {
		return unlessEnded(c, err)
	}
	said := make(chan error, 1)
	go func() { said <- voice.Run(c.Context, to.send) }()
	select {
	case err = <-said:
	case <-c.Context.Done(): // whoever gives the sound may be silent for long
	}
	if e := to.end(); err == nil {
		err = e
	}
	if err != nil {
		if _, worded := errors.AsType[*failure](err); !worded {
			err = localFailure(err)
		}
	}
	return err
}
