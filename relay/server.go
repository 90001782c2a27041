package relay

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
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
	cfg   Config
	log   *slog.Logger
	floor <-chan struct{} // closed once fresh messages are taken
	run   uint64          // of the messages signed for plain members
	voice *voiceRelay
	door  door

	plainTurn sync.Mutex // one plain message at a time is numbered and ordered
	plainSeq  uint64

	mu       sync.Mutex
	reign    room.Reign
	members  map[room.NodeID]*member
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

// member is one participant as the server keeps it.
type member struct {
	room.Member
	from    netip.Addr
	notices chan *notice        // its connection's writer takes them; a full queue cuts the member off
	cut     func(reason string) // ends its connection, at once and from any goroutine
}

// notice is what a member is told besides messages.
type notice struct {
	frame  []byte // ready for a node
	joined *room.Member
	left   *room.Member
	bye    bool // the frame is the last
}

// NewServer makes a server on open ports. It starts nothing.
func NewServer(cfg Config) *Server {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		cfg: cfg, log: cfg.Logger.With("room", cfg.Room, "epoch", cfg.Reign.Epoch),
		reign: cfg.Reign, run: randomUint64(), members: map[room.NodeID]*member{},
	}
	s.voice = newVoiceRelay(cfg.Ports.Voice, &s.Counters)
	s.door.addrs = map[netip.Addr]int{}
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
				c.admitted = release
				plain(ctx, c)
			}
		})
	}
}

var errFull = errors.New("the room is full")

// join puts m into the roster and tells the others. An older session of the same key gives way without a
// word: it is the same person. The returned roster includes m.
func (s *Server) join(m *member) (roster []room.Member, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.members[m.ID]
	if old == nil && len(s.members) >= maxMembers {
		return nil, errFull
	}
	for _, o := range s.members {
		if o.SSRC == m.SSRC && o != old {
			return nil, errSSRC
		}
	}
	s.members[m.ID] = m
	if old != nil {
		old.cut("came in again")
	}
	for _, o := range s.members {
		roster = append(roster, o.Member)
	}
	s.tell(m, joinedNotice(m.Member))
	return roster, nil
}

// leave takes m out of the roster, unless a newer session took its place.
func (s *Server) leave(m *member) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.members[m.ID] != m {
		return
	}
	delete(s.members, m.ID)
	s.tell(m, leftNotice(m.Member))
}

// tell gives a notice to everyone but one. A node that reads too slowly for them is cut off. The caller holds s.mu.
func (s *Server) tell(except *member, n *notice) {
	for _, o := range s.members {
		if o == except {
			continue
		}
		select {
		case o.notices <- n:
		default:
			if o.Plain { // who comes and goes is all that a plain member misses; messages it gets from the log
				continue
			}
			s.Counters.MembersCut.Add(1)
			o.cut("reads too slowly")
		}
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

// Members counts who is in the room.
func (s *Server) Members() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.members)
}

// freshSSRC picks a synchronisation source for a plain member.
func (s *Server) freshSSRC() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		n := uint32(randomUint64())
		taken := n == 0
		for _, m := range s.members {
			taken = taken || m.SSRC == n
		}
		if !taken {
			return n
		}
	}
}

// say orders a verified fresh message, and returns it as the log holds it. After an error its author must
// compare logs again.
func (s *Server) say(e *room.Entry) (*room.Entry, error) {
	<-s.floor
	held, res := s.cfg.Log.Append(e, s.cfg.Identity.ID)
	if res == room.Gap {
		return nil, fmt.Errorf("message %d of its run does not follow", e.Msg.Seq)
	}
	return held, nil
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
	if _, err := s.say(e); err != nil {
		return err
	}
	s.plainSeq++
	return nil
}

func joinedNotice(m room.Member) *notice {
	return &notice{frame: mustAppend(wire.TJoined, wire.Joined{Member: wire.FromMember(m)}), joined: &m}
}

func leftNotice(m room.Member) *notice {
	return &notice{frame: mustAppend(wire.TLeft, wire.Left{ID: m.ID[:]}), left: &m}
}

// mustAppend encodes what is ours and known to fit.
func mustAppend(t wire.Type, m any) []byte {
	b, err := wire.Append(nil, t, m)
	if err != nil {
		panic(err)
	}
	return b
}

func randomUint64() uint64 {
	var b [8]byte
	rand.Read(b[:])
	return binary.BigEndian.Uint64(b[:])
}
