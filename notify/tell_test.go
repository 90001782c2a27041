package notify

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode"
)

func environment(vars ...string) func(string) string {
	return func(name string) string {
		for _, v := range vars {
			if value, ok := strings.CutPrefix(v, name+"="); ok {
				return value
			}
		}
		return ""
	}
}

func TestSequences(t *testing.T) {
	n := note{"4;1;50", "a; b"}
	for _, c := range []struct {
		env  []string
		want string
	}{
		{[]string{"TERM=xterm-256color"}, "\x1b]9;4,1,50: a, b\x1b\\"},
		{[]string{"TERM=foot"}, "\x1b]777;notify;4,1,50;a, b\x1b\\"},
		{[]string{"TERM=rxvt-unicode-256color"}, "\x1b]777;notify;4,1,50;a, b\x1b\\"},
		{[]string{"TERM=tmux-256color", "TMUX=/tmp/tmux-1000/default,1,0"}, "\x1bPtmux;\x1b\x1b]9;4,1,50: a, b\x1b\x1b\\\x1b\\"},
		{[]string{"TERM=linux"}, "\a"},
		{[]string{"TERM=dumb"}, "\a"},
		{nil, "\a"},
	} {
		if got := sequence(environment(c.env...), n); got != c.want {
			t.Errorf("%q: %q, want %q", c.env, got, c.want)
		}
	}
}

func TestWhereThereIsADesktop(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("this is about Linux")
	}
	found := func(string) (string, error) { return "/bin/true", nil }
	missing := func(string) (string, error) { return "", errors.New("not found") }
	for _, c := range []struct {
		env  []string
		look func(string) (string, error)
		want bool
	}{
		{[]string{"DISPLAY=:0"}, found, true},
		{[]string{"WAYLAND_DISPLAY=wayland-0"}, found, true},
		{[]string{"DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/1000/bus"}, found, true},
		{[]string{"DISPLAY=:0"}, missing, false},
		{[]string{"DISPLAY=localhost:10.0", "SSH_CONNECTION=10.0.0.1 1 10.0.0.2 22"}, found, false},
		{nil, found, false},
	} {
		if got := findDesktop(environment(c.env...), c.look) != nil; got != c.want {
			t.Errorf("%q: %v", c.env, got)
		}
	}
}

// TestNoScriptHoldsForeignWords: on other systems too they are arguments or variables alone.
func TestNoScriptHoldsForeignWords(t *testing.T) {
	n := note{`-who"`, `'; $(text)`}
	args, env := toolOf("darwin").say(n)
	if i := slices.Index(args, "--"); i < 0 || !slices.Equal(args[i+1:], []string{n.who, n.text}) || strings.Contains(strings.Join(args[:i], " "), "text)") || env != nil {
		t.Errorf("osascript gets %q, %q", args, env)
	}
	args, env = toolOf("windows").say(n)
	if all := strings.Join(args, " "); strings.Contains(all, n.who) || strings.Contains(all, n.text) || strings.Contains(all, `"`) {
		t.Errorf("PowerShell gets %q", args)
	}
	if !slices.Equal(env, []string{"PARLEY_NOTE_WHO=" + n.who, "PARLEY_NOTE_TEXT=" + n.text}) {
		t.Errorf("PowerShell gets %q", env)
	}
}

// FuzzClean: nothing that is told can end a terminal's sequence, or begin another.
func FuzzClean(f *testing.F) {
	f.Add("a\x1b\\b\a\x9c", "\x00\u202e\xff\u2028;")
	f.Add(strings.Repeat("long ", 100), "")
	f.Fuzz(func(t *testing.T, who, text string) {
		n := note{clean(who), clean(text)}
		for _, term := range []string{"xterm", "foot"} {
			s := sequence(environment("TERM="+term), n)
			inside, ok := strings.CutSuffix(strings.TrimPrefix(s, "\x1b]"), "\x1b\\")
			if !ok || strings.ContainsFunc(inside, unicode.IsControl) || len([]rune(inside)) > 2*longest+20 {
				t.Errorf("%q", s)
			}
			if want := map[string]int{"xterm": 1, "foot": 3}[term]; strings.Count(inside, ";") != want {
				t.Errorf("%q has other arguments", s)
			}
		}
	})
}
