package node

import (
	"context"
	"errors"
	"slices"

	"parley.lan/history"
	"parley.lan/room"
)

const (
	maxEarlier = 1000 // messages of one answer
	readAhead  = 64   // entries read from the log at once, at least: some are not for us
)

// Earlier gives the n messages before one in the room's order, oldest first; before the newest of all when it is zero. None:
// there are none. Names are those of that time.
func (n *Node) Earlier(ctx context.Context, before room.ID, count int) ([]Message, error) {
	var at *room.Entry
	if before != (room.ID{}) {
		if at = n.log.Get(before); at == nil {
			return nil, errors.New("this node no longer keeps the message to go back from")
		}
	}
	count = min(count, maxEarlier)
	var out []Message
	for len(out) < count {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		got := n.log.Before(at, max(count-len(out), readAhead))
		if len(got) == 0 {
			break
		}
		out = append(out, n.past(got, count-len(out))...)
		at = got[len(got)-1]
	}
	slices.Reverse(out)
	return out, nil
}

// past makes events of the first count entries that are for us.
func (n *Node) past(entries []*room.Entry, count int) (out []Message) {
	for _, e := range entries {
		if m, ok := n.message(room.Arrival{Entry: e}); ok && len(out) < count {
			m.History = true
			out = append(out, m)
		}
	}
	return out
}

// Search gives the newest count messages with all of these words, or words that begin so, oldest first. Private ones are not
// searched.
func (n *Node) Search(ctx context.Context, words string, count int) ([]Message, error) {
	count = min(count, maxEarlier)
	if count <= 0 {
		return nil, nil
	}
	inMemory := n.log.Unsaved() // before the file is read: what is saved meanwhile is found twice, and not missed
	found, err := history.Read(ctx, n.cfg.StateDir, n.cfg.Room, history.Query{Words: words, Limit: count})
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		inMemory = n.log.Entries() // without a file that can be read it is all that there is
	}
	for _, e := range inMemory {
		if e.Msg.Kind != room.Private && history.Matches(e.Msg.Text, words) {
			found = append(found, e)
		}
	}
	slices.SortFunc(found, (*room.Entry).Compare)
	found = slices.CompactFunc(found, func(a, b *room.Entry) bool { return a.ID == b.ID })
	return n.past(found[max(0, len(found)-count):], count), nil
}

// Earlier is Node's.
func (p *Participant) Earlier(ctx context.Context, before room.ID, n int) ([]Message, error) {
	now, _ := p.now()
	return now.Earlier(ctx, before, n)
}

// Search is Node's.
func (p *Participant) Search(ctx context.Context, words string, n int) ([]Message, error) {
	now, _ := p.now()
	return now.Search(ctx, words, n)
}
