package command

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley.lan/node"
	"parley.lan/room"
)

const (
	searchMost = 200             // messages that a search gives
	searchTime = 5 * time.Second // for one
)

// Do does what an order asks for, and gives what it tells the person; nil: nothing, because events of the node tell it. Quit and
// Nothing are left to the caller. An error is an *Error, or the node's.
func Do(ctx context.Context, n node.Face, o Order) (node.Event, error) {
	switch o.Verb {
	case Say: // what is printed of others is not sent either
		_, err := n.Say(room.CleanText(o.Text))
		return nil, err
	case Me:
		_, err := n.Say("/me " + room.CleanText(o.Text))
		return nil, err
	case Msg:
		to, text, err := splitPerson(o.Text, n.Members())
		if err == nil {
			_, err = n.Whisper(to, room.CleanText(text))
		}
		return nil, err
	case Who:
		return MembersAnswer{slices.Concat([]room.Member{}, n.Members())}, nil
	case Name:
		return nil, n.Rename(o.Text)
	case Room:
		return nil, n.Enter(o.Text)
	case Mute, Unmute:
		n.SetMuted(o.Verb == Mute)
		return MutedAnswer{n.Switches().Muted}, nil
	case Deafen, Undeafen:
		n.SetDeaf(o.Verb == Deafen)
		return SwitchesAnswer{n.Switches()}, nil
	case PTT:
		return turn(n, o, n.Switches().PushToTalk, n.SetPushToTalk)
	case Test:
		return turn(n, o, n.Switches().Testing, n.TestMicrophone)
	case Volume:
		return volume(n, o.Text)
	case Devices:
		return devices(n, o.Text)
	case Search:
		ctx, cancel := context.WithTimeout(ctx, searchTime)
		defer cancel()
		found, err := n.Search(ctx, o.Text, searchMost)
		return FoundAnswer{o.Text, slices.Concat([]node.Message{}, found)}, err
	case Invite:
		return invite(n.Place())
	case Voice:
		return SoundAnswer{n.Sounding()}, nil
	case Help:
		return help(o.Text)
	}
	return nil, nil
}

// turn turns a switch on or off, or over.
func turn(n node.Face, o Order, is bool, set func(bool)) (node.Event, error) {
	switch o.Text {
	case "":
		set(!is)
	case "on", "off":
		set(o.Text == "on")
	default:
		c, _ := Find(string(o.Verb))
		return nil, wrong("write "+c.Usage(), "%q is neither on nor off", o.Text)
	}
	return SwitchesAnswer{n.Switches()}, nil
}

const volumeHint = "write /volume NAME PERCENT, such as 50, or 0 to hear nothing"

func volume(n node.Face, text string) (node.Event, error) {
	members := n.Members()
	who, rest, name, err := Person(text, members)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(members, func(m room.Member) bool {
		return m.ID.String() == who
	})
	if i < 0 {
		return nil, wrong("/who lists who is here", "nobody here is called %q", name)
	}
	m := members[i]
	if rest != "" {
		percent, err := strconv.Atoi(strings.TrimSuffix(rest, "%"))
		if err != nil || percent < 0 || percent > MaxPercent {
			return nil, wrong(volumeHint, "%q is not a number from 0 to %d", rest, MaxPercent)
		}
		if err := n.SetVolume(m.ID, DB(percent)); err != nil {
			return nil, err
		}
	}
	return VolumeAnswer{node.Person{ID: m.ID, Name: m.Name}, Percent(n.Volume(m.ID))}, nil
}

// MaxPercent is the loudest that one may hear somebody.
const MaxPercent = 1000

// DB gives the decibels of a volume in percent, and Percent the reverse.
func DB(percent int) float64 {
	if percent <= 0 {
		return node.Silent
	}
	return min(20*math.Log10(float64(percent)/100), node.MaxVolume)
}

// Percent is DB's reverse.
func Percent(dB float64) int {
	if dB <= node.Silent {
		return 0
	}
	return int(math.Round(100 * math.Pow(10, dB/20)))
}

func devices(n node.Face, text string) (node.Event, error) {
	s := n.Sounding()
	list, err := n.Devices()
	if text != "" {
		direction, name, _ := strings.Cut(text, " ")
		name = strings.TrimSpace(name)
		if name == "default" {
			name = ""
		}
		in, out := Chosen(list, s.Input, true), Chosen(list, s.Output, false)
		switch direction {
		case "in":
			in = name
		case "out":
			out = name
		default:
			return nil, wrong("write /devices in NAME or /devices out NAME; default as NAME is the system's", "%q is neither in nor out", direction)
		}
		if err := n.UseDevices(in, out); err != nil {
			return nil, err
		}
		return nil, nil // an event tells it
	}
	return DevicesAnswer{slices.Concat([]node.Device{}, list), s.Input, s.Output}, err
}

// Chosen tells how a device in use is to be named so that it stays: what is the system's default goes on following that.
func Chosen(list []node.Device, used string, input bool) string {
	for _, d := range list {
		if d.Name == used && (input && d.DefaultInput || !input && d.DefaultOutput) {
			return ""
		}
	}
	return used
}

func invite(p node.Place) (node.Event, error) {
	if len(p.Addrs) == 0 {
		return nil, wrong("wait until you are in a room", "nobody hosts the room yet")
	}
	line := "node --join " + p.Addrs[0]
	if p.Room != node.DefaultRoom {
		line += " --room " + shellWord(p.Room)
	}
	return InviteAnswer{p.Room, p.Addrs, line}, nil
}

// shellWord quotes a name for a shell where it must be.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.'
	}
	if strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func help(text string) (node.Event, error) {
	if text == "" {
		return HelpAnswer{HelpText()}, nil
	}
	c, known := Find(text)
	if !known {
		return nil, wrong("/help lists the commands", "there is no command %s", text)
	}
	return HelpAnswer{fmt.Sprintf("%s: %s", c.Usage(), c.Help)}, nil
}
