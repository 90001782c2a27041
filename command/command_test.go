package command

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"parley.lan/room"
)

func id(b byte) room.NodeID { return room.NodeID{b, b, b, b} }

func member(b byte, name string) room.Member { return room.Member{ID: id(b), Name: name} }

func TestParse(t *testing.T) {
	for _, c := range []struct {
		line string
		verb Verb
		text string
		err  string
	}{
		{"", Nothing, "", ""},
		{"  ", Nothing, "", ""},
		{" hello ", Say, " hello ", ""},
		{"//x", Say, "/x", ""},
		{"/who", Who, "", ""},
		{"/who ", Who, "", ""},
		{"/who there", "", "", "/who takes nothing after it"},
		{"/msg  Ada hi", Msg, "Ada hi", ""},
		{"/msg", "", "", "/msg lacks what belongs after it"},
		{"/ptt", PTT, "", ""},
		{"/ptt on", PTT, "on", ""},
		{"/help mute", Help, "mute", ""},
		{"/dance", "", "", "there is no command /dance"},
		{"/", "", "", "there is no command /"},
	} {
		o, err := Parse(c.line)
		if o.Verb != c.verb || o.Text != c.text || (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
			t.Errorf("%q: %+v, %v", c.line, o, err)
		}
	}
}

func TestShown(t *testing.T) {
	for text, want := range map[string]string{
		"/me waves": "*waves*", "/me  waves ": "*waves*", "/me": "/me", "/me ": "/me ", "/mean": "/mean", "I /me": "I /me",
	} {
		if got := Shown(text); got != want {
			t.Errorf("%q is shown as %q", text, got)
		}
	}
}

// TestHelpTellsOfEachCommand, in lines that fit into 80 columns.
func TestHelpTellsOfEachCommand(t *testing.T) {
	text := HelpText()
	for _, c := range All {
		if !strings.Contains(text, "\n"+c.Usage()+" ") {
			t.Errorf("%s is missing", c.Usage())
		}
	}
	for line := range strings.Lines(text) {
		if len(line) > 80 {
			t.Errorf("too long: %s", line)
		}
	}
}

func TestComplete(t *testing.T) {
	known := Known{
		Self:    id(1),
		Members: []room.Member{member(1, "Ada"), member(2, "Bob"), member(3, "Bo Peep"), {ID: id(4), Name: "nc", Plain: true}},
		Devices: []string{"Built-in", "USB Headset"},
	}
	for _, c := range []struct {
		line string
		want []string // whole lines
	}{
		{"/mu", []string{"/mute"}},
		{"/m", []string{"/msg ", "/me ", "/mute"}},
		{"/msg b", []string{"/msg Bo Peep ", "/msg Bob "}},
		{"/msg Bob hi, n", []string{"/msg Bob hi, ~nc "}},
		{"/volume Bob 1", []string{"/volume Bob 100", "/volume Bob 150"}},
		{"/volume Bo Peep 5", []string{"/volume Bo Peep 50"}},
		{"/devices i", []string{"/devices in "}},
		{"/devices in usb", []string{"/devices in USB Headset"}},
		{"/ptt o", []string{"/ptt on", "/ptt off"}},
		{"/help vol", []string{"/help volume"}},
		{"bo", []string{"Bo Peep: ", "Bob: "}},
		{"ask bob", []string{"ask Bob "}},
		{"ask @bob", []string{"ask @Bob "}},
		{"ada", nil},
		{"", nil},
		{"hi ", nil},
		{"/dance x", nil},
	} {
		from, words := Complete(c.line, known)
		var got []string
		for _, w := range words {
			got = append(got, c.line[:from]+w)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.line, got, c.want)
		}
	}
}

func FuzzLine(f *testing.F) {
	for _, s := range []string{"/msg Ada hi", `/msg "Ada" hi`, "/msg \"", "//x", "/volume Bob 5", "/devices in ", "/help", "hé", "/\x00", "/me \xff"} {
		f.Add(s)
	}
	members := []room.Member{member(1, "Ada"), member(2, "Bob B"), member(3, "Bob")}
	f.Fuzz(func(t *testing.T, line string) {
		from, words := Complete(line, Known{Members: members})
		if from < 0 || from > len(line) {
			t.Fatalf("%q is completed from %d", line, from)
		}
		for _, w := range words {
			if w == "" {
				t.Errorf("%q may become nothing", line)
			}
		}
		o, err := Parse(line)
		if err != nil {
			if w, ok := errors.AsType[*Error](err); !ok || w.Hint == "" {
				t.Errorf("%q is refused without a hint: %v", line, err)
			}
			return
		}
		if o.Verb == Say && !strings.HasSuffix(line, o.Text) {
			t.Errorf("%q says %q", line, o.Text)
		}
		if o.Verb == Msg {
			to, text, err := splitPerson(o.Text, members)
			if err == nil && (to == "" || text == "") {
				t.Errorf("%q is for %q: %q", line, to, text)
			}
		}
	})
}

func TestSplitMsg(t *testing.T) {
	members := []room.Member{
		member(1, "Ada"), member(2, "Ada Lovelace"), member(3, "Bob"), member(4, "Bob"), member(5, "Zoë\u200b"),
		{ID: id(6), Name: "nc", Plain: true}, member(7, id(5).String()[:6]),
	}
	for _, c := range []struct{ rest, to, text, err string }{
		{"Ada hi there", id(1).String(), "hi there", ""},
		{"ada hi", id(1).String(), "hi", ""},
		{"Ada Lovelace hi", id(2).String(), "hi", ""},
		{`"Ada" Lovelace hi`, id(1).String(), "Lovelace hi", ""},
		{`"Ada Lovelace"hi`, id(2).String(), "hi", ""},
		{"Adam hi", "Adam", "hi", ""},
		{"aebagb hi", "aebagb", "hi", ""},
		{"Zoë hi", id(5).String(), "hi", ""},
		{"Bob hi", "", "", "2 members are called Bob"},
		{"Bob#" + id(4).Short() + " hi", id(4).String(), "hi", ""},
		{id(5).String()[:6] + " hi", "", "", "2 members are called " + id(5).String()[:6]}, // the name of one, the id of another
		{"~nc hi", id(6).String(), "hi", ""},
		{"Ada", "", "", "nothing to say to Ada"},
		{`"" hi`, "", "", "the name has no closing quote"},
	} {
		to, text, err := splitPerson(c.rest, members)
		if to != c.to || text != c.text || (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
			t.Errorf("/msg %s: %q, %q, %v; want %q, %q, %s", c.rest, to, text, err, c.to, c.text, c.err)
		}
	}
}
