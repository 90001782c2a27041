package room

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// CleanText makes foreign text fit for a terminal: valid UTF-8, tabs as blanks, and nothing that controls
// the terminal or reorders or hides what is read (C0 and C1 controls, escapes, line breaks, bidirectional
// overrides, zero-width characters). Joiners that emoji and scripts need stay where they join something, and so many marks
// stay on a character that they don't grow into the lines around it.
func CleanText(s string) string {
	if isClean(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	var prev rune
	stacked := 0
	for _, r := range s { // an invalid byte comes as U+FFFD
		switch {
		case r == '\t' || r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029':
			r = ' '
		case joins(r) && prev > unicode.MaxASCII && prev != r:
		case hidden(r):
			continue
		}
		if !marks(r) {
			stacked = 0
		} else if stacked++; stacked > maxMarks {
			continue
		}
		b.WriteRune(r)
		prev = r
	}
	return b.String()
}

// maxMarks is how many marks may sit on one character: no script needs as many.
const maxMarks = 8

func marks(r rune) bool { return r > unicode.MaxASCII && unicode.In(r, unicode.Mn, unicode.Me) }

func isClean(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	stacked := 0
	for _, r := range s {
		if r == '\u2028' || r == '\u2029' || hidden(r) {
			return false
		}
		if !marks(r) {
			stacked = 0
		} else if stacked++; stacked > maxMarks {
			return false
		}
	}
	return true
}

// joins tells a zero-width joiner or non-joiner, or a variation selector.
func joins(r rune) bool {
	return r == '\u200c' || r == '\u200d' || r >= '\ufe00' && r <= '\ufe0f'
}

func hidden(r rune) bool {
	if r <= unicode.MaxASCII {
		return r < ' ' || r == 0x7f
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Noncharacter_Code_Point,
		unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// CheckText tells why s can't be a message.
func CheckText(s string) error {
	switch {
	case strings.TrimSpace(s) == "":
		return errors.New("the message is empty")
	case len(s) > MaxText:
		return fmt.Errorf("the message is too long: %d bytes, and at most %d go into one", len(s), MaxText)
	case !utf8.ValidString(s):
		return errors.New("the message is not valid UTF-8")
	}
	return nil
}

// CheckName tells why s can't be the name of a member or of a room: it must be 1 to MaxName bytes of
// visible UTF-8 without blanks at its ends.
func CheckName(s string) error {
	switch {
	case strings.TrimSpace(s) == "":
		return errors.New("a name can't be empty")
	case len(s) > MaxName:
		return fmt.Errorf("a name has at most %d bytes, this one has %d", MaxName, len(s))
	case strings.TrimSpace(s) != s:
		return errors.New("a name can't begin or end with a blank")
	case CleanText(s) != s:
		return errors.New("a name can't hold control or invisible characters, nor more than eight accents on one")
	}
	return nil
}

// CleanName makes a valid name of foreign bytes, invalid ones left out; what holds nothing visible becomes fallback.
func CleanName(s, fallback string) string {
	s = strings.TrimSpace(strings.ReplaceAll(CleanText(s), "\ufffd", ""))
	for len(s) > MaxName {
		_, n := utf8.DecodeLastRuneInString(s)
		s = strings.TrimSpace(s[:len(s)-n])
	}
	if CheckName(s) != nil {
		return fallback
	}
	return s
}
