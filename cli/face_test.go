package cli

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"parley.lan/command"
	"parley.lan/node"
	"parley.lan/room"
)

// moment is one thing of a story, some time after the one before.
type moment struct {
	after time.Duration
	event node.Event
}

var storyStart = time.Date(2026, 3, 14, 23, 58, 10, 0, time.UTC)

// story is an evening in the lobby as Ada's node tells it.
func story() []moment {
	at := storyStart
	ada, bob, zoe := person(1, "Ada"), person(2, "Bob"), person(3, "Zoë 日本")
	nc := room.Member{ID: id(4), Name: "nc", Plain: true}
	return []moment{
		{0, node.Seeking{Room: "lobby"}},
		{0, node.Audio{Error: "no sound device"}},
		{0, node.Hosting{Room: "lobby", Epoch: 1, Text: []string{"10.0.0.1:2222"}, Voice: []string{"10.0.0.1:55555"}}},
		{0, node.Joined{Room: "lobby", Epoch: 1, Host: node.HostInfo{Person: ada, Addr: "10.0.0.1:2222"}, Members: []room.Member{member(1, "Ada")}}},
		{time.Second, node.MemberJoined{Member: member(2, "Bob")}},
		{time.Second, node.Message{ID: msgID(1), From: bob, Text: "hello", Sent: at.Add(2 * time.Second)}},
		{time.Second, node.Pending{ID: msgID(2), Text: "good evening"}},
		{0, node.Message{ID: msgID(2), From: ada, Text: "good evening", Sent: at.Add(3 * time.Second), Mine: true}},
		{0, node.Delivered{ID: msgID(2)}},
		{0, node.Safe{ID: msgID(2)}},
		{time.Second, node.MemberJoined{Member: member(3, "Zoë 日本")}},
		{0, node.MemberJoined{Member: nc}},
		{0, node.MemberJoined{Member: member(5, "Bob")}},
		{time.Second, node.Message{ID: msgID(3), From: zoe, Text: "a name with wide runes", Sent: at}},
		{0, node.Message{ID: msgID(4), From: person(4, "nc"), Text: "plain", Sent: at, Plain: true}},
		{0, node.Message{ID: msgID(5), From: person(5, "Bob"), Text: "the other Bob", Sent: at}},
		{0, node.Message{ID: msgID(6), From: zoe, To: &ada, Text: "for you alone", Sent: at, Private: true}},
		{0, node.Message{ID: msgID(7), From: ada, To: &zoe, Text: "and back", Sent: at, Private: true, Mine: true}},
		{0, node.Message{ID: msgID(8), From: person(6, "Bartholomew the Great"), Text: "long name", Sent: at}},
		{0, node.Speaking{Member: member(2, "Bob"), On: true}},
		{time.Second, node.Speaking{Member: member(2, "Bob")}},
		{time.Second, node.Speaking{Member: member(2, "Bob"), On: true}},
		{0, node.Voice{FrameMS: 5, Budget: node.BudgetOf(room.VoiceBudget{Frame: 5, Network: 1.5})}},
		{0, command.MembersAnswer{Members: []room.Member{nc, member(1, "Ada"), member(2, "Bob"), member(5, "Bob")}}},
		{0, command.MutedAnswer{On: true}},
		{0, node.Error{Error: "port 2222 is taken", Hint: "2223 it is"}},
		{2 * time.Minute, node.Message{ID: msgID(9), From: bob, Text: "after midnight", Sent: at.Add(3 * time.Minute)}},
		{0, node.Message{ID: msgID(10), From: bob, Text: "from the other half", Sent: at.Add(time.Minute), Late: true}},
		{time.Second, node.Reunited{Since: at.Add(90 * time.Second)}},
		{0, node.Message{ID: msgID(14), From: zoe, Text: "are you there?", Sent: at.Add(90 * time.Second), Late: true}},
		{100 * time.Millisecond, node.Message{ID: msgID(15), From: zoe, To: &ada, Text: "hello?", Sent: at.Add(2 * time.Minute), Late: true, Private: true}},
		{100 * time.Millisecond, node.Message{ID: msgID(16), From: person(4, "nc"), Text: "nobody hears us", Sent: at.Add(130 * time.Second), Late: true, Plain: true}},
		{time.Second, node.Message{ID: msgID(11), From: bob, Text: "with a clock that is behind", Sent: at.Add(-48 * time.Hour)}},
		{0, node.Message{ID: msgID(12), From: bob, Text: "with a clock that is ahead", Sent: at.Add(48 * time.Hour)}},
		{0, node.HostLost{Reason: "connection reset"}},
		{300 * time.Millisecond, node.Joined{Room: "lobby", Epoch: 2, Host: node.HostInfo{Person: zoe}, Members: []room.Member{member(1, "Ada"), member(3, "Zoë 日本")}}},
		{time.Second, node.HostLost{Reason: "no answer"}},
		{100 * time.Millisecond, node.Pending{ID: msgID(13), Text: "anybody there?"}},
		{5 * time.Second, node.Joined{Room: "lobby", Epoch: 3, Host: node.HostInfo{Person: ada}, Members: []room.Member{member(1, "Ada")}}},
		{0, node.Delivered{ID: msgID(13)}},
		{0, node.Message{ID: msgID(13), From: ada, Text: "anybody there?", Sent: at.Add(3 * time.Minute), Mine: true}},
		{0, node.MemberLeft{Member: member(3, "Zoë 日本")}},
		{0, node.MemberJoined{Member: recording(member(2, "Bob"))}},
		{0, node.Recording{Member: recording(member(2, "Bob")), On: true}},
		{0, node.Recording{Member: recording(member(1, "Ada")), On: true}},
		{0, command.MembersAnswer{Members: []room.Member{recording(member(1, "Ada")), recording(member(2, "Bob"))}}},
		{0, node.Recording{Member: member(1, "Ada")}},
		{0, node.Recording{Member: member(2, "Bob")}},
		{0, command.SoundAnswer{Sounding: sounding(1)}},
		{0, node.Left{Reason: "interrupt"}},
	}
}

func recording(m room.Member) room.Member {
	m.Recording, m.Listening = true, m.Name != "Ada"
	return m
}

// sounding is a node's sound with n frames of Bob's lost of a hundred.
func sounding(n uint64) node.Sounding {
	return node.Sounding{
		Audio: node.Audio{Input: "Mic", Output: "Ear"},
		Voice: node.Voice{
			FrameMS:  10,
			Speakers: []node.VoiceQuality{{Person: person(2, "Bob"), Received: 100 - n, Lost: n, Recovered: 3, JitterMS: 1.25, DelayMS: 12}},
			Budget:   node.BudgetOf(room.VoiceBudget{Capture: 5, Frame: 10, Encoder: 2.5, Network: 1, Jitter: 9, Decoder: 0.5, Playout: 12}),
		},
	}
}

// tell plays a story on a face, timers included.
func play(f face, moments []moment) {
	now := storyStart
	for _, m := range moments {
		next := now.Add(m.after)
		for at := f.deadline(); !at.IsZero() && !at.After(next); at = f.deadline() {
			f.tick(at)
		}
		now = next
		f.show(now, m.event)
	}
}

func lines(l look, moments []moment) []byte {
	var b bytes.Buffer
	play(newLineFace(l, func() room.NodeID { return id(1) }, func(line []byte) { b.Write(line) }), moments)
	return b.Bytes()
}

func TestLineMode(t *testing.T) {
	golden(t, "line.txt", lines(look{}, story()))
	golden(t, "line-terminal.txt", lines(look{colour: true, terminal: true, echoed: true, columns: func() int { return 60 }}, story()))
}

// A line too many at a change of host is what people call spam.
func TestTicksEnd(t *testing.T) {
	f := newLineFace(look{}, func() room.NodeID { return id(1) }, func([]byte) {})
	play(f, story())
	if at := f.deadline(); !at.IsZero() {
		t.Errorf("the story is over and the face still waits for %v", at)
	}
}

func TestJSONMode(t *testing.T) {
	var b bytes.Buffer
	play(&jsonFace{func(line []byte) { b.Write(line) }}, story())
	golden(t, "events.jsonl", b.Bytes())
	for line := range bytes.Lines(b.Bytes()) {
		var e struct {
			Time time.Time
			Type string
		}
		if err := json.Unmarshal(line, &e); err != nil || e.Type == "" || e.Time.IsZero() {
			t.Errorf("%v: %s", err, line)
		}
	}
}

// hostile is what a terminal would obey, and what hides or reorders what is read.
const hostile = "a\x1b[2Jb\x1b]0;title\x07c\x9bd\u009b31me\rf\ng\u202eh\u2066i\u200bj\ufeffk\x00l\xff\xfem\U000e0001n"

// TestHostileText: whatever others choose as text, name or reason, no rune of it controls the terminal, and it
// can't make a line of its own.
func TestHostileText(t *testing.T) {
	p := person(2, hostile)
	m := room.Member{ID: id(2), Name: hostile}
	events := []node.Event{
		node.Seeking{Room: hostile},
		node.Joined{Room: hostile, Host: node.HostInfo{Person: p, Addr: hostile}, Members: []room.Member{m}},
		node.HostLost{Reason: hostile},
		node.MemberJoined{Member: m},
		node.Speaking{Member: m, On: true},
		node.Message{From: p, Text: hostile},
		node.Message{From: p, To: &p, Text: hostile, Private: true, Mine: true},
		node.Pending{Text: hostile},
		node.Audio{Input: hostile, Output: hostile, Error: hostile},
		node.Error{Error: hostile, Hint: hostile},
		node.MemberLeft{Member: m},
		command.MembersAnswer{Members: []room.Member{m}},
		node.Left{Reason: hostile},
	}
	for _, e := range events {
		f := newLineFace(look{terminal: true}, func() room.NodeID { return id(1) }, func(line []byte) {
			body, ended := strings.CutSuffix(string(line), "\n")
			if !ended || !visible(body) {
				t.Errorf("%s shows %q", e.Type(), line)
			}
		})
		f.show(storyStart, e)
		f.tick(storyStart.Add(time.Minute))

		line := string(node.EventLine(storyStart, e))
		if !visible(strings.TrimSuffix(line, "\n")) {
			t.Errorf("%s in JSON is %q", e.Type(), line)
		}
	}
}

func visible(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}

// JSON is for scripts: what is escaped for a terminal's sake comes out as it was.
func TestJSONKeepsText(t *testing.T) {
	const text = "a\x1b[2J\u202e\u009b\U000e0001 <&> 日本 \U0001f600"
	var got struct{ Text string }
	if err := json.Unmarshal(node.EventLine(storyStart, node.Message{Text: text}), &got); err != nil || got.Text != text {
		t.Errorf("%q, %v", got.Text, err)
	}
}

func TestFit(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"Ada", "   Ada"},
		{"sixsix", "sixsix"},
		{"seven77", "seven…"},
		{"日本", "  日本"},
		{"日本語日本語", " 日本…"},
		{"e\u0301", "     e\u0301"},
	} {
		if got := fit(c.in, 6); got != c.want || cells(got) != 6 {
			t.Errorf("fit(%q) is %q of %d cells, want %q", c.in, got, cells(got), c.want)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"short", "short"},
		{"ten  cells more", "ten  cells|more"},
		{"a verylongwordthatgoeson b", "a|verylongwordthatgoeson|b"},
		{"  indented text", "  indented|text"},
		{"一二三四五六七", "一二三四五|六七"},
		{"一二三四五。六", "一二三四|五。六"},
		{"see 一二三四", "see 一二三|四"},
		{"e\u0301e\u0301e\u0301e\u0301e\u0301 e\u0301e\u0301e\u0301e\u0301e\u0301", "e\u0301e\u0301e\u0301e\u0301e\u0301|e\u0301e\u0301e\u0301e\u0301e\u0301"},
		{"ends in blanks       ", "ends in|blanks"},
		{"blanks                  first", "blanks|first"},
		{"               23:58 Ada not hers", "23:58 Ada|not hers"},
		{"blank\u00a0\u2003\u00a0\u00a0\u00a0\u00a0\u00a023:58", "blank|23:58"},
		{"filled\u3164\u3164\u3164\u3164\u3164\u3164", "filled\u3164\u3164|\u3164\u3164\u3164\u3164"},
	} {
		if got := strings.ReplaceAll(wrap(c.text, 10, ""), "\n", "|"); got != c.want {
			t.Errorf("%q is wrapped to %q, want %q", c.text, got, c.want)
		}
	}
}
