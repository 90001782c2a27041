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
	Run      uint64      // of the host's process
	Self     room.Member // the host, for those who come in before its own client has; may be zero
	Reign    room.Reign  // at first; see Raise. Zero: the server stands by until Open
	Forced   bool        // started with --host
	Log      *room.Log   // the host node's own
	Ports    *Ports      // closed when Run returns
	NoPlain  bool
	Bridge   Bridge
	Floor    time.Duration // with a Reign: see Open
	Logger   *slog.Logger

	// Liveness of the members. No beats when Beat is 0.
	Beat time.Duration // between two signs of life
	Drop time.Duration // a member that has answered none for so long is sent away
	WiFi bool          // the host's own link, for the members to know

	// What the election has to say. All of them are called from many goroutines; only Knock may take its time.
	Knock   func(context.Context, Knock) (admit bool, refer wire.Peer) // on a host, or one with a reign greater than ours: to admit it, after a Raise, or to send it elsewhere (no address: nowhere)
	Warm    func(room.NodeID) bool                                     // may a node connect already while we stand by
	Hint    func() wire.Peer                                           // where the host is while we stand by
	Saw     func(Host)                                                 // a member tells of another host, or that it hosts itself
	Changed func()                                                     // the roster did; see Candidates
}

// Server is the hosted room.
type Server struct {
	cfg      Config
	log      *slog.Logger
	started  time.Time
	beaten   atomic.Int64  // when the last beat went out, in nanoseconds since the start
	woke     atomic.Int64  // when this process went on after a stop; 0: never
	opened   chan struct{} // closed by Open
	floor    chan struct{} // closed once fresh messages are taken
	run      uint64        // of the messages signed for plain members
	voice    *voiceRelay
	safety   safety
	door     *door // connections not yet known to be nodes, or not yet admitted
	nameless *door // plain text clients that have not given a name
	callers  *door // plain voice clients

	ordering  sync.RWMutex // held for writing, nothing is being ordered
	plainTurn sync.Mutex   // one plain message at a time is numbered and ordered
	plainSeq  uint64

	mu       sync.Mutex
	reign    room.Reign
	expect   map[room.NodeID]bool // who has not handed in yet what it holds
	heirs    []wire.Peer          // who hosts next
	members  map[room.NodeID]*member
	warm     map[room.NodeID][]*session // connected while we stand by, the oldest first
	watching int                        // observers
	redirect *wire.Peer                 // set once the host is elsewhere
	gone     chan struct{}              // then closed once every member has followed; nil before
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
		cfg: cfg, log: cfg.Logger.With("room", cfg.Room), started: time.Now(), run: room.Random(),
		opened: make(chan struct{}), floor: make(chan struct{}),
		members: map[room.NodeID]*member{}, warm: map[room.NodeID][]*session{},
		door: newDoor(maxGreeting, maxGreetingAddr), nameless: newDoor(maxNameless, maxNamelessAddr),
		callers: newDoor(maxPlainVoice, maxPlainVoice),
	}
	s.voice = newVoiceRelay(cfg.Ports.Voice, s.started, &s.Counters)
	return s
}

// Run serves the room until ctx ends, then tells the members goodbye and closes the ports.
func (s *Server) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if !s.cfg.Reign.IsZero() {
		s.Open(s.cfg.Reign, nil, s.cfg.Floor)
	}
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
	serve("beats", func() error { return s.beat(ctx) })
	<-ctx.Done()
	s.openFloor()
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
			case s.cfg.NoPlain || !s.hosts() || s.redirected() != nil:
				s.log.Info("plain client refused", "addr", conn.RemoteAddr())
			default:
				release() // it is one of those that the plain doors count
				plain(ctx, c)
			}
		})
	}
}

// say orders a verified fresh message. After an error its author must compare logs again; but after errElsewhere it says
// it to the host that prevails.
func (s *Server) say(e *room.Entry) error {
	<-s.floor
	for end := time.Now().Add(2 * wakeTime); s.doubtful() && time.Now().Before(end); time.Sleep(wakeTime / 100) {
	}
	s.ordering.RLock()
	defer s.ordering.RUnlock()
	if s.redirected() != nil {
		return errElsewhere // what is ordered from now on might get there or not
	}
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
