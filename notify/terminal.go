package notify

import (
	"strings"
	"unicode"
)

// longest is how many characters a name and a text have in a notification: more than any desktop shows of them.
const longest = 300

// clean makes one line of s, without characters that a terminal or a desktop would not show but obey.
func clean(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case r == '\n' || r == '\t' || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r):
			r = ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r):
			continue
		}
		if n++; n > longest {
			b.WriteRune('…')
			break
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}

// sequence has a terminal notify: OSC 777 where it is known for that, else OSC 9, which all others that can do it know and the
// rest ignores. Where no such sequence may come, it is the bell. A semicolon would end an argument, or make OSC 9 mean another
// thing.
func sequence(env func(string) string, n note) string {
	who, text := strings.ReplaceAll(n.who, ";", ","), strings.ReplaceAll(n.text, ";", ",")
	term := env("TERM")
	var s string
	switch {
	case term == "" || term == "dumb" || term == "linux":
		return "\a"
	case strings.HasPrefix(term, "rxvt"), strings.HasPrefix(term, "foot"):
		s = "\x1b]777;notify;" + who + ";" + text + "\x1b\\"
	default:
		s = "\x1b]9;" + who + ": " + text + "\x1b\\"
	}
	if env("TMUX") != "" { // which passes nothing on but what is wrapped so
		return "\x1bPtmux;" + strings.ReplaceAll(s, "\x1b", "\x1b\x1b") + "\x1b\\"
	}
	return s
}
