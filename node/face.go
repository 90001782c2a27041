package node

import (
	"context"

	"parley.lan/room"
)

// Face is all that a face may ask of a node: of a Participant in this process, or of one in another through its control socket.
// Nothing here blocks for longer than a moment, but for what takes a context.
type Face interface {
	ID() room.NodeID
	// Events is what happened, in order. The reader must keep reading until it is closed, after Left.
	Events() <-chan Event
	// Say sends text to the room; Whisper to one member, named by its name or the beginning of its id.
	Say(text string) (room.ID, error)
	Whisper(to, text string) (room.ID, error)
	Members() []room.Member
	// Earlier gives the n messages before one, oldest first; before the newest of all when it is zero. None: there are none.
	Earlier(ctx context.Context, before room.ID, n int) ([]Message, error)
	// Search gives the newest n messages of the room with all of these words, or words that begin so, oldest first.
	Search(ctx context.Context, words string, n int) ([]Message, error)
	// Rename changes this member's name, for everybody. Enter goes to another room; the node leaves its own politely first.
	Rename(name string) error
	Enter(room string) error
	// Place tells where this node is now.
	Place() Place

	Sounding() Sounding
	Levels() Levels
	Switches() Switches
	SetMuted(bool)
	SetDeaf(bool)
	SetPushToTalk(bool)
	Press(bool)
	TestMicrophone(bool)
	// SetVolume says how loud a member is heard, in dB (see Sound); it is kept for the next time that member comes.
	SetVolume(who room.NodeID, dB float64) error
	Volume(who room.NodeID) float64
	Devices() ([]Device, error)
	UseDevices(input, output string) error
}

// Place is a room, and where its host is reached.
type Place struct {
	Room  string   `json:"room"`
	Host  HostInfo `json:"host"`  // zero: nobody hosts it yet
	Addrs []string `json:"addrs"` // of the host, for --join, best first
}

// Levels is how loud it is at a moment, in -dBov (RFC 6464): 0 is the loudest, room.LevelSilent silence.
type Levels struct {
	Microphone uint8         `json:"microphone"`
	Sent       bool          `json:"sent"`              // what the microphone hears goes out
	Members    []MemberLevel `json:"members,omitempty"` // those that speak now
}

// MemberLevel is how loud one member's voice arrives.
type MemberLevel struct {
	ID    room.NodeID `json:"id"`
	Level uint8       `json:"level"`
}

// Switches are what the person has turned on or off.
type Switches struct {
	Muted      bool `json:"muted"`        // one's own voice is not sent
	Deaf       bool `json:"deaf"`         // others' voices are not played
	PushToTalk bool `json:"push_to_talk"` // one's own voice is sent while pressed only
	Pressed    bool `json:"pressed"`
	Testing    bool `json:"testing"` // one hears oneself, and nobody else does
}

// DefaultRoom is the one that nodes are in unless told otherwise.
const DefaultRoom = defaultRoom

var _ Face = (*Participant)(nil)
