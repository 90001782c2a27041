package cli

import (
	"fmt"
	"slices"
	"strings"

	"parley.lan/node"
	"parley.lan/room"
)

// verb is what a line asks for.
type verb string

const (
	verbNothing verb = ""
	verbSay     verb = "say"
	verbQuit    verb = "quit"
	verbWho     verb = "who"
	verbMute    verb = "mute"
	verbUnmute  verb = "unmute"
	verbMsg     verb = "msg"
	verbHelp    verb = "help"
	verbVoice   verb = "voice"
)

// stdinHelp is what one can type, for /help and for node help.
const stdinHelp = `A line is a message to the room. A line that begins with / is a command:
/who               who is here
/msg NAME TEXT     say TEXT to NAME alone (or to "NAME")
/mute, /unmute     stop and start sending your voice
/voice             how the voices arrive, and how long they take
/quit              leave once all is delivered, as at the end of input
/help              this list
//TEXT             say /TEXT`

// order is one line understood.
type order struct {
	verb verb
	text string // of say; NAME TEXT of msg, yet to be split
}

// parseLine understands a line. The error tells what to do about it.
func parseLine(line string) (order, error) {
	if strings.TrimSpace(line) == "" {
		return order{}, nil
	}
	command, isCommand := strings.CutPrefix(line, "/")
	if !isCommand {
		return order{verbSay, line}, nil
	}
	if strings.HasPrefix(command, "/") {
		return order{verbSay, command}, nil
	}
	word, rest, _ := strings.Cut(command, " ")
	rest = strings.TrimSpace(rest)
	switch v := verb(word); v {
	case verbMsg:
		return order{v, rest}, nil
	case verbQuit, verbWho, verbMute, verbUnmute, verbHelp, verbVoice:
		if rest != "" {
			return order{}, failed("to say it, double the slash: /"+line, "/%s takes nothing after it", word)
		}
		return order{verb: v}, nil
	}
	return order{}, failed(fmt.Sprintf("/help lists the commands; to say it, double the slash: /%s", line),
		"there is no command /%s", word)
}

const msgHint = `write /msg NAME TEXT, or /msg "NAME" TEXT`

// splitMsg divides NAME TEXT. NAME is quoted, or the longest name of a member that rest begins with, or the
// first word. to is the id of the member meant, or the NAME as written when no member here has it.
func splitMsg(rest string, members []room.Member) (to, text string, err error) {
	name, text, err := splitName(rest, members)
	if err != nil {
		return "", "", err
	}
	if text == "" {
		return "", "", failed(msgHint, "nothing to say to %s", name)
	}
	var named []room.Member
	for _, m := range members {
		if slices.ContainsFunc(calledBy(m, members), func(n string) bool { return strings.EqualFold(n, name) }) {
			named = append(named, m)
		}
	}
	switch len(named) {
	case 0:
		return name, text, nil
	case 1:
		return named[0].ID.String(), text, nil
	}
	var ids []string
	for _, m := range named {
		ids = append(ids, shortID(m.ID))
	}
	return "", "", failed("use the beginning of an id in place of the name: "+strings.Join(ids, " or "),
		"%d members are called %s", len(named), name)
}

func splitName(rest string, members []room.Member) (name, text string, err error) {
	if quoted, isQuoted := strings.CutPrefix(rest, `"`); isQuoted {
		name, text, closed := strings.Cut(quoted, `"`)
		if !closed || name == "" {
			return "", "", failed(msgHint, "the name has no closing quote")
		}
		return name, strings.TrimSpace(text), nil
	}
	for _, m := range members {
		for _, n := range calledBy(m, members) {
			if len(n) > len(name) && len(rest) >= len(n) && strings.EqualFold(rest[:len(n)], n) &&
				(len(rest) == len(n) || rest[len(n)] == ' ') {
				name = rest[:len(n)]
			}
		}
	}
	if name == "" {
		name, _, _ = strings.Cut(rest, " ")
	}
	if name == "" {
		return "", "", failed(msgHint, "nobody named to say it to")
	}
	return name, strings.TrimSpace(rest[len(name):]), nil
}

// calledBy gives what one may call a member: its name, and what stands for it on the screen.
func calledBy(m room.Member, members []room.Member) []string {
	return []string{room.CleanText(m.Name), room.CleanText(label(m, slices.Values(members)))}
}

func shortID(id room.NodeID) string { return id.String()[:6] }

// The answers to commands, in the stream of events with those of the node.
type (
	membersAnswer struct {
		Members []room.Member `json:"members"`
	}
	mutedAnswer struct {
		On bool `json:"on"`
	}
	soundAnswer struct{ node.Sounding }
	helpAnswer  struct {
		Text string `json:"text"`
	}
)

func (membersAnswer) Type() string { return "members" }
func (mutedAnswer) Type() string   { return "muted" }
func (helpAnswer) Type() string    { return "help" }
func (soundAnswer) Type() string   { return "sound" }

// complaint is an error as an event.
func complaint(err error) node.Error {
	if f, ok := err.(*failure); ok {
		return node.Error{Error: f.cause, Hint: f.hint}
	}
	return node.Error{Error: err.Error()}
}
