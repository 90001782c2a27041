package room

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestCleanText(t *testing.T) {
	for in, want := range map[string]string{
		"plain text":                             "plain text",
		"a\tb\nc\r\nd":                           "a b c  d",
		"\x1b[31mred\x1b]0;title\x07":            "[31mred]0;title",
		"csi \u009b31m":                          "csi 31m",
		"bad \xff\xfe bytes":                     "bad \ufffd\ufffd bytes",
		"\u202egnp.exe\u202c":                    "gnp.exe",
		"zero\u200bwidth\ufeff":                  "zerowidth",
		"a\u200db":                               "ab",
		"\U0001f468\u200d\U0001f469":             "\U0001f468\u200d\U0001f469",
		"\u2764\ufe0f\u200d\U0001f525":           "\u2764\ufe0f\u200d\U0001f525",
		"\u05e9\u05dc\u05d5\u05dd, שלום":         "\u05e9\u05dc\u05d5\u05dd, שלום",
		"\u2028line\u2029":                       " line ",
		"e" + strings.Repeat("\u0301", 20) + "f": "e" + strings.Repeat("\u0301", 8) + "f",
		"\u17b4\u180bx\U000e0000":                "x",
	} {
		if got := CleanText(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestNothingThatControlsATerminalIsLeft(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		got := CleanText("a" + string(r) + "b")
		for _, g := range got {
			if unicode.IsControl(g) || unicode.Is(unicode.Bidi_Control, g) {
				t.Fatalf("%U leaves %U", r, g)
			}
		}
	}
}

func TestNames(t *testing.T) {
	for name, good := range map[string]bool{
		"Ada": true, "Ada L.": true, "Ädä": true, "": false, " ": false, " Ada": false, "a\x00": false,
		"a\x1b[31m": false, "a\nb": false, "\xff": false, "a\u202eb": false, "a" + strings.Repeat("\u0301", 8): true, "a" + strings.Repeat("\u0301", 9): false,
		strings.Repeat("x", MaxName): true, strings.Repeat("x", MaxName+1): false,
	} {
		if err := CheckName(name); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func FuzzCleanName(f *testing.F) {
	f.Add("Ada\x1b[0m")
	f.Add(strings.Repeat("ä", 100))
	f.Add("\xff\u200d\u202e ")
	f.Fuzz(func(t *testing.T, s string) {
		name := CleanName(s, "guest")
		if err := CheckName(name); err != nil {
			t.Errorf("%q became %q: %v", s, name, err)
		}
		if !utf8.ValidString(CleanText(s)) || CleanText(CleanText(s)) != CleanText(s) {
			t.Errorf("%q is not clean after cleaning", s)
		}
	})
}
