package history

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"parley.lan/room"
)

var spoken = []string{"Lunch at noon?", "déjà vu", "don't panic", "C++ and SQL: SELECT * FROM words;", "昼食 はどう", "привет мир", "naïve NOT good", "50% \"off\" NEAR us"}

func TestSearchFindsWords(t *testing.T) {
	dir := t.TempDir()
	d := sit(t, dir, room.Keep{})
	ada := newAuthor(t, 1, 7)
	for _, text := range spoken {
		d.say(ada, text)
	}
	ada.seq++
	d.log.Append(ada.sign(room.Message{Kind: room.Private, To: make([]byte, 16), Sealed: []byte("lunch"), Own: []byte("lunch")}), ada.host)
	d.stop()
	for search, want := range map[string]string{
		"lunch": "Lunch at noon?", "noon LUN": "Lunch at noon?", "deja": "déjà vu", "don't": "don't panic", "panic": "don't panic",
		"привет": "привет мир", "昼": "昼食 はどう", "not": "naïve NOT good", "near off": "50% \"off\" NEAR us",
		"select * from words;": "C++ and SQL: SELECT * FROM words;", "lunch friday": "", "!!!": "", `"`: "", "words:lunch": "",
		"text:": "", "a OR b": "", "(": "",
	} {
		got, err := Read(t.Context(), dir, "lobby", Query{Words: search})
		if err != nil || strings.Join(texts(got), "|") != want {
			t.Errorf("%q finds %q, %v; want %q", search, texts(got), err, want)
		}
		if want != "déjà vu" && Matches(want, search) != (want != "") {
			t.Errorf("%q in %q: the two searches differ", search, want)
		}
	}
	if got, err := Read(t.Context(), dir, "lobby", Query{Since: time.Now().Add(time.Hour)}); err != nil || len(got) != 0 {
		t.Errorf("since tomorrow: %d, %v", len(got), err)
	}
	if got, err := Read(t.Context(), dir, "lobby", Query{Limit: 2}); err != nil || len(got) != 2 || got[1].Msg.Kind != room.Private {
		t.Errorf("the last two: %q, %v", texts(got), err)
	}
}

// Whatever is typed, a search finds or doesn't; it never fails.
func FuzzSearch(f *testing.F) {
	dir := f.TempDir()
	d := sit(f, dir, room.Keep{})
	ada := newAuthor(f, 1, 7)
	for _, text := range spoken {
		d.say(ada, text)
	}
	d.stop()
	for _, s := range append(slices.Clone(spoken), `"`, `""*`, "*", "a*b", "NEAR(a b)", "^a", "{text}: a", "-a", "a AND", "'; DROP TABLE messages; --", "\x00", "a\x00b", "\xff\xfe", "a\u0301", "\u200d", strings.Repeat("a ", 5000), strings.Repeat("(", 500)) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, search string) {
		got, err := Read(t.Context(), dir, "lobby", Query{Words: search})
		if err != nil {
			t.Errorf("%q: %v", search, err)
		}
		if strings.TrimSpace(search) == "" && len(got) != len(spoken) {
			t.Errorf("%q is no search and finds %d", search, len(got))
		}
		Matches(spoken[0], search)
	})
}

// Whatever a file has become, it opens or is kept aside; nothing is taken from it that was not written, and talk
// is saved again. The damage is told in numbers: bytes the fuzzer would make ever fewer of, which at a twentieth of a
// second each looks like standing still for a minute.
func FuzzRecovery(f *testing.F) {
	whole := filled(f, 40)
	original := readAll(f, path(whole))
	f.Add(uint32(0), uint64(1), uint32(len(original)))
	f.Add(uint32(100), uint64(0xffff), uint32(len(original)))
	f.Add(uint32(4096), uint64(1<<64-1), uint32(len(original)))
	f.Add(uint32(20), uint64(0), uint32(5000))
	for at := uint32(0); at < uint32(len(original)); at += 1777 {
		f.Add(at, uint64(at), uint32(len(original)))
	}
	texts := map[string]bool{}
	for i := range 40 {
		texts[fmt.Sprint("message ", i, strings.Repeat(" word", 20))] = true
	}
	f.Fuzz(func(t *testing.T, at uint32, flip uint64, size uint32) {
		b := slices.Clone(original)
		word := b[int(at)%(len(b)-8):]
		binary.LittleEndian.PutUint64(word, binary.LittleEndian.Uint64(word)^flip)
		dir := t.TempDir()
		writeAll(t, path(dir), b[:min(int(size), len(b))])
		got, _ := Read(t.Context(), dir, "lobby", Query{})
		for _, e := range got {
			if !texts[e.Msg.Text] {
				t.Errorf("read %q", e.Msg.Text)
			}
		}
		survive(t, dir, false)
	})
}
