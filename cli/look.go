package cli

import (
	"hash/fnv"
	"os"
	"runtime"
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"

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

// cells is how many columns s takes on a terminal that keeps what makes one character together, as newer ones do.
func cells(s string) int { return ansi.StringWidth(s) }

// mostCells is how many columns s may take: older terminals count each code point by itself, such as those of a flag or a family.
func mostCells(s string) int { return max(ansi.StringWidth(s), ansi.StringWidthWc(s)) }

// mostOfOne is how many columns one character may take at most: a family of four.
const mostOfOne = 8

// character is the first of s with all that belongs to it. What no writing has, strung together to be wider, is taken apart.
func character(s string) string {
	c, _ := ansi.FirstGraphemeCluster(s, ansi.GraphemeWidth)
	if mostCells(c) <= mostOfOne {
		return c
	}
	for i, r := range c {
		if i > 0 && ansi.StringWidthWc(string(r)) > 0 {
			return c[:i]
		}
	}
	return c
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
		if used+mostCells(word) > n {
			if word = strings.TrimLeftFunc(word, isBlank); word == "" {
				break
			}
			if used > 0 {
				feed()
			}
		}
		whole := mostCells(word) <= n || isASCII(word)
		for word != "" {
			one := character(word)
			word = word[len(one):]
			if !whole && used+mostCells(one) > n {
				feed()
			}
			b.WriteString(one)
			used += mostCells(one)
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
		case begun && (isBlank(r) || dense), alone && !unicode.In(r, unicode.P, unicode.M, unicode.Cf):
			return i
		case !isBlank(r):
			begun, alone = true, alone || dense
		}
	}
	return len(text)
}

// fit pads s on its left to n cells, or cuts it and says so with an ellipsis.
func fit(s string, n int) string {
	if w := cells(s); w <= n && mostCells(s) <= max(n, mostOfOne) {
		return strings.Repeat(" ", n-w) + s
	}
	var b strings.Builder
	for used := 1; s != ""; { // the ellipsis
		c := character(s)
		if used += mostCells(c); used > n {
			break
		}
		b.WriteString(c)
		s = s[len(c):]
	}
	return fit(b.String()+"…", n)
}
