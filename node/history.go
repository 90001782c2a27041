package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	"parley.lan/discovery"
	"parley.lan/history"
	"parley.lan/identity"
	"parley.lan/relay"
	"parley.lan/room"
)

// openHistory brings the log and what still waits back from disk. What goes wrong is said, and the talk goes on
// without.
func (n *Node) openHistory() {
	keeper, pending, troubles := history.Open(context.Background(), history.Config{
		Dir: n.cfg.StateDir, Room: n.cfg.Room, Log: n.log, Outbox: n.outbox, Logger: n.slog,
	})
	n.keeper = keeper
	for _, t := range troubles {
		n.emit(Error(t))
	}
	for _, e := range pending {
		if e.Author != n.id.ID {
			n.sayAnew(e)
			continue
		}
		if m, ok := message(n.id, room.Arrival{Entry: e}); ok {
			n.emit(Pending{ID: e.ID, Text: m.Text, To: m.To, Earlier: true})
		}
	}
}

// sayAnew says what waits under a key that this node has no more. What was private can't be read without that key.
func (n *Node) sayAnew(e *room.Entry) {
	n.outbox.Drop(e.ID)
	if e.Msg.Kind == room.Text {
		_, err := n.say(words{text: e.Msg.Text})
		if err == nil {
			return
		}
		n.slog.Warn("a message of the former key can't be said", "error", err)
	}
	n.emit(Error{
		Error: "a message that waited under this node's former key can't be sent",
		Hint:  "say it again",
	})
}

// keepHistory saves what arrives until stop is called, which returns once everything is on disk.
func (n *Node) keepHistory() (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(n.ctx))
	var keeping sync.WaitGroup
	keeping.Go(func() {
		n.keeper.Run(ctx, func(t history.Trouble) { n.post(n.ctx, Error(t)) })
	})
	return func() { cancel(); keeping.Wait() }
}

// reminisce shows the end of what was said before this node's start, as far as it was there. What was said since
// then comes from the host.
func (n *Node) reminisce() {
	last := n.log.Before(nil, recall)
	slices.Reverse(last)
	for _, e := range last {
		if m, ok := n.message(room.Arrival{Entry: e}); ok {
			m.History = true
			n.emit(m)
		}
	}
}

// HistoryQuery says which messages to tell of.
type HistoryQuery struct {
	Search string    // words that must all begin a word of the text; private messages are not searched
	Since  time.Time // zero: from the beginning
	Limit  int       // the newest so many; 0: all
}

// History tells what was said in a room, oldest first: from the state folder, whether a node uses it or not; where
// there is nothing, from the room's host, as an observer whom nobody sees.
func History(ctx context.Context, cfg Config, q HistoryQuery) ([]Message, error) {
	if cfg.Room == "" {
		cfg.Room = defaultRoom
	}
	id, err := identity.Load(cfg.StateDir)
	if err != nil {
		return nil, err
	}
	entries, err := history.Read(ctx, cfg.StateDir, cfg.Room, history.Query{Words: q.Search, Since: q.Since, Limit: q.Limit})
	if err != nil {
		log, askErr := askHost(ctx, cfg, id)
		switch {
		case askErr != nil && errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("nothing is kept on this machine, and %w", askErr)
		case askErr != nil:
			return nil, err
		}
		entries = slices.DeleteFunc(log.Entries(), func(e *room.Entry) bool {
			return e.Stamp.HLC < room.Reading(q.Since) || q.Search != "" && (e.Msg.Kind == room.Private || !history.Matches(e.Msg.Text, q.Search))
		})
		if q.Limit > 0 {
			entries = entries[max(0, len(entries)-q.Limit):]
		}
	}
	var out []Message
	for _, e := range entries {
		if m, ok := message(id, room.Arrival{Entry: e}); ok {
			m.History = true
			out = append(out, m)
		}
	}
	return out, nil
}

// askHost gets the log of a room's host, which it looks for first.
func askHost(ctx context.Context, cfg Config, id *identity.Identity) (*room.Log, error) {
	var log *room.Log
	var last error
	err := lookAround(ctx, cfg, func(u discovery.Update) bool {
		p := u.Peer
		if u.Gone || len(p.Addrs) == 0 || !p.ID.IsZero() && p.Room != cfg.Room {
			return false
		}
		l, err := fetch(ctx, cfg, id, p)
		if err != nil {
			last = err
			return false
		}
		log = l
		return true
	})
	switch {
	case log != nil:
		return log, nil
	case last != nil:
		return nil, fmt.Errorf("room %q: %w", cfg.Room, last)
	case err == nil || errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("nobody hosts room %q here; node rooms lists the rooms that there are", cfg.Room)
	}
	return nil, err
}

// fetch gets the log of one host.
func fetch(ctx context.Context, cfg Config, id *identity.Identity, p discovery.Peer) (*room.Log, error) {
	log := room.NewLog()
	client, err := relay.Dial(ctx, p.Addrs, relay.ClientConfig{
		Identity: id, Expect: p.ID, Room: cfg.Room, Name: cfg.Name, Log: log, Outbox: room.NewOutbox(),
		Observer: true, Logger: cfg.Log,
	})
	if err != nil {
		return nil, err
	}
	ctx, done := context.WithCancel(ctx)
	defer done()
	whole := false
	err = client.Run(ctx, func(n relay.Notice) {
		if _, ok := n.(relay.Synced); ok {
			whole = true
			done()
		}
	})
	if !whole && err == nil {
		err = ctx.Err()
	}
	if !whole {
		return nil, err
	}
	return log, nil
}
