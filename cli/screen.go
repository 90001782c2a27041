package cli

import (
	"context"
	"errors"
	"os"

	urfave "github.com/urfave/cli/v2"

	"parley.lan/node"
	"parley.lan/tui"
)

// fullScreen tells whether the person gets the whole screen: on a terminal, unless asked otherwise.
func (p *program) fullScreen(c *urfave.Context) bool {
	return isTerminal(p.stdin) && isTerminal(p.stdout) && os.Getenv("TERM") != "dumb" && !c.Bool("plain") && !c.Bool("json")
}

// screen runs n behind the full screen, until the person leaves or the node ends.
func (p *program) screen(c *urfave.Context, n participant, first []node.Event) error {
	ctx, leave := context.WithCancel(c.Context)
	defer leave()
	ran := make(chan error, 1)
	go func() { ran <- n.Run(ctx) }()
	drained, err := tui.Run(c.Context, n, p.stdin, p.stdout, tui.Options{
		Notify: !c.Bool("no-notify"),
		First:  first,
		Leave: func(ctx context.Context) error {
			if left := drain(ctx, n); left > 0 {
				return undelivered(left)
			}
			return nil
		},
	})
	leave()
	<-drained
	if ended := <-ran; ended != nil && !errors.Is(ended, context.Canceled) {
		return ended
	}
	return err
}
