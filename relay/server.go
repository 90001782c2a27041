package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"parley.lan/identity"
	"parley.lan/room"
	"parley.lan/wire"
)

// Config is what a server is started with.
type Config struct {
	Identity *identity.Identity
	Room     string
	Reign    room.Reign // at first; see Raise
	Forced   bool       // started with --host
	Log      *room.Log  // the host node's own
	Ports    *Ports     // closed when Run returns
	NoPlain  bool
	Bridge   Bridge
	// Knock decides on a node that comes with a reign greater than ours: to admit it, after a Raise, or to
	// send it elsewhere (no address: nowhere). It is called from many goroutines and may take its time.
	Knock  func(ctx context.Context, id room.NodeID, reign room.Reign) (admit bool, refer wire.Redirect)
	Floor  time.Duration // how long fresh messages wait, so that survivors hand in older ones first
	Logger *slog.Logger
}

// Server is the hosted room.
type Server struct {
	cfg      Config
	log      *slog.Logger
	floor    <-chan struct{} // closed once fresh messages are taken
	run      uint64          // of the messages signed for plain members
	voice    *voiceRelay
	safety   safety
	door     *door // connections not yet known to be nodes, or not yet admitted
	nameless *door // plain text clients that have not given a name
	callers  *door // plain voice clients

	plainTurn sync.Mutex // one plain message at a time is numbered and ordered
	plainSeq  uint64

	mu       sync.Mutex
	reign    room.Reign
	members  map[room.NodeID]*member
	watching int            // observers
	redirect *wire.Redirect // set once the host is elsewhere
	plain    []*plainEnd
	Counters Counters
}

// Counters count what the server refused or dropped, by reason.
type Counters struct {
	GreetingsRefused atomic.Uint64 // connections over the limits before admission
	GreetingsFailed  atomic.Uint64 // connections that made no sense, or not in time
	MembersCut       atomic.Uint64 // members that read too slowly
	PacketsBad       atomic.Uint64 // voice packets of no session, forged, replayed or malformed
	PacketsDropped   atomic.Uint64 // voice packets that a full tunnel or socket did not take
}

// NewServer makes a server on open ports. It starts nothing.
func NewServer(cfg Config) *Server {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		cfg: cfg, log: cfg.Logger.With("room", cfg.Room, "epoch", cfg.Reign.Epoch),
		reign: cfg.Reign, run: room.Random(), members: map[room.NodeID]*member{},
		door: newDoor(maxGreeting, maxGreetingAddr), nameless: newDoor(maxNameless, maxNamelessAddr),
		callers: newDoor(maxPlainVoice, maxPlainVoice),
	}
	s.voice = newVoiceRelay(cfg.Ports.Voice, &s.Counters)
	return s
}

// Run serves the room until ctx ends, then tells the members goodbye and closes the ports.
func (s *Server) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	floor, opened := context.WithTimeout(context.Background(), s.cfg.Floor)
	defer opened()
	s.floor = floor.Done()
	var wg sync.WaitGroup
	serve := func(what string, f func() error) {
		wg.Go(func() {
			if err := f(); err != nil && ctx.Err() == nil {
				cancel(fmt.Errorf("relay: %s: %w", what, err))
			}
		})
	}
	serve("text port", func() error { return s.accept(ctx, s.cfg.Ports.Text, s.plainText) })
	serve("voice port", func() error { return s.accept(ctx, s.cfg.Ports.PlainWire, s.plainVoice) })
	serve("voice", func() error { return s.voice.run(ctx) })
	<-ctx.Done()
	s.cfg.Ports.Close()
	wg.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// accept takes connections until the listener closes; their goroutines have ended when it returns.
func (s *Server) accept(ctx context.Context, l net.Listener, plain func(context.Context, *sniffed)) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil { // out of file descriptors, say: existing members must not suffer
			s.log.Warn("accept failed", "error", err)
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(100 * time.Millisecond):
			}
			continue
		}
		release, ok := s.door.enter(conn)
		if !ok {
			s.Counters.GreetingsRefused.Add(1)
			conn.Close()
			continue
		}
		wg.Go(func() {
			defer release()
			defer conn.Close()
			c, isNode, err := sniff(conn)
			switch {
			case err != nil:
				s.Counters.GreetingsFailed.Add(1)
			case isNode:
				s.serveNode(ctx, c, release)
			case s.cfg.NoPlain:
				s.log.Info("plain client refused", "addr", conn.RemoteAddr())
			default:
				release() // it is one of those that the plain doors count
				plain(ctx, c)
			}
		})
	}
}

// Redirect sends every member, now and from now on, to the host that prevails.
func (s *Server) Redirect(to wire.Redirect) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.redirect = &to
	s.tell(nil, &notice{frame: mustAppend(wire.TRedirect, to), bye: true})
}

func (s *Server) redirected() *wire.Redirect {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.redirect
}

// Raise gives the reign a higher epoch, and tells everybody.
func (s *Server) Raise(r room.Reign) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reign = r
	s.tell(nil, &notice{frame: mustAppend(wire.TRaised, wire.Raised{Epoch: r.Epoch})})
}

// Reign is the server's now.
func (s *Server) Reign() room.Reign {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reign
}

// say orders a verified fresh message. After an error its author must compare logs again.
func (s *Server) say(e *room.Entry) error {
	<-s.floor
	if _, res := s.cfg.Log.Append(e, s.cfg.Identity.ID); res == room.Gap {
		return fmt.Errorf("message %d of its run does not follow", e.Msg.Seq)
	}
	return nil
}

// sayPlain signs and orders a message for a plain member, who has no key.
func (s *Server) sayPlain(name, text string) error {
	s.plainTurn.Lock()
	defer s.plainTurn.Unlock()
	e, err := room.Sign(s.cfg.Identity.Key, room.Message{
		Room: s.cfg.Room, Run: s.run, Seq: s.plainSeq + 1, Sent: time.Now().UnixNano(),
		Kind: room.Plain, Name: name, Text: text,
	})
	if err != nil {
		return err
	}
	if err := s.say(e); err != nil {
		return err
	}
	s.plainSeq++
	return nil
}

// mustAppend encodes what is ours and known to fit.
func mustAppend(t wire.Type, m any) []byte {
	b, err := wire.Append(nil, t, m)
	if err != nil {
		panic(err)
	}
	return b
}
