package command

import (
	"parley.lan/node"
	"parley.lan/room"
)

// The answers to commands, in the stream of events with those of the node.
type (
	// MembersAnswer is who is here.
	MembersAnswer struct {
		Members []room.Member `json:"members"`
	}
	// MutedAnswer tells whether one's own voice is not sent.
	MutedAnswer struct {
		On bool `json:"on"`
	}
	// SoundAnswer is how the sound is.
	SoundAnswer struct{ node.Sounding }
	// HelpAnswer is what one can type.
	HelpAnswer struct {
		Text string `json:"text"`
	}
	// FoundAnswer is what was found, oldest first.
	FoundAnswer struct {
		Words    string         `json:"words"`
		Messages []node.Message `json:"messages"`
	}
	// DevicesAnswer is this machine's sound devices, and those in use.
	DevicesAnswer struct {
		Devices []node.Device `json:"devices"`
		Input   string        `json:"input"`
		Output  string        `json:"output"`
	}
	// InviteAnswer is how others get in who don't find the room: addresses for --join.
	InviteAnswer struct {
		Room  string   `json:"room"`
		Addrs []string `json:"addrs"`
		Line  string   `json:"line"`
	}
	// VolumeAnswer is how loud a member is heard.
	VolumeAnswer struct {
		Member  node.Person `json:"member"`
		Percent int         `json:"percent"`
	}
	// SwitchesAnswer is what is turned on and off.
	SwitchesAnswer struct{ node.Switches }
)

func (MembersAnswer) Type() string  { return "members" }
func (MutedAnswer) Type() string    { return "muted" }
func (HelpAnswer) Type() string     { return "help" }
func (SoundAnswer) Type() string    { return "sound" }
func (FoundAnswer) Type() string    { return "found" }
func (DevicesAnswer) Type() string  { return "devices" }
func (InviteAnswer) Type() string   { return "invite" }
func (VolumeAnswer) Type() string   { return "volume" }
func (SwitchesAnswer) Type() string { return "switches" }
