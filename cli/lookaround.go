package cli

import (
	"context"
	"fmt"
	"runtime"
	"time"

	urfave "github.com/urfave/cli/v2"

	"parley.lan/room"
)

// historyTime is for finding the host and fetching a long history; without a host all of it is waited.
const historyTime = 5 * time.Second

// version is the answer of node version in JSON.
type version struct {
	Version string `json:"version"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

func (version) Type() string { return "version" }

func (p *program) printHistory(c *urfave.Context) error {
	cfg, err := p.lookConfig(c)
	if err != nil {
		return err
	}
	if cfg.Room, err = roomName(c); err != nil {
		return err
	}
	q, err := historyQuery(c, time.Now())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Context, historyTime)
	defer cancel()
	messages, err := p.history(ctx, cfg, q)
	if err != nil {
		return err
	}
	look := lookFor(p.stdin, p.stdout, false)
	look.echoed = false
	var broken error
	put := func(b []byte) {
		if broken == nil {
			_, broken = p.stdout.Write(b)
		}
	}
	var f face = newLineFace(look, func() room.NodeID { return room.NodeID{} }, put)
	if c.Bool("json") {
		f = &jsonFace{put}
	}
	now := time.Now()
	for _, m := range messages {
		f.show(now, m)
	}
	switch {
	case len(messages) > 0 || c.Bool("json"):
	case q.Search != "" || !q.Since.IsZero():
		fmt.Fprintf(p.stdout, "Nothing in %s is like that.\n", cfg.Room)
	default:
		fmt.Fprintf(p.stdout, "Nothing has been said in %s yet.\n", cfg.Room)
	}
	return broken
}

func (p *program) printVersion(c *urfave.Context) error {
	v := version{p.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH}
	if c.Bool("json") {
		return printJSON(p.stdout, v)
	}
	_, err := fmt.Fprintf(p.stdout, "node %s (%s, %s/%s)\n", v.Version, v.Go, v.OS, v.Arch)
	return err
}
