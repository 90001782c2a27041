package node

import (
	"time"

	"parley.lan/room"
)

// Event is one thing that happened, for whatever faces the person. Its type name and its JSON fields are a
// contract that other people's scripts rely on (docs/protocol.md lists them): extend, never break.
type Event interface{ Type() string }

// Person is how an event names a member.
type Person struct {
	ID   room.NodeID `json:"id"`
	Name string      `json:"name"`
}

type (
	// Seeking: looking for the room on the LAN.
	Seeking struct {
		Room string `json:"room"`
	}
	// Hosting: this node's relay is open at these addresses ("ip:port").
	Hosting struct {
		Room  string   `json:"room"`
		Epoch uint64   `json:"epoch"`
		Text  []string `json:"text"`
		Voice []string `json:"voice"`
	}
	// Joined: settled at a host, this node itself included.
	Joined struct {
		Room    string        `json:"room"`
		Epoch   uint64        `json:"epoch"`
		Host    HostInfo      `json:"host"`
		Members []room.Member `json:"members"`
	}
	// HostLost: the host is gone; the node looks for the room again.
	HostLost struct {
		Reason string `json:"reason"`
	}
	// MemberJoined: somebody came in.
	MemberJoined struct {
		Member room.Member `json:"member"`
	}
	// MemberLeft: somebody went.
	MemberLeft struct {
		Member room.Member `json:"member"`
	}
	// Message: a message in its place in the room's order, one's own included.
	Message struct {
		ID      room.ID   `json:"id"`
		From    Person    `json:"from"`
		To      *Person   `json:"to,omitempty"` // private messages only
		Text    string    `json:"text"`
		Sent    time.Time `json:"sent"` // by the author's clock, for display
		Mine    bool      `json:"mine"`
		Private bool      `json:"private"`
		Late    bool      `json:"late"`              // belongs before a message already shown
		Plain   bool      `json:"plain"`             // from a plain member: its host vouches for it
		History bool      `json:"history,omitempty"` // said before this node came
		Order   uint64    `json:"order"`             // its place in the room: the host's hybrid logical clock when it ordered it
	}
	// Pending: one's own message waits for a host to order it.
	Pending struct {
		ID      room.ID `json:"id"`
		Text    string  `json:"text"`
		To      *Person `json:"to,omitempty"`      // private messages only
		Earlier bool    `json:"earlier,omitempty"` // said before this node's start, and waiting since
	}
	// Delivered: one's own message has its place in the room's order.
	Delivered struct {
		ID room.ID `json:"id"`
	}
	// Safe: one's own message is with the host's first successor too, so that no single machine takes it away.
	Safe struct {
		ID room.ID `json:"id"`
	}
	// Reunited: the room was split, and the halves have come together. What the other half said comes as late messages.
	Reunited struct {
		Since time.Time `json:"since"` // of the first of those
	}
	// Speaking: a member began or ceased to speak.
	Speaking struct {
		Member room.Member `json:"member"`
		On     bool        `json:"on"`
	}
	// Recording: a member began or ceased to keep what is spoken.
	Recording struct {
		Member room.Member `json:"member"`
		On     bool        `json:"on"`
	}
	// MemberState: a member does something else than before that the others ought to know: it has muted itself, say. That it
	// records has an event of its own.
	MemberState struct {
		Member room.Member `json:"member"`
	}
	// Switched: one of this node's switches was turned, from whichever face.
	Switched struct{ Switches }
	// Renamed: a member goes by another name now.
	Renamed struct {
		Member room.Member `json:"member"`
		Was    string      `json:"was"`
	}
	// Voice: how each speaker's voice arrived during the last five seconds.
	Voice struct {
		Speakers []VoiceQuality `json:"speakers"`
		FrameMS  float64        `json:"frame_ms"`         // duration of one's own frames, when last sent, or as the host asks; 0: neither yet
		Budget   *Budget        `json:"budget,omitempty"` // absent without sound
	}
	// Audio: the sound devices in use, or why there are none.
	Audio struct {
		Input  string `json:"input"`
		Output string `json:"output"`
		Error  string `json:"error,omitempty"`
	}
	// Error: something went wrong that the person should know of, with what to do about it.
	Error struct {
		Error string `json:"error"`
		Hint  string `json:"hint"`
	}
	// Left: the node has left the room. It is the last event.
	Left struct {
		Reason string `json:"reason"`
	}
)

// Detached is the reason of Left for a face that has gone by itself, from a node that goes on.
const Detached = "detached; the node goes on"

// HostInfo tells who hosts, and where.
type HostInfo struct {
	Person
	Addr string `json:"addr"`
}

// VoiceQuality is one speaker's line in a Voice event.
type VoiceQuality struct {
	Person
	Received  uint64  `json:"received"`
	Lost      uint64  `json:"lost"`
	Concealed uint64  `json:"concealed"`
	Late      uint64  `json:"late"`
	Recovered uint64  `json:"recovered"`
	JitterMS  float64 `json:"jitter_ms"`
	DelayMS   float64 `json:"delay_ms"`
}

// BudgetOf adds the sum to the stages.
func BudgetOf(b room.VoiceBudget) *Budget { return &Budget{b, b.Total()} }

// Budget is how long a voice takes from microphone to ear, stage by stage and in all.
type Budget struct {
	room.VoiceBudget
	Total float64 `json:"total"`
}

func (Seeking) Type() string      { return "seeking" }
func (Hosting) Type() string      { return "hosting" }
func (Joined) Type() string       { return "joined" }
func (HostLost) Type() string     { return "host-lost" }
func (MemberJoined) Type() string { return "member-joined" }
func (MemberLeft) Type() string   { return "member-left" }
func (Message) Type() string      { return "message" }
func (Pending) Type() string      { return "pending" }
func (Delivered) Type() string    { return "delivered" }
func (Safe) Type() string         { return "safe" }
func (Reunited) Type() string     { return "reunited" }
func (Speaking) Type() string     { return "speaking" }
func (Recording) Type() string    { return "recording" }
func (MemberState) Type() string  { return "member-state" }
func (Switched) Type() string     { return "switched" }
func (Renamed) Type() string      { return "renamed" }
func (Voice) Type() string        { return "voice" }
func (Audio) Type() string        { return "audio" }
func (Error) Type() string        { return "error" }
func (Left) Type() string         { return "left" }
