package tui

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// cells measures text in columns as the terminal at hand does. A terminal that joins graphemes says so (mode 2027); others count
// rune by rune. Measuring as it does keeps columns straight whatever is written in them.
type cells struct{ method ansi.Method }

// width is how many columns s takes, escape sequences not counted.
func (c cells) width(s string) int { return c.method.StringWidth(s) }

// clip cuts s to n columns, and says so with an ellipsis. The dress of what is cut off stays, for it may be an end.
func (c cells) clip(s string, n int) string {
	if n <= 0 {
		return ""
	}
	if len(s) <= n || c.width(s) <= n {
		return s
	}
	var b strings.Builder
	used, cut := 0, false
	for s != "" {
		size, wide := escape(s), 0
		if size == 0 {
			size, wide = c.next(s)
			if used+wide > n-1 && !cut {
				b.WriteString("…")
				cut = true
			}
			used += wide
		}
		if !cut || wide == 0 && s[0] == '\x1b' {
			b.WriteString(s[:size])
		}
		s = s[size:]
	}
	return b.String()
}

// escape tells how long the escape sequence is that s begins with; 0: none. It knows those that are written here: SGR, OSC 8.
func escape(s string) int {
	end := -1
	switch {
	case strings.HasPrefix(s, "\x1b["):
		end = strings.IndexByte(s, 'm')
	case strings.HasPrefix(s, "\x1b]"):
		end = strings.IndexByte(s, '\a')
	}
	return end + 1
}

// pad cuts or fills s to n columns, on its right.
func (c cells) pad(s string, n int) string {
	s = c.clip(s, n)
	return s + strings.Repeat(" ", max(0, n-c.width(s)))
}

// padLeft is pad with the blanks on its left.
func (c cells) padLeft(s string, n int) string {
	s = c.clip(s, n)
	return strings.Repeat(" ", max(0, n-c.width(s))) + s
}

// next gives how many bytes the first grapheme of s has, and how many columns it takes.
func (c cells) next(s string) (size, wide int) {
	if s[0] < utf8.RuneSelf && (len(s) == 1 || s[1] < utf8.RuneSelf) {
		return 1, 1
	}
	cluster, wide := ansi.FirstGraphemeCluster(s, c.method)
	return len(cluster), wide
}

// span is a part of a text, in bytes.
type span struct{ from, to int }

// wrap divides a clean text into lines of at most n columns, the first of at most first. It breaks at blanks, which go, and between the characters of
// scripts that are written without them; a word longer than a line is broken where the line ends.
func (c cells) wrap(text string, first, n int) []span {
	first, n = max(first, 1), max(n, 1)
	limit := first
	var lines []span
	start, used := 0, 0         // of the line at hand
	breakAt, breakNext := -1, 0 // the last place where it may end, and where the next would begin
	usedAtBreak := 0
	blank := false
	for at := 0; at < len(text); {
		size, wide := c.next(text[at:])
		r, _ := utf8.DecodeRuneInString(text[at:])
		isBlank := r == ' ' || r > unicode.MaxASCII && unicode.Is(unicode.Zs, r) && r != '\u00a0' && r != '\u202f'
		switch {
		case isBlank && !blank:
			breakAt, breakNext, usedAtBreak = at, at+size, used+wide
		case isBlank:
			breakNext, usedAtBreak = at+size, used+wide
		case dense(r) && at > start && !blank:
			breakAt, breakNext, usedAtBreak = at, at, used
		}
		if used+wide > limit && at > start && !isBlank {
			if breakAt > start {
				lines = append(lines, span{start, breakAt})
				start, used = breakNext, used-usedAtBreak
			} else {
				lines = append(lines, span{start, at})
				start, used = at, 0
			}
			breakAt, limit = -1, n
		}
		used += wide
		blank = isBlank
		at += size
	}
	end := len(text)
	for end > start && text[end-1] == ' ' {
		end--
	}
	return append(lines, span{start, max(start, end)})
}

// dense tells that a line may break before a character.
func dense(r rune) bool {
	return r > 0x2e80 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana)
}

// A link as people write it. Its characters are those that a terminal passes on (OSC 8).
var link = regexp.MustCompile(`https?://[\x21-\x7e]+[A-Za-z0-9/#=&_~-]`)

// links finds the addresses in a text.
func links(text string) []span {
	if !strings.Contains(text, "://") {
		return nil
	}
	var out []span
	for _, at := range link.FindAllStringIndex(text, -1) {
		out = append(out, span{at[0], at[1]})
	}
	return out
}
