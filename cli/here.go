package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"parley.lan/local"
	"parley.lan/node"
	"parley.lan/room"
	"parley.lan/tell"
)

// Answers in JSON of the commands for the node that runs here.
type (
	saidHere struct {
		Room string  `json:"room"`
		ID   room.ID `json:"id"`
	}
	quitHere struct {
		Room string `json:"room"`
	}
)

func (saidHere) Type() string { return "said" }
func (quitHere) Type() string { return "quit" }

// attach is node attach: the node that runs here, behind a face of this process.
func (p *program) attach(c *urfave.Context) error {
	if c.Bool("json") && c.Bool("plain") {
		return usage("leave out one of them", "--json and --plain exclude each other")
	}
	dir, err := stateDir(c.String("state-dir"))
	if err != nil {
		return err
	}
	n, err := local.Attach(dir)
	if err != nil {
		return localFailure(err)
	}
	if err := p.faceNode(c, n, nil); err != nil {
		if errors.Is(err, local.ErrEnded) {
			return failed("node run --background starts it again; node.log in the state folder may tell why", "the node has ended")
		}
		if errors.Is(err, node.ErrBehind) {
			return failed("attach again", "%v", err)
		}
		return err
	}
	switch {
	case c.Bool("json"):
	case n.Detached():
		fmt.Fprintf(p.stdout, "The node goes on in %s. node attach shows it again, node quit ends it.\n", room.CleanText(n.Place().Room))
	default:
		fmt.Fprintf(p.stdout, "The node has left %s.\n", room.CleanText(n.Place().Room))
	}
	return nil
}

// mute is node mute.
func (p *program) mute(c *urfave.Context) error {
	set, did, err := p.turn(c, local.Mute, local.On, local.Off, local.Toggle)
	if err != nil {
		return err
	}
	if set == local.Off && did.Switches.Muted {
		return failed("node devices lists this machine's microphones", "the node that runs here has no sound, and stays muted")
	}
	return p.tellSwitches(c, did, muted(did.Switches.Muted)+" in "+did.Room)
}

// pushToTalk is node ptt.
func (p *program) pushToTalk(c *urfave.Context) error {
	_, did, err := p.turn(c, local.PushToTalk, local.On, local.Off, local.Toggle, local.Voice)
	if err != nil {
		return err
	}
	what := "Released: nobody in " + did.Room + " hears you until you press again"
	switch s := did.Switches; {
	case s.Muted:
		what = "You are muted in " + did.Room + ", so nobody hears you: node mute off changes that"
	case s.Pressed:
		what = "Pressed: " + did.Room + " hears you"
	case !s.PushToTalk:
		what = "Push-to-talk is off: " + did.Room + " hears you whenever you speak"
	}
	return p.tellSwitches(c, did, what)
}

// turn does one of the commands for a switch, toggle unless said otherwise.
func (p *program) turn(c *urfave.Context, do func(dir, set string) (local.Did, error), settings ...string) (set string, did local.Did, err error) {
	set = local.Toggle
	if c.Args().Len() > 0 {
		set = c.Args().First()
	}
	known := false
	for _, s := range settings {
		known = known || s == set
	}
	if !known || c.Args().Len() > 1 {
		return "", did, usage("write node "+c.Command.Name+" "+strings.Join(settings, ", or node "+c.Command.Name+" "), "node %s takes one of %s", c.Command.Name, strings.Join(settings, ", "))
	}
	dir, err := stateDir(c.String("state-dir"))
	if err != nil {
		return "", did, err
	}
	if did, err = do(dir, set); err != nil {
		return "", did, localFailure(err)
	}
	return set, did, nil
}

func (p *program) tellSwitches(c *urfave.Context, did local.Did, words string) error {
	if c.Bool("json") {
		return printJSON(p.stdout, node.Switched{Switches: did.Switches})
	}
	_, err := fmt.Fprintln(p.stdout, room.CleanText(words))
	return err
}

// say is node say.
func (p *program) say(c *urfave.Context) error {
	dir, err := stateDir(c.String("state-dir"))
	if err != nil {
		return err
	}
	say := func(text string) (did local.Did, err error) {
		text = room.CleanText(text)
		if err := room.CheckText(text); err != nil {
			return did, failed("", "not said: %v", err)
		}
		if did, err = local.Text(dir, text); err != nil {
			return did, localFailure(err)
		}
		if c.Bool("json") {
			err = printJSON(p.stdout, saidHere{did.Room, did.ID})
		}
		return did, err
	}
	said, in := 0, ""
	if c.Args().Present() {
		did, err := say(strings.Join(c.Args().Slice(), " "))
		if err != nil {
			return err
		}
		said, in = 1, did.Room
	} else if said, in, err = p.sayLines(c.Context, say); err != nil {
		return err
	}
	if c.Bool("json") {
		return nil
	}
	_, err = fmt.Fprintf(p.stdout, "Said %s in %s\n", tell.Plural(said, "message", "messages"), room.CleanText(in))
	return err
}

// sayLines says each line of standard input that isn't empty.
func (p *program) sayLines(ctx context.Context, say func(string) (local.Did, error)) (said int, in string, err error) {
	if isTerminal(p.stdin) {
		return 0, "", usage("write node say TEXT, or node say < FILE", "nothing to say")
	}
	lines := newStreamReader(p.stdin)
	for ctx.Err() == nil {
		text, err := lines.ReadLine()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return said, in, failed("", "after %s: %v", tell.Plural(said, "message", "messages"), err)
		}
		if strings.TrimSpace(text) == "" {
			continue
		}
		did, err := say(text)
		if err != nil {
			return said, in, err
		}
		said++
		in = did.Room
	}
	if said == 0 {
		return 0, "", failed("write node say TEXT, or give it lines on standard input", "nothing was said: there was no text")
	}
	return said, in, nil
}

// quitTime is how long node quit waits: for what was said to be delivered, the goodbyes and the files.
const quitTime = drainTime + 5*time.Second

// quit is node quit.
func (p *program) quit(c *urfave.Context) error {
	dir, err := stateDir(c.String("state-dir"))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Context, quitTime)
	defer cancel()
	did, err := local.Quit(ctx, dir)
	if err == nil {
		err = awaitUnlocked(ctx, dir)
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return failed("node doctor tells how it is", "the node that runs here was told to leave, and has not ended after %v", quitTime)
	case err != nil:
		return unlessEnded(c, localFailure(err))
	case c.Bool("json"):
		return printJSON(p.stdout, quitHere{did.Room})
	}
	_, err = fmt.Fprintf(p.stdout, "The node has left %s\n", room.CleanText(did.Room))
	return err
}

// awaitUnlocked waits until the state folder is free for another node.
func awaitUnlocked(ctx context.Context, dir string) error {
	for {
		if unlock, err := lockState(dir); err == nil {
			unlock()
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}
