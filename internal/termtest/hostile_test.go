package termtest_test

import (
	"strings"
	"testing"

	"parley.lan/internal/termtest"
)

// TestJudge: what is to be caught is, so that the check can fail.
func TestJudge(t *testing.T) {
	own := map[string]bool{"\x1b[2m": true, "\x1b[0m": true}
	for lines, ok := range map[string]bool{
		"plain\ntext\n": true, "\x1b[2mdim\x1b[0m\n": true, "日 e\u0301 ❤\ufe0f\n": true, "👩\u200d👩": true, "ten cells.": true, "日本日本日": true,
		"eleven cell": false, "日本日本日x": false, "❤\ufe0f❤\ufe0f❤\ufe0f❤\ufe0f❤\ufe0fx": false, "👩\u200d👩\u200d👩\u200d👩\u200d👩\u200d👩": false,
		"\x1b[1mbold": false, "\x1b[2J": false, "\x1b]0;x\a": false, "\x1b": false, "\x1b[2": false, "a\rb": false, "a\x9bb": false, "a\u009bb": false,
		"a\u202eb": false, "a\u200bb": false, "a\u200db": false, "a\tb": false, "\u3164": false, "e" + strings.Repeat("\u0301", 9): false, "\xff": false,
		"\ue000": false, "\ufdd0": false, "\U000e0041": false, "\u2028": false,
	} {
		if err := (termtest.Hostility{Cols: 10}).Judge([]byte(lines), own); (err == nil) != ok {
			t.Errorf("%q: %v", lines, err)
		}
	}
}

// TestJudgeCounts: what is wide in one way of counting need not be in the other.
func TestJudgeCounts(t *testing.T) {
	family := []byte("👩\u200d👩\u200d👩")
	for counting, ok := range map[termtest.Counting]bool{termtest.Either: false, termtest.Clusters: true, termtest.CodePoints: false} {
		if err := (termtest.Hostility{Cols: 4, Counting: counting}).Judge(family, nil); (err == nil) != ok {
			t.Errorf("%d: %v", counting, err)
		}
	}
	for lines, ok := range map[string]bool{"\x1b]8;;http://x\ax\x1b]8;;\a": true, "\x1b]8;;http://x\x1b\\": true, "\x1b]0;x\a": false, "\x1b]52;c;x\a": false} {
		if err := (termtest.Hostility{Cols: 10, Links: true}).Judge([]byte(lines), nil); (err == nil) != ok {
			t.Errorf("%q: %v", lines, err)
		}
	}
}

// TestHostileIsAll: every code point comes in a text.
func TestHostileIsAll(t *testing.T) {
	next, renders := rune(0), 0
	for _, text := range termtest.Hostile() {
		renders++
		text, isBatch := strings.CutPrefix(text, "Begin ")
		if text, ended := strings.CutSuffix(text, " Fin"); isBatch && ended {
			for i := 0; i < len(text); next++ {
				want := string(next)
				if next >= 0xd800 && next <= 0xdfff {
					i += 3
					continue
				}
				if !strings.HasPrefix(text[i:], want) {
					break // an attack
				}
				i += len(want)
			}
		}
	}
	if next != 0x110000 {
		t.Errorf("the code points end before %U", next)
	}
	t.Logf("%d names and texts", renders)
}
