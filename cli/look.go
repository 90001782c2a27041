package cli

import (
	"hash/fnv"
	"os"
	"runtime"
	"strings"
	"unicode"

	"golang.org/x/term"
	"golang.org/x/text/width"

	"parley.lan/room"
)

// look is how lines are dressed.
type look struct {
	colour   bool
	terminal bool // a person watches: fleeting things such as who is talking are worth a line
	echoed   bool // what is typed stands on the screen already
	// columns gives the width of the screen; nil where lines are not to be broken, because they go to a file
	// or a screen reader. Zero when it can't be told.
	columns func() int
}

// lookFor finds out how lines are dressed on these two streams.
func lookFor(stdin, stdout any, plain bool) look {
	in, out := isTerminal(stdin), isTerminal(stdout)
	capable := out && !plain && runtime.GOOS != "windows" && os.Getenv("TERM") != "dumb"
	l := look{
		colour:   capable && os.Getenv("NO_COLOR") == "",
		terminal: out,
		echoed:   in && out,
	}
	if capable {
		l.columns = func() int {
			w, _, _ := term.GetSize(int(stdout.(*os.File).Fd()))
			return w
		}
	}
	return l
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Colours as Select Graphic Rendition parameters; red is for errors alone.
const (
	sgrDim  = "2"
	sgrBold = "1"
	sgrRed  = "31"
)

var sgrPeople = []string{"32", "33", "34", "35", "36", "92", "93", "94", "95", "96"}

func (l look) paint(sgr, s string) string {
	if !l.colour || s == "" {
		return s
	}
	return "\x1b[" + sgr + "m" + s + "\x1b[0m"
}

// colourOf gives a person one colour for good.
func colourOf(id room.NodeID) string {
	h := fnv.New32a()
	h.Write(id[:])
	return sgrPeople[h.Sum32()%uint32(len(sgrPeople))]
}

// cells is how many columns of a terminal s takes (UAX #11: wide and fullwidth runes take two).
func cells(s string) int {
	n := 0
	for _, r := range s {
		n += runeCells(r)
	}
	return n
}

func runeCells(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// wrap breaks text into lines of at most n cells, the second and later ones begun with indent, so that nobody's
// text can look like a line of its own. It breaks at blanks, and between the characters of languages that are
// written without them. A longer word is left to the terminal to break when it may be an address to be copied.
func wrap(text string, n int, indent string) string {
	var b strings.Builder
	used := 0
	feed := func() {
		b.WriteString("\n" + indent)
		used = 0
	}
	for text != "" {
		word := text[:wordEnd(text)]
		text = text[len(word):]
		if used+cells(word) > n {
			if word = strings.TrimLeftFunc(word, isBlank); word == "" {
				break
			}
			if used > 0 {
				feed()
			}
		}
		whole := cells(word) <= n || isASCII(word)
		for _, r := range word {
			if !whole && used+runeCells(r) > n {
				feed()
			}
			b.WriteRune(r)
			used += runeCells(r)
		}
	}
	return b.String()
}

func isBlank(r rune) bool { return unicode.Is(unicode.Zs, r) }

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > unicode.MaxASCII }) < 0
}

// wordEnd is where the first piece of text ends that must not be broken: blanks and a word, or one character of a
// language without blanks with the punctuation behind it.
func wordEnd(text string) int {
	begun, alone := false, false
	for i, r := range text {
		dense := unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana)
		switch {
		case begun && (isBlank(r) || dense), alone && !unicode.In(r, unicode.P, unicode.M):
			return i
		case !isBlank(r):
			begun, alone = true, alone || dense
		}
	}
	return len(text)
}

// fit pads s on its left to n cells, or cuts it and says so with an ellipsis.
func fit(s string, n int) string {
	if w := cells(s); w <= n {
		return strings.Repeat(" ", n-w) + s
	}
	var b strings.Builder
	used := 1 // the ellipsis
	for _, r := range s {
		if used += runeCells(r); used > n {
			break
		}
		b.WriteRune(r)
	}
	return fit(b.String()+"…", n)
}
