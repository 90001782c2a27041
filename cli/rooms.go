package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	urfave "github.com/urfave/cli/v2"

	"parley.lan/node"
)

// roomsTime is how long node rooms looks around: hosts answer within 0.5 s, and a question that got lost is asked again
// after 1 s.
const roomsTime = 1500 * time.Millisecond

// roomFound is a line of the answer in JSON.
type roomFound struct{ node.RoomInfo }

func (roomFound) Type() string { return "room" }

// listRooms is node rooms.
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
		_, err := fmt.Fprintln(p.stdout, "No room on this network. Start one: node")
		return err
	}
	rows := [][]string{{"ROOM", "HOST", "ADDRESS", "MEMBERS", "ENTRY", "PLAIN DOOR", "LATENCY"}}
	for _, r := range rooms {
		rows = append(rows, roomRow(r))
	}
	return printTable(p.stdout, rows)
}

// roomRow tells of a room. What its host has not told is a question mark; a room without a host has nothing to tell.
func roomRow(r node.RoomInfo) []string {
	if r.Host.ID.IsZero() {
		return []string{r.Room, "nobody", "-", strconv.Itoa(r.Nodes), "-", "-", "-"}
	}
	row := []string{r.Room, r.Host.Name, r.Host.Addr, "?", "?", "?", "no answer"}
	if r.Inside != nil {
		row[3], row[4], row[5] = strconv.Itoa(r.Count), "open", "shut"
		if r.Passphrase {
			row[4] = "passphrase"
		}
		if r.PlainDoor {
			row[5] = "open"
		}
	}
	if r.RTT > 0 {
		row[6] = fmt.Sprintf("%.1f ms", r.RTT)
	}
	return row
}
