package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"parley.lan/node"
	"parley.lan/room"
)

// detachedEnv is set for the node that node run --background starts: it has nobody to type, and whoever started it listens on
// standard output until it is in the room.
const detachedEnv = "PARLEY_DETACHED"

// readyTime is how long node run --background waits for that. A node that finds no host hosts after 2 s.
const readyTime = 30 * time.Second

// background starts this program anew, apart from the terminal, and returns when that node is in its room or has failed.
func (p *program) background(c *urfave.Context) error {
	if runtime.GOOS == "windows" {
		return usage("leave it out, and leave the window open", "--background isn't supported on Windows")
	}
	program, err := os.Executable()
	if err != nil {
		return failed("", "can't start a node in the background: %v", err)
	}
	args := slices.DeleteFunc(slices.Clone(p.args[1:]), func(a string) bool {
		name, _, _ := strings.Cut(strings.TrimLeft(a, "-"), "=")
		return strings.HasPrefix(a, "-") && name == "background"
	})
	child := exec.Command(program, args...)
	child.Env = append(os.Environ(), detachedEnv+"=1")
	sever(child)
	var complaint bytes.Buffer
	child.Stderr = &complaint
	out, err := child.StdoutPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		return failed("", "can't start a node in the background: %v", err)
	}
	joined := make(chan *node.Joined, 1)
	go func() { joined <- p.awaitJoined(out) }()
	select {
	case at := <-joined:
		if at == nil {
			return p.childFailed(child, &complaint)
		}
		if c.Bool("json") {
			return printJSON(p.stdout, *at)
		}
		_, err := fmt.Fprintf(p.stdout, "In %s, in the background. node attach shows it, node quit ends it.\n", room.CleanText(at.Room))
		return err
	case <-time.After(readyTime):
		return failed("node attach shows what it does, node quit ends it", "the node runs, and is in no room after %v", readyTime)
	case <-c.Context.Done():
		child.Process.Signal(os.Interrupt)
		child.Wait()
		return nil
	}
}

// awaitJoined reads what the node tells until it is in its room; nil: it has ended. What is wrong is passed on.
func (p *program) awaitJoined(out io.Reader) *node.Joined {
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return nil
		}
		switch e, _ := node.DecodeEvent(line); e := e.(type) {
		case node.Joined:
			return &e
		case node.Error:
			fmt.Fprintf(p.stderr, "node: %s\n      %s\n", room.CleanText(e.Error), room.CleanText(e.Hint))
		}
	}
}

// childFailed passes on how the node ended.
func (p *program) childFailed(child *exec.Cmd, complaint *bytes.Buffer) error {
	err := child.Wait()
	p.stderr.Write(complaint.Bytes())
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && complaint.Len() > 0 {
		return &failure{code: max(exit.ExitCode(), exitFailed)}
	}
	return failed("its log may tell more: node.log in the state folder", "the node in the background has ended: %v", err)
}

// detached runs a node with no face. It tells what is wrong, and that it is in the room; then nobody listens any more.
func (p *program) detached(ctx context.Context, n participant, first []node.Event) error {
	tell := func(e node.Event) {
		if _, err := p.stdout.Write(node.EventLine(time.Now(), e)); err != nil {
			p.stdout = io.Discard
		}
	}
	sound := func(a node.Audio) {
		if a.Error != "" {
			tell(node.Error{Error: a.Error, Hint: "the node goes on with text"})
		}
	}
	for _, e := range first {
		if a, ok := e.(node.Audio); ok {
			sound(a)
		}
	}
	ran := make(chan error, 1)
	go func() { ran <- n.Run(ctx) }()
	for e := range n.Events() {
		switch e := e.(type) {
		case node.Error:
			tell(e)
		case node.Audio:
			sound(e)
		case node.Joined:
			tell(e)
			p.stdout = io.Discard
		}
	}
	if err := <-ran; err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}
