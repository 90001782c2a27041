package cli

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"parley.lan/command"
	"parley.lan/node"
	"parley.lan/tell"
)

// answered shows what a command brought.
func (f *lineFace) answered(now time.Time, e node.Event) {
	switch e := e.(type) {
	case command.MembersAnswer:
		f.note(now, "Here: %s", f.Roll(e.Members))
	case command.MutedAnswer:
		f.note(now, "%s", muted(e.On))
	case command.SwitchesAnswer:
		for _, l := range switchLines(e.Switches) {
			f.note(now, "%s", l)
		}
	case command.SoundAnswer:
		for _, l := range tell.Sound(e.Sounding) {
			f.note(now, "%s", l)
		}
	case command.VolumeAnswer:
		f.note(now, "You hear %s at %d %%", e.Member.Name, e.Percent)
	case command.DevicesAnswer:
		for _, d := range e.Devices {
			f.note(now, "%s", deviceLine(d))
		}
		f.note(now, "In use: microphone %s, loudspeaker %s", cmp.Or(e.Input, "none"), cmp.Or(e.Output, "none"))
	case command.InviteAnswer:
		f.note(now, "Whoever does not find %s types: %s", e.Room, e.Line)
	case command.FoundAnswer:
		f.found(now, e)
	case command.HelpAnswer:
		for line := range strings.Lines(e.Text) {
			f.line(now, "", "", strings.TrimSuffix(line, "\n"))
		}
	}
}

// found shows what a search gave, each message with its own time.
func (f *lineFace) found(now time.Time, e command.FoundAnswer) {
	if len(e.Messages) == 0 {
		f.note(now, "Nothing here has the words %s", e.Words)
		return
	}
	f.note(now, "%s with %s:", tell.Plural(len(e.Messages), "message", "messages"), e.Words)
	for _, m := range e.Messages {
		f.said(now, m, fmt.Sprintf("[%s] ", tell.Moment(m.Sent.Local(), now)))
	}
}

func muted(on bool) string {
	if on {
		return "You are muted"
	}
	return "You are not muted"
}

// switchLines tells in words what is turned on and off.
func switchLines(s node.Switches) []string {
	lines := []string{muted(s.Muted)}
	if s.Deaf {
		lines = append(lines, "You hear nobody")
	}
	if s.PushToTalk {
		lines = append(lines, "Push-to-talk is on: your voice goes out while you press")
	} else {
		lines = append(lines, "Your voice goes out whenever you speak")
	}
	if s.Testing {
		lines = append(lines, "You hear yourself, and the others don't hear you")
	}
	return lines
}
