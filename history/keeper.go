package history

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"parley.lan/room"
)

// Config says whose history is kept where.
type Config struct {
	Dir    string // the state folder
	Room   string
	Keep   room.Keep // room.DefaultKeep, but for tests
	Log    *room.Log
	Outbox *room.Outbox
	Logger *slog.Logger
}

// Trouble is what the person at the keyboard should know.
type Trouble struct{ Error, Hint string }

// Keeper sees to it that a log and an outbox are on disk. Until Run it belongs to whoever opened it, then to Run.
type Keeper struct {
	cfg     Config
	store   *Store        // nil while there is none
	cursor  uint64        // the log is saved up to here
	backlog []*room.Entry // and these are to be saved besides
	told    bool          // the person knows that nothing is saved at present
}

// Open opens the database, lets the log adopt it, and puts the messages that still wait since earlier runs into
// the outbox; it returns those. It never fails: what went wrong is among the troubles, and Run goes on trying.
func Open(ctx context.Context, cfg Config) (k *Keeper, pending []*room.Entry, troubles []Trouble) {
	if cfg.Keep == (room.Keep{}) {
		cfg.Keep = room.DefaultKeep
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	k = &Keeper{cfg: cfg}
	pending = k.attach(ctx, func(t Trouble) { troubles = append(troubles, t) })
	return k, pending, troubles
}

// attach opens the store, setting a damaged one aside.
func (k *Keeper) attach(ctx context.Context, tell func(Trouble)) (pending []*room.Entry) {
	var err error
	for range 2 {
		if pending, err = k.tryAttach(ctx); err == nil {
			return pending
		}
		if !damaged(err) {
			break
		}
		if err = k.setAside(err, tell); err != nil {
			break
		}
	}
	k.trouble(err, tell)
	return nil
}

func (k *Keeper) tryAttach(ctx context.Context) ([]*room.Entry, error) {
	s, err := open(ctx, k.cfg.Dir, k.cfg.Room, k.cfg.Keep, k.cfg.Logger)
	if err != nil {
		return nil, err
	}
	messages, bytes := k.cfg.Log.Window()
	sum, err := s.summary(ctx, messages, bytes)
	var waiting []*room.Entry
	if err == nil {
		waiting, err = s.pending(ctx)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	k.store = s
	k.backlog, k.cursor = k.cfg.Log.Adopt(s, sum)
	k.cfg.Logger.Info("history opened", "messages", sum.Totals.Count, "runs", len(sum.Runs))
	var pending []*room.Entry
	for _, e := range waiting {
		if time.Since(e.Msg.SentTime()) > k.cfg.Keep.For || k.cfg.Log.Get(e.ID) != nil {
			continue // delivered, which an older copy of the file does not know, or nobody asks for it any more
		}
		if k.cfg.Outbox.Put(e) == nil {
			pending = append(pending, e)
		}
	}
	return pending, nil
}

func (k *Keeper) setAside(cause error, tell func(Trouble)) error {
	name, err := setAside(k.cfg.Dir)
	if err != nil {
		return err
	}
	k.cfg.Logger.Warn("history damaged", "error", cause, "aside", name)
	tell(Trouble{
		Error: "the history on this machine was damaged and is kept as " + name,
		Hint:  "a new one is begun; what was said comes back from the others in the room",
	})
	return nil
}

// trouble says once that nothing is saved.
func (k *Keeper) trouble(err error, tell func(Trouble)) {
	k.cfg.Logger.Warn("history not saved", "error", err)
	if k.told {
		return
	}
	k.told = true
	hint := "the talk goes on in memory; saving is tried again every " + retryTime.String()
	if errors.Is(err, errInUse) {
		hint = "give each node on one machine its own with --state-dir; this one keeps what is said in memory"
	}
	tell(Trouble{"what is said here is not saved: " + plainly(err), hint})
}

// Run saves what arrives until ctx ends; then it saves the rest and closes the file. tell may be called at any
// time in between.
func (k *Keeper) Run(ctx context.Context, tell func(Trouble)) {
	var checking sync.WaitGroup
	defer checking.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if s := k.store; s != nil {
		checking.Go(func() { s.check(ctx) })
	}
	defer k.close()
	work := context.WithoutCancel(ctx)
	for last := false; ; {
		_, _, arrived, _ := k.cfg.Log.After(k.cursor, 0)
		_, _, said := k.cfg.Outbox.After(0)
		var retry <-chan time.Time
		var met <-chan error
		err := k.flush(work)
		if err != nil && k.failed(work, err, tell) {
			err = k.flush(work)
		}
		switch {
		case last:
			return
		case k.store == nil:
			arrived, said, retry = nil, nil, time.After(retryTime)
		default:
			met = k.store.trouble
		}
		select {
		case <-ctx.Done():
			last = true
			continue
		case err := <-met:
			k.failed(work, err, tell)
			continue
		case <-retry:
			k.attach(work, tell)
			continue
		case <-arrived:
		case <-said:
		}
		select { // let a group gather
		case <-time.After(groupTime):
		case <-ctx.Done():
		}
	}
}

// failed closes a store that something went wrong with; the log has what memory held from here on. A damaged one
// is set aside, and true tells that a new one has taken its place. Any other is opened again later.
func (k *Keeper) failed(ctx context.Context, err error, tell func(Trouble)) bool {
	k.close()
	if !damaged(err) {
		k.trouble(err, tell)
		return false
	}
	if err := k.setAside(err, tell); err != nil {
		k.trouble(err, tell)
		return false
	}
	k.attach(ctx, tell)
	return k.store != nil
}

// close parts log and store.
func (k *Keeper) close() {
	if k.store == nil {
		return
	}
	k.cfg.Log.Disown()
	if err := k.store.Close(); err != nil {
		k.cfg.Logger.Warn("history not closed cleanly", "error", err)
	}
	k.store = nil
}

// flush writes all that has arrived, then what waits. The outbox is looked at before the log: a message that has
// left it has arrived in the log by then, so that no crash finds it in neither.
func (k *Keeper) flush(ctx context.Context) error {
	if k.store == nil {
		return nil
	}
	for {
		waiting, _, _ := k.cfg.Outbox.After(0)
		for len(k.backlog) > 0 {
			n := min(group, len(k.backlog))
			if err := k.store.save(ctx, k.backlog[:n]); err != nil {
				return err
			}
			k.backlog, k.told = k.backlog[n:], false
		}
		got, next, _, ok := k.cfg.Log.After(k.cursor, group)
		if !ok { // the disk failed for long: begin with all that is in memory
			k.cursor = k.cfg.Log.End()
			k.backlog = k.cfg.Log.Entries()
			continue
		}
		if len(got) > 0 {
			entries := make([]*room.Entry, len(got))
			for i, a := range got {
				entries[i] = a.Entry
			}
			if err := k.store.save(ctx, entries); err != nil {
				return err
			}
			k.told = false
		}
		k.cursor = next
		k.cfg.Log.Saved(next)
		for more := true; more; {
			var err error
			if more, err = k.store.prune(ctx, k.cfg.Log); err != nil {
				return err
			}
		}
		if len(got) == group {
			continue
		}
		return k.store.saveOutbox(ctx, waiting)
	}
}
