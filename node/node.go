// Package node is one participant: it seeks the room, elects, hosts or follows, and carries the whole
// conversation. Faces (the command line today) observe it through Events and never the other way round.
//
// One loop owns everything that changes (loop.go). Around it stand goroutines that each do one slow thing:
// discovery, a dial, the connection to the host, the relay while hosting, the sound. They post what came of
// it to the loop.
package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	mrand "math/rand/v2"
	"path/filepath"
	"sync/atomic"
	"time"

	"parley.lan/discovery"
	"parley.lan/history"
	"parley.lan/identity"
	"parley.lan/node/election"
	"parley.lan/relay"
	"parley.lan/room"
	"parley.lan/wire"
)

// Timers and bounds of the loop.
const (
	showBatch    = 256                    // messages shown in one turn
	maxQueue     = 4096                   // events that wait for a slow face; past it the log waits, and what is only of the moment is dropped
	inbox        = 256                    // posts that the loop has not yet taken; further ones wait
	quiet        = 50                     // -dBov: frames quieter than this are not somebody speaking
	copiesBehind = 100                    // frames: one so far behind the newest is none's copy, but of a stream begun anew
	speakHang    = 300 * time.Millisecond // speech goes on over the gaps between words
	speakTick    = 100 * time.Millisecond
	voiceTick    = 5 * time.Second
	settleTime   = 5 * time.Second        // members of the old host have this long to follow to the new one
	floorTime    = 300 * time.Millisecond // of a host that follows another: survivors hand in first
	wakeGap      = 2 * time.Second        // the wall clock ran ahead of the monotonic one by this: the machine slept
	leaveTime    = time.Second            // for goodbyes
	warmDelay    = 100 * time.Millisecond // and up to twice that, before a warm connection is made
	warmRest     = time.Second            // between tries of a warm connection
	probeTime    = 600 * time.Millisecond // for an answer to a probe, twice what the machine waits
	probeRest    = 5 * time.Millisecond
	maxAge       = 10 * 365 * 24 * time.Hour
	splitTime    = 5 * time.Second // what is late by more was said in the other half of a split room
	reuniteTime  = time.Minute     // between two warnings of that
	recall       = 20              // messages of before that are shown at the start

	// DefaultTextPort and DefaultVoicePort are what a host asks for.
	DefaultTextPort  = 2222
	DefaultVoicePort = 55555
	defaultRoom      = "lobby"
)

var errLeft = errors.New("the node has left the room")

// ErrTwin says that another run of this node's key has it now: the state folder was copied.
var ErrTwin = errors.New("another node uses this node's key")

// RefusedError says that the room is there and will not have this node.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return "refused: " + e.Reason }

// Node is one participant.
type Node struct {
	cfg     Config
	slog    *slog.Logger
	id      *identity.Identity
	known   *identity.Known
	disco   *discovery.Discovery
	run     uint64 // of this process, for messages
	again   bool   // under a new key: what was said before has been shown
	started time.Time

	log    *room.Log
	outbox *room.Outbox
	keeper *history.Keeper
	roster *roster
	ssrc   atomic.Uint32
	path   atomic.Pointer[room.VoicePath] // as the host last told it; nil: it has not

	clients  atomic.Pointer[[]*relay.Client] // for the voice path: to the host, and to those that we are just leaving
	hostAt   atomic.Pointer[wire.Peer]       // of the host followed last, for others to be told
	control  control
	wifi     bool
	pipes    *pipes
	switches *switchboard
	volumes  *volumes
	sounded  atomic.Pointer[Audio] // the devices in use, by last word

	events   chan Event
	requests chan request
	posts    chan any
	changed  chan struct{} // of one: the roster of our own relay did
	done     chan struct{} // closed when Run returns

	loop // the loop's alone
}

// New prepares a node: its identity from the state folder, nothing on the network yet.
func New(cfg Config) (*Node, error) {
	if cfg.Room == "" {
		cfg.Room = defaultRoom
	}
	if cfg.TextPort == 0 {
		cfg.TextPort = DefaultTextPort
	}
	if cfg.VoicePort == 0 {
		cfg.VoicePort = DefaultVoicePort
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if err := room.CheckName(cfg.Name); err != nil {
		return nil, fmt.Errorf("name: %w", err)
	}
	if err := room.CheckName(cfg.Room); err != nil {
		return nil, fmt.Errorf("room: %w", err)
	}
	n := &Node{
		cfg: cfg, slog: cfg.Log, run: room.Random(), started: time.Now(),
		log: room.NewLog(), outbox: room.NewOutbox(), roster: newRoster(),
		events: make(chan Event), requests: make(chan request), posts: make(chan any, inbox),
		changed: make(chan struct{}, 1), done: make(chan struct{}),
	}
	n.ssrc.Store(uint32(room.Random()) | 1)
	if cfg.pipes == nil { // else a former node's
		n.cfg.pipes, n.cfg.switches = newPipes(), newSwitchboard(cfg.Sound)
	}
	n.pipes, n.switches = n.cfg.pipes, n.cfg.switches
	var err error
	if n.id, err = identity.Load(cfg.StateDir); err != nil {
		return nil, err
	}
	var aside string
	if n.known, aside, err = identity.LoadKnown(cfg.StateDir); err != nil {
		return nil, err
	}
	if aside != "" {
		n.emit(Error{
			Error: "the record of known peers was damaged and is kept as " + aside,
			Hint:  "names met before count as new",
		})
	}
	n.known.See(n.id.ID, cfg.Name) // whoever takes one's own name is pointed out
	if cfg.volumes == nil {
		if n.cfg.volumes, aside = loadVolumes(cfg.StateDir); aside != "" {
			n.emit(Error{
				Error: "the volumes set for others were damaged and are kept as " + aside,
				Hint:  "everybody is as loud as the others until you change it",
			})
		}
	}
	n.volumes = n.cfg.volumes
	n.disco, err = discovery.New(discovery.Config{
		ID: n.id.ID, Ifaces: cfg.Ifaces, Join: cfg.Join, Log: cfg.Log,
		Remembered: filepath.Join(cfg.StateDir, "remembered"),
	})
	if err != nil {
		return nil, err
	}
	n.clients.Store(&[]*relay.Client{})
	n.wifi = onWiFi(cfg.Ifaces)
	n.machine = election.New(election.Config{
		Self: n.id.ID, Forced: cfg.ForceHost, Epoch: loadEpoch(cfg.StateDir), WiFi: n.wifi, Run: n.run,
		Rand: mrand.New(mrand.NewPCG(room.Random(), room.Random())),
	})
	if n.control, err = openControl(); err != nil {
		n.slog.Warn("no port for control datagrams: a change of host takes longer", "error", err)
	}
	return n, nil
}

// CheckJoin tells why addr can't be a --join target.
func CheckJoin(addr string) error {
	_, err := discovery.ParseTarget(addr)
	return err
}

// ID is this node's own id.
func (n *Node) ID() room.NodeID { return n.id.ID }

// Events is what happened, in order. The reader must keep reading until it is closed, after Left.
func (n *Node) Events() <-chan Event { return n.events }

// emit queues an event for the face. When the face reads too slowly, what is only of the moment is dropped.
func (n *Node) emit(e Event) {
	if len(n.queue) >= maxQueue {
		switch e.(type) {
		case Speaking, Voice:
			return
		}
	}
	n.queue = append(n.queue, e)
}

// post hands the loop what a goroutine found out.
func (n *Node) post(ctx context.Context, p any) {
	select {
	case n.posts <- p:
	case <-ctx.Done():
	}
}
