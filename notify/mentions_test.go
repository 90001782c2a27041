package notify

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestMentions(t *testing.T) {
	for _, c := range []struct {
		text, name string
		want       bool
	}{
		{"Ada, look", "Ada", true},
		{"look, ADA!", "ada", true},
		{"@ada look", "Ada", true},
		{"thanks (@Ada)", "Ada", true},
		{"Ada's cake", "Ada", true},
		{"“Ada”", "Ada", true},
		{"is Ada", "Ada", true},
		{"Adam ate it", "Ada", false},
		{"armada", "Ada", false},
		{"ada2 came in", "Ada", false},
		{"ada_lovelace", "Ada", false},
		{"Adam and Ada", "Ada", true},
		{"adada", "ada", false},
		{"write to me@ada.org", "Ada", false},
		{"@@ada", "Ada", true},
		{"@", "Ada", false},
		{"", "Ada", false},
		{"anything", "", false},
		{"any thing", "  ", false},
		{"hello ada  lovelace", "Ada Lovelace", false},
		{"hello Ada Lovelace!", "ada lovelace", true},
		{"hello Ada Lovelaces", "ada lovelace", false},
		{"C-3PO, come", "c-3po", true},
		{"ask C++ people", "C++", true},
		{"ÉMILE est là", "Émile", true},
		{"E\u0301mile est là", "émile", true},
		{"hello Jose\u0301", "Jose", false},
		{"hello José", "Jose\u0301", true},
		{"hello jose", "José", false},
		{"HALLO STRASSE", "Straße", true},
		{"ΓΕΙΑ ΣΟΥ ΝΙΚΟΣ", "Νίκος", false},
		{"γεια σου νίκος", "ΝΊΚΟΣ", true},
		{"привет, аня", "Аня", true},
		{"маняня", "Аня", false},
		{"田中さん、いますか", "田中", true},
		{"Li在吗", "Li", true},
		{"みんなAdaを見て", "Ada", true},
		{"か\u3099", "か", false},
		{"see * there", "*", true},
		{"2*3", "*", false},
		{"hi @🎙", "🎙", true},
		{"look 🎙", "🎙", true},
		{"a🎙b", "🎙", false},
		{"ada\xff", "Ada", true},
	} {
		if got := Mentions(c.text, c.name); got != c.want {
			t.Errorf("Mentions(%q, %q) = %v", c.text, c.name, got)
		}
	}
}

// FuzzMentions: a name is mentioned where it stands by itself, whatever stands before it, and not in the middle of a longer word.
func FuzzMentions(f *testing.F) {
	f.Add("Ada, look", "Ada")
	f.Add("e\u0301", "É")
	f.Add("\xff@", "🎙 \u0301")
	f.Add("ŉ ß İ", "ẞ")
	f.Fuzz(func(t *testing.T, text, name string) {
		Mentions(text, name)
		name = strings.TrimSpace(strings.ToValidUTF8(name, "?"))
		if name == "" {
			return
		}
		first, _ := utf8.DecodeRuneInString(name)
		last, _ := utf8.DecodeLastRuneInString(name)
		if unicode.Is(unicode.M, first) { // it would be a part of what stands before it
			return
		}
		for _, said := range []string{name, "@" + name, text + " " + name, text + " @" + name + " please", "(" + text + ") @" + name} {
			if !Mentions(said, name) {
				t.Errorf("%q does not mention %q", said, name)
			}
		}
		if l := unicode.IsLetter; l(first) && l(last) && !isDense(first) && !isDense(last) && strings.IndexFunc(fold(name), unicode.IsSpace) < 0 {
			if within := "x" + name + "x"; Mentions(within, name) {
				t.Errorf("%q mentions %q", within, name)
			}
		}
	})
}
