package local

import (
	"context"
	"fmt"

	"parley.lan/node"
	"parley.lan/room"
)

// What an attached face says: a call, which is answered under its number.
type (
	call struct {
		Call   uint64       `json:"call"`
		Do     string       `json:"do"`
		Text   string       `json:"text,omitempty"`   // of say-text, whisper and search; the name of rename and enter
		To     string       `json:"to,omitempty"`     // of whisper
		Before *room.ID     `json:"before,omitempty"` // of earlier; absent: the newest
		N      int          `json:"n,omitempty"`      // of earlier and search
		On     bool         `json:"on,omitempty"`     // of the switches
		Who    *room.NodeID `json:"who,omitempty"`    // of volume and set-volume
		DB     float64      `json:"db,omitempty"`     // of set-volume
		Input  string       `json:"input,omitempty"`  // of use-devices
		Output string       `json:"output,omitempty"` // of use-devices
	}
	reply struct {
		Answer   uint64         `json:"answer"`
		Error    string         `json:"error,omitempty"`
		More     bool           `json:"more,omitempty"` // another part of the same answer follows
		ID       *room.ID       `json:"id,omitempty"`
		Messages []node.Message `json:"messages,omitempty"`
		Switches *node.Switches `json:"switches,omitempty"`
		Sound    *node.Sounding `json:"sound,omitempty"`
		DB       float64        `json:"db,omitempty"`
		Devices  []node.Device  `json:"devices,omitempty"`
	}
)

// What may be called.
const (
	callSay        = "say-text"
	callWhisper    = "whisper"
	callEarlier    = "earlier"
	callSearch     = "search"
	callRename     = "rename"
	callEnter      = "enter"
	callMuted      = "muted"
	callDeaf       = "deaf"
	callPushToTalk = "push-to-talk"
	callPress      = "press"
	callTest       = "test-microphone"
	callSound      = "sound"
	callVolume     = "volume"
	callSetVolume  = "set-volume"
	callDevices    = "devices"
	callUseDevices = "use-devices"
)

// slow tells which calls may take long: those don't hold up the others.
func (c call) slow() bool {
	switch c.Do {
	case callEarlier, callSearch, callDevices, callUseDevices:
		return true
	}
	return false
}

// do does what a face calls for.
func (c call) do(ctx context.Context, n node.Face) (r reply) {
	var err error
	turned := func() {
		now := n.Switches()
		r.Switches = &now
	}
	var who room.NodeID
	if c.Who != nil {
		who = *c.Who
	}
	switch c.Do {
	case callSay:
		var id room.ID
		id, err = n.Say(room.CleanText(c.Text))
		r.ID = &id
	case callWhisper:
		var id room.ID
		id, err = n.Whisper(c.To, room.CleanText(c.Text))
		r.ID = &id
	case callEarlier:
		var before room.ID
		if c.Before != nil {
			before = *c.Before
		}
		r.Messages, err = n.Earlier(ctx, before, c.N)
	case callSearch:
		r.Messages, err = n.Search(ctx, c.Text, c.N)
	case callRename:
		err = n.Rename(c.Text)
	case callEnter:
		err = n.Enter(c.Text)
	case callMuted:
		n.SetMuted(c.On)
		turned()
	case callDeaf:
		n.SetDeaf(c.On)
		turned()
	case callPushToTalk:
		n.SetPushToTalk(c.On)
		turned()
	case callPress:
		n.Press(c.On)
		turned()
	case callTest:
		n.TestMicrophone(c.On)
		turned()
	case callSound:
		now := n.Sounding()
		r.Sound = &now
	case callVolume:
		r.DB = n.Volume(who)
	case callSetVolume:
		err = n.SetVolume(who, c.DB)
	case callDevices:
		r.Devices, err = n.Devices()
	case callUseDevices:
		err = n.UseDevices(c.Input, c.Output)
	default:
		err = fmt.Errorf("the running node knows no %.40q: is it older than this program?", c.Do)
	}
	if err != nil {
		return reply{Answer: c.Call, Error: err.Error()}
	}
	r.Answer = c.Call
	return r
}

// parts divides an answer so that each part fits into a line.
func (r reply) parts() (out []reply) {
	size, from := 0, 0
	for i, m := range r.Messages {
		size += 6*len(m.Text) + 1024 // at the most; a message has two names
		if size > answerBytes && i > from {
			out = append(out, reply{Answer: r.Answer, Messages: r.Messages[from:i], More: true})
			size, from = 6*len(m.Text)+1024, i
		}
	}
	r.Messages = r.Messages[from:]
	return append(out, r)
}
