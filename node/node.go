// Package node is one participant: it seeks the room, elects, hosts or follows, and carries the whole
// conversation. Faces (the command line today) observe it through Events and never the other way round.
package node

import (
	"context"

	"parley.lan/room"
)

type Node struct{}

// New prepares a node: its identity from the state folder, nothing on the network yet.
func New(cfg Config) (*Node, error) { panic("to come") }

// Run takes part in the room until ctx ends, then leaves politely. It emits Left last, then closes Events.
func (n *Node) Run(ctx context.Context) error { panic("to come") }

// Events is what happened, in order. The reader must keep reading until it is closed.
func (n *Node) Events() <-chan Event { panic("to come") }

// Say sends text to the room; Pending and Delivered events carry the returned id. Errors: text empty or
// longer than room.MaxText bytes.
func (n *Node) Say(text string) (room.ID, error) { panic("to come") }

// Whisper sends text to one member by name (or by the beginning of its id), encrypted to it.
func (n *Node) Whisper(to, text string) (room.ID, error) { panic("to come") }

// Members is the roster by last word, this node included.
func (n *Node) Members() []room.Member { panic("to come") }

// ID is this node's own id.
func (n *Node) ID() room.NodeID { panic("to come") }

// SetMuted stops or starts sending one's own voice; Muted tells which.
func (n *Node) SetMuted(on bool) {}
func (n *Node) Muted() bool      { return false }

// Drain waits until everything said is delivered, or ctx ends; it returns how many messages are still pending.
func (n *Node) Drain(ctx context.Context) int { panic("to come") }

// RoomInfo is one room found on the LAN.
type RoomInfo struct {
	Room  string   `json:"room"`
	Epoch uint64   `json:"epoch"`
	Host  HostInfo `json:"host"`
	Nodes int      `json:"nodes"` // nodes that announce themselves for it, the host included
}

// Rooms looks around for the rooms on this LAN until ctx ends.
func Rooms(ctx context.Context, cfg Config) ([]RoomInfo, error) { panic("to come") }

// History fetches, as an observer nobody sees, the messages that the room's host holds, oldest first.
func History(ctx context.Context, cfg Config) ([]Message, error) { panic("to come") }
