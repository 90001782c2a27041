package termtest

import (
	"fmt"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// maxMarks is how many marks may sit on one character: more than any script needs, and few enough that they stay near their row.
const maxMarks = 8

// Hostility gives names and texts that would do to a terminal whatever a terminal does to what shows them.
type Hostility struct {
	Cols int
	// Render gives lines for a screen of Cols columns, with the name and the text in them. Which sequences are its own is
	// known from what it makes of harmless people.
	Render func(name, text string) []byte
	// LongWords leaves it to the terminal to break a long word of ASCII, such as an address that is to be copied whole.
	LongWords bool
	// Links allows OSC 8, which makes an address of text.
	Links bool
	// Counting is how the terminal counts columns, where Render knows.
	Counting Counting
}

// Counting is how a terminal counts columns.
type Counting int

const (
	Either     Counting = iota // and no row is too wide, whichever way
	Clusters                   // what makes one character together, as newer terminals do
	CodePoints                 // each by itself
)

func (c Counting) width(s string) int {
	switch c {
	case Clusters:
		return ansi.StringWidth(s)
	case CodePoints:
		return ansi.StringWidthWc(s)
	}
	return max(ansi.StringWidth(s), ansi.StringWidthWc(s))
}

// Check fails where more than text arrives.
func (h Hostility) Check(t *testing.T) {
	t.Helper()
	cols, render := h.Cols, h.Render
	if h.LongWords {
		render = func(name, text string) []byte { return breakWords(h.Render(name, text), cols) }
	}
	own := make(map[string]bool)
	for _, text := range []string{"hello", "one\ntwo", strings.Repeat("long text ", 100), "日本", "see https://example.org/", "Ada, here"} {
		for _, name := range []string{"Ada", "Bartholomew the Great", "日本"} {
			out := render(name, text)
			for _, seq := range sequences(out) {
				own[seq] = true
			}
			if err := h.Judge(out, own); err != nil {
				t.Fatalf("harmless %q says %q: %v\n%q", name, text, err, out)
			}
		}
	}
	e := newEffect(t, cols)
	failures := 0
	for name, text := range Hostile() {
		out := render(name, text)
		err := h.Judge(out, own)
		if err == nil && h.Counting != CodePoints { // the emulator doesn't count so
			err = e.of(out)
		}
		if shown := letters(ansi.Strip(string(out))); err == nil && !strings.Contains(shown, "Begin") && !strings.Contains(shown, "Fin") {
			err = fmt.Errorf("the text is not there")
		}
		if err != nil {
			t.Errorf("%+q says %+q:\n%.500v\n%+q", short(name), short(text), err, short(string(out)))
			if failures++; failures == 10 {
				t.Fatal("and more, perhaps")
			}
		}
	}
}

// breakWords does what a terminal does to a word that is too long for its row.
func breakWords(lines []byte, cols int) []byte {
	all := strings.SplitAfter(string(lines), "\n")
	for i, line := range all {
		for _, word := range strings.Fields(ansi.Strip(line)) {
			if len(word) > cols/2 && strings.IndexFunc(word, func(r rune) bool { return r > unicode.MaxASCII }) < 0 {
				all[i] = ansi.Hardwrap(line, cols, true)
			}
		}
	}
	return []byte(strings.Join(all, ""))
}

func short(s string) string { return s[:min(len(s), 200)] }

// sequences lists what is neither text nor a line feed in lines, each once.
func sequences(lines []byte) []string {
	found := make(map[string]bool)
	for rest := string(lines); rest != ""; {
		seq, _, n, _ := ansi.DecodeSequence(rest, ansi.NormalState, nil)
		if rest = rest[n:]; seq[0] == 0x1b {
			found[seq] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// Judge tells what is wrong with lines, each ended by a line feed, that show others' words: they may hold visible text, line feeds
// and the SGR sequences in own, and no row may be wider than the screen.
func (h Hostility) Judge(lines []byte, own map[string]bool) error {
	for i, line := range strings.Split(strings.TrimSuffix(string(lines), "\n"), "\n") {
		bare, err := h.withoutOwn(line, own)
		if err != nil {
			return fmt.Errorf("row %d: %w", i, err)
		}
		if err := visible(bare); err != nil {
			return fmt.Errorf("row %d: %w", i, err)
		}
		if n := h.Counting.width(bare); n > h.Cols {
			return fmt.Errorf("row %d is %d columns wide: %q", i, n, bare)
		}
	}
	return nil
}

// link is OSC 8 with nothing in it that a terminal could take for its end.
var link = regexp.MustCompile("^\x1b]8;;[\x21-\x7e]*(\a|\x1b\\\\)$")

func (h Hostility) withoutOwn(line string, own map[string]bool) (string, error) {
	var b strings.Builder
	for line != "" {
		if line[0] != 0x1b {
			n := strings.IndexByte(line, 0x1b)
			if n < 0 {
				n = len(line)
			}
			b.WriteString(line[:n])
			line = line[n:]
			continue
		}
		seq, _, n, _ := ansi.DecodeSequence(line, ansi.NormalState, nil)
		if isLink := h.Links && link.MatchString(seq); !isLink && (!own[seq] || !strings.HasSuffix(seq, "m")) {
			return "", fmt.Errorf("the sequence %q is not ours", seq)
		}
		line = line[n:]
	}
	return b.String(), nil
}

// visible tells what in s can't be seen, reorders what can, or leaves its row.
func visible(s string) error {
	if !utf8.ValidString(s) {
		return fmt.Errorf("not UTF-8: %q", s)
	}
	var prev rune
	marks := 0
	for _, r := range s {
		switch {
		case r == '\u200c' || r == '\u200d' || r >= 0xfe00 && r <= 0xfe0f:
			if prev <= unicode.MaxASCII || prev == r {
				return fmt.Errorf("%U joins nothing", r)
			}
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp, unicode.Noncharacter_Code_Point):
			return fmt.Errorf("%U is left", r)
		case unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
			return fmt.Errorf("%U, which nobody sees, is left", r)
		}
		if !unicode.In(r, unicode.Mn, unicode.Me) {
			marks = 0
		} else if marks++; marks > maxMarks {
			return fmt.Errorf("more than %d marks on one character", maxMarks)
		}
		prev = r
	}
	return nil
}

// effect shows lines on an emulated screen and looks at what became of it.
type effect struct {
	t    *testing.T
	cols int
	pool map[int]*Screen // by rows: most texts need few, a flood many
}

func newEffect(t *testing.T, cols int) *effect {
	return &effect{t, cols, make(map[int]*Screen)}
}

func (e *effect) of(lines []byte) error {
	want := strings.Split(strings.TrimSuffix(string(lines), "\n"), "\n")
	rows := 32
	for rows <= len(want)+1 {
		rows *= 2
	}
	s := e.pool[rows]
	if s == nil {
		s = NewScreen(e.t, e.cols, rows, nil)
		e.pool[rows] = s
	}
	s.Write([]byte("\x1b[H\x1b[J"))
	before := s.Deeds()
	s.Show(lines)
	d := s.Deeds()
	if d.Redraws != before.Redraws || d.Bells > 0 || len(d.Titles)+len(d.Clipboard)+d.AltScreen+len(d.Modes) > 0 {
		return fmt.Errorf("the terminal did %+v", d)
	}
	got := strings.Split(s.Text(), "\n")
	for y, line := range want {
		if got, want := letters(got[y]), letters(ansi.Strip(line)); got != want {
			return fmt.Errorf("row %d is %q, want %q", y, got, want)
		}
	}
	if _, y, _ := s.Cursor(); y != strings.Count(string(lines), "\n") {
		return fmt.Errorf("the cursor is in row %d of %d", y, len(want))
	}
	return nil
}

// letters is s without blanks and what sits on other characters: an emulator may lose a mark that has nothing to sit on.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.M, unicode.Cf, unicode.Zs, unicode.Sk) || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
}

// Hostile gives names and texts, each text with Begin or Fin in it: every code point there is, in text, and those in names that are neither
// letters nor numbers; and what is known to be done to terminals.
func Hostile() iter.Seq2[string, string] {
	return func(yield func(name, text string) bool) {
		for _, a := range attacks {
			if !yield(a, "Begin") || !yield("Eve", "Begin"+a+" Fin") || !yield(a, a+"Begin "+a+" Fin") {
				return
			}
		}
		const most, odd = 400, 10
		var name, text []byte
		inName, inText := 0, 0
		flush := func() bool {
			ok := yield("n"+string(name), "Begin "+string(text)+" Fin")
			name, text, inName, inText = name[:0], text[:0], 0, 0
			return ok
		}
		for r := rune(0); r <= unicode.MaxRune; r++ {
			at := len(text)
			text = appendAny(text, r)
			if unicode.In(r, unicode.M, unicode.S, unicode.P, unicode.Z, unicode.Cc, unicode.Cf, unicode.Cs, unicode.Other_Default_Ignorable_Code_Point) {
				name = append(name, text[at:]...)
				inName++
			}
			if inText++; inText == most || inName == odd {
				if !flush() {
					return
				}
			}
		}
		flush()
	}
}

// appendAny is utf8.AppendRune for surrogates, too.
func appendAny(b []byte, r rune) []byte {
	if r >= 0xd800 && r <= 0xdfff {
		return append(b, 0xed, 0x80|byte(r>>6)&0x3f, 0x80|byte(r)&0x3f)
	}
	return utf8.AppendRune(b, r)
}

func flood(s string, n int) string { return strings.Repeat(s, n) }

var attacks = []string{
	"\x1b[2J\x1b[H", "\x1b[10A\x1b[K", "\x1b[1;1Hx", "\x1bc", "\x1b[?1049h", "\x1b[?1000;1006h", "\x1b[3;5r", "\x1bM", "\x1b[5S",
	"\x1b]0;title\a", "\x1b]2;title\x1b\\", "\x1b]52;c;b3duZWQ=\a", "\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "\x1b]1337;File=:AAAA\a",
	"\x1b[38;5;123mcolour", "\x1b[5mblink", "\x1b[8mhidden", "\x1b(0lqqk", "\x0e\x0f", "\x1bP+q544e\x1b\\", "\x1b_Gf=24;AAAA\x1b\\", "\x1b^pm\x1b\\",
	"\x1b[c\x1b[6n\x1b[?u", "\x1b", "\x1b[", "\x1b]0;", "\x1bP", // unfinished
	"\a", "\b\b\b\b\b\b\b\bx", "\x7f\x7f", "\tx\tx", "\v\f", "\x00", "\rover", "\n23:58          Ada  not hers", "\r\n\r\n", "\u0085x", "\u2028x\u2029x",
	"\u009b2J", "\u009d0;title\u009c", "\u0090q\u009c", "\x9b2J", "\x9d0;title\x9c", "\x84\x85\x8d", "\xff\xfe", "\xc0\x9b2J", "\xed\xa0\x80",
	"\u202etxt.exe", "\u2066\u2067\u2068x", "\u061c\u200e\u200fx", flood("\u202e", 500), "\u202c\u2069",
	flood("\u200b", 500), flood("\ufeff", 500), flood("\u2060\u00ad\u180e", 100), flood("\u200d", 500), flood("é\u200d", 200), flood("日\u200c\u200d", 200),
	"e" + flood("\u0301", 1000), flood("\u0301", 1000), flood("e\u0301\u0302\u0303", 200), flood("\u0e49", 500), flood("ก\u0e33", 100), flood("\u20dd", 100),
	flood("\ufe0f", 100), flood("❤\ufe0f", 200), flood("1\ufe0f\u20e3", 200), flood("☺\ufe0e", 200), flood("\U0001f1e9\U0001f1ea", 100), flood("\U0001f1e9", 101),
	flood("👍\U0001f3fd", 100), flood("👩\u200d👩\u200d👧\u200d👦", 60), flood("🏴\U000e0067\U000e0062\U000e007f", 60), flood("👩\u200d", 100), flood("\U0001f3fd", 100),
	flood("日", 500), flood("①", 300), flood("\u1112\u1161\u11ab", 100), flood("\u1100", 200), flood("\u1161", 200), flood("\u11ab", 200), flood("ｱﾞ", 100),
	flood("क\u094dष", 100), flood("\u0d4eക", 100), flood("\u0bcd", 50), flood("﷽", 60), flood("𒐫", 60), flood("⸻", 60),
	flood("\u3164", 100), flood("\u2800", 100), flood("\u00a0", 300), flood("\u3000", 200), flood(" ", 500), flood("\u17b4\u17b5", 50), flood("\u180b", 50),
	flood("x", 5000), flood("ü", 3000), flood("/", 2000), flood("x ", 1000), "https://example.org/" + flood("%E6%97%A5", 200),
}
