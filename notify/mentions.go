package notify

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Mentions tells whether text names name: as a whole word or words, in any case, with an @ before it or without. Scripts that
// are written without blanks have no whole words, so there any place counts; an address such as me@ada.org is no mention of
// ada. A name without any letter or digit must stand alone.
func Mentions(text, name string) bool {
	text, name = fold(text), strings.TrimSpace(fold(name))
	if name == "" {
		return false
	}
	apart := apartFromWord
	if !strings.ContainsFunc(name, isWord) {
		apart = apartFromAll
	}
	first, _ := utf8.DecodeRuneInString(name)
	last, _ := utf8.DecodeLastRuneInString(name)
	for at := 0; ; {
		i := strings.Index(text[at:], name)
		if i < 0 {
			return false
		}
		before, after := text[:at+i], text[at+i+len(name):]
		next, size := utf8.DecodeRuneInString(after)
		if startsAfter(before, first, apart) && (size == 0 || apart(last, next)) {
			return true
		}
		_, size = utf8.DecodeRuneInString(text[at+i:])
		at += i + size
	}
}

// startsAfter tells whether a name that begins with first may begin behind before.
func startsAfter(before string, first rune, apart func(a, b rune) bool) bool {
	before, at := strings.CutSuffix(before, "@")
	previous, size := utf8.DecodeLastRuneInString(before)
	switch {
	case size == 0:
		return true
	case at:
		return !isWord(previous) || isDense(previous)
	}
	return apart(previous, first)
}

// apartFromWord tells whether a word can end with a where b follows.
func apartFromWord(a, b rune) bool {
	switch {
	case unicode.Is(unicode.M, b): // it changes what a is
		return false
	case isDense(a) || isDense(b):
		return true
	}
	return !isWord(a) || !isWord(b)
}

func apartFromAll(a, b rune) bool { return unicode.IsSpace(a) || unicode.IsSpace(b) }

func isWord(r rune) bool { return r == '_' || unicode.In(r, unicode.L, unicode.N, unicode.M) }

// isDense tells of scripts without blanks between words.
func isDense(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar) || r == 'ー'
}

// fold makes equal what differs only in case, or in how its characters are composed.
func fold(s string) string {
	return norm.NFC.String(cases.Fold().String(norm.NFC.String(s)))
}
