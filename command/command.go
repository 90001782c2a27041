// Package command is what a person can type into a room: messages, and commands that begin with a slash. It understands
// lines, completes them, and does what they ask for; the faces show what comes of it.
package command

import (
	"fmt"
	"strings"
)

// Verb is what a line asks for.
type Verb string

const (
	Nothing  Verb = ""
	Say      Verb = "say"
	Quit     Verb = "quit"
	Who      Verb = "who"
	Msg      Verb = "msg"
	Me       Verb = "me"
	Name     Verb = "name"
	Mute     Verb = "mute"
	Unmute   Verb = "unmute"
	Deafen   Verb = "deafen"
	Undeafen Verb = "undeafen"
	PTT      Verb = "ptt"
	Test     Verb = "test"
	Volume   Verb = "volume"
	Devices  Verb = "devices"
	Search   Verb = "search"
	Room     Verb = "room"
	Invite   Verb = "invite"
	Voice    Verb = "voice"
	Help     Verb = "help"
)

// A Command is one that begins with a slash.
type Command struct {
	Verb Verb
	Args string // as the help writes them; [optional]
	Help string // one line
	args []argument
}

// All commands, in the order of the help.
var All = []Command{
	{Who, "", "who is here", nil},
	{Msg, "NAME TEXT", `say TEXT to NAME (or "NAME") alone, sealed`, []argument{aMember, aText}},
	{Me, "TEXT", "say what you do: /me waves", []argument{aText}},
	{Name, "NEW", "go by another name", []argument{aText}},
	{Mute, "", "stop sending your voice", nil},
	{Unmute, "", "send your voice again", nil},
	{Deafen, "", "stop hearing the others", nil},
	{Undeafen, "", "hear the others again", nil},
	{PTT, "[on|off]", "push-to-talk: be heard while you hold a key", []argument{anOnOff}},
	{Volume, "NAME [PERCENT]", "how loud you hear NAME: 100 as it comes, 0 not at all", []argument{aMember, aPercent}},
	{Devices, "[in|out NAME]", "choose microphone and loudspeaker", []argument{aDirection, aDevice}},
	{Test, "[on|off]", "hear yourself as the others would", []argument{anOnOff}},
	{Search, "WORDS", "find what was said", []argument{aText}},
	{Room, "NAME", "go to another room", []argument{aText}},
	{Invite, "", "how others get in who don't find the room", nil},
	{Voice, "", "how the voices arrive, and how long they take", nil},
	{Help, "[COMMAND]", "this list", []argument{aCommand}},
	{Quit, "", "leave once all is delivered", nil},
}

// Find gives a command by its name.
func Find(name string) (Command, bool) {
	for _, c := range All {
		if string(c.Verb) == strings.TrimPrefix(name, "/") {
			return c, true
		}
	}
	return Command{}, false
}

// Usage is the command as one types it.
func (c Command) Usage() string { return strings.TrimSpace("/" + string(c.Verb) + " " + c.Args) }

// HelpText is the list of what one can type.
func HelpText() string {
	var b strings.Builder
	b.WriteString("A line is a message to the room. A line that begins with / is a command:\n")
	for _, c := range All {
		fmt.Fprintf(&b, "%-22s %s\n", c.Usage(), c.Help)
	}
	fmt.Fprintf(&b, "%-22s %s", "//TEXT", "say /TEXT")
	return b.String()
}

// Order is one line understood.
type Order struct {
	Verb Verb
	Text string // what stands behind the command; of Say the message
}

// Error tells what is wrong with a line, and what to do about it.
type Error struct{ Cause, Hint string }

func (e *Error) Error() string { return e.Cause }

func wrong(hint, format string, args ...any) error {
	return &Error{fmt.Sprintf(format, args...), hint}
}

// Parse understands a line. An error is an *Error.
func Parse(line string) (Order, error) {
	if strings.TrimSpace(line) == "" {
		return Order{}, nil
	}
	rest, isCommand := strings.CutPrefix(line, "/")
	if !isCommand {
		return Order{Say, line}, nil
	}
	if strings.HasPrefix(rest, "/") {
		return Order{Say, rest}, nil
	}
	word, rest, _ := strings.Cut(rest, " ")
	rest = strings.TrimSpace(rest)
	c, known := Find(word)
	switch {
	case !known:
		return Order{}, wrong(fmt.Sprintf("/help lists the commands; to say it, double the slash: /%s", line), "there is no command /%s", word)
	case rest != "" && c.Args == "":
		return Order{}, wrong("to say it, double the slash: /"+line, "/%s takes nothing after it", word)
	case rest == "" && c.Args != "" && !strings.HasPrefix(c.Args, "["):
		return Order{}, wrong("write "+c.Usage(), "/%s lacks what belongs after it", word)
	}
	return Order{c.Verb, rest}, nil
}

// Shown is a message's text as faces show it: "/me waves" (as in XEP-0245) as "*waves*". The author's name stands before it as before
// any text, so that nobody can make it look like a line of the room's own.
func Shown(text string) string {
	if does := strings.TrimSpace(strings.TrimPrefix(text, "/me ")); does != "" && strings.HasPrefix(text, "/me ") {
		return "*" + does + "*"
	}
	return text
}
