package cli

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"text/tabwriter"
	"time"

	urfave "github.com/urfave/cli/v2"

	"parley.lan/node"
	"parley.lan/room"
)

const (
	// roomsTime is how long node rooms looks around: hosts answer within 0.5 s, and a question that got lost
	// is asked again after 1 s.
	roomsTime = 1500 * time.Millisecond
	// historyTime is for finding the host and fetching a long history; without a host all of it is waited.
	historyTime = 5 * time.Second
)

// Lines of the commands' answers in JSON.
type (
	roomFound   struct{ node.RoomInfo }
	deviceFound struct{ Device }
	version     struct {
		Version string `json:"version"`
		Go      string `json:"go"`
		OS      string `json:"os"`
		Arch    string `json:"arch"`
	}
)

func (roomFound) Type() string   { return "room" }
func (deviceFound) Type() string { return "device" }
func (version) Type() string     { return "version" }

func (p *program) listRooms(c *urfave.Context) error {
	cfg, err := p.lookConfig(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Context, roomsTime)
	defer cancel()
	rooms, err := p.rooms(ctx, cfg)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if c.Bool("json") {
		for _, r := range rooms {
			if err := printJSON(p.stdout, roomFound{r}); err != nil {
				return err
			}
		}
		return nil
	}
	if len(rooms) == 0 {
		fmt.Fprintln(p.stdout, "No room on this network. Start one: node")
		return nil
	}
	w := tabwriter.NewWriter(p.stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "ROOM\tHOST\tADDRESS\tNODES")
	for _, r := range rooms {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\n", room.CleanText(r.Room), room.CleanText(r.Host.Name), r.Host.Addr, r.Nodes)
	}
	return w.Flush()
}

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

func (p *program) listDevices(c *urfave.Context) error {
	devices, err := p.Devices()
	if err != nil {
		return failed("text works without sound", "no sound devices: %v", err)
	}
	if c.Bool("json") {
		for _, d := range devices {
			if err := printJSON(p.stdout, deviceFound{d}); err != nil {
				return err
			}
		}
		return nil
	}
	if len(devices) == 0 {
		fmt.Fprintln(p.stdout, "No sound devices on this machine. Text works without.")
		return nil
	}
	w := tabwriter.NewWriter(p.stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "DEVICE\tSYSTEM\tINPUT\tOUTPUT")
	for _, d := range devices {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", room.CleanText(d.Name), room.CleanText(d.System),
			channels(d.Inputs, d.DefaultInput), channels(d.Outputs, d.DefaultOutput))
	}
	return w.Flush()
}

func channels(n int, standard bool) string {
	switch {
	case n == 0:
		return "-"
	case standard:
		return "default"
	}
	return "yes"
}

func (p *program) printVersion(c *urfave.Context) error {
	v := version{p.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH}
	if c.Bool("json") {
		return printJSON(p.stdout, v)
	}
	_, err := fmt.Fprintf(p.stdout, "node %s (%s, %s/%s)\n", v.Version, v.Go, v.OS, v.Arch)
	return err
}
