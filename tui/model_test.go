package tui

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"parley.lan/command"
	"parley.lan/node"
	"parley.lan/room"
)

// lobby is a screen of a room with Ada, who sees it, Bob, who hosts, and Cyrus.
func lobby(width, height int) *stage {
	s := newStage(width, height)
	s.node.members = []room.Member{ada, bob, cy}
	s.happens(node.Seeking{Room: "lobby"}, node.Audio{Input: "Mic", Output: "Ear"}, node.Joined{
		Room: "lobby", Epoch: 1, Host: node.HostInfo{Person: node.Person{ID: bob.ID, Name: "Bob"}}, Members: s.node.members,
	})
	return s
}

func TestLinesAreSaid(t *testing.T) {
	s := lobby(80, 24)
	s.enter("hello")
	s.enter("//x")
	s.enter("  ")
	s.enter("/me waves")
	s.enter("/msg bob psst")
	s.enter("/name Countess")
	s.enter("/room attic")
	if want := []string{"hello", "/x", "/me waves"}; !slices.Equal(s.node.said, want) {
		t.Errorf("said %q, want %q", s.node.said, want)
	}
	if want := [][2]string{{bob.ID.String(), "psst"}}; !slices.Equal(s.node.whispered, want) {
		t.Errorf("whispered %q", s.node.whispered)
	}
	if s.node.name != "Countess" || !slices.Equal(s.node.rooms, []string{"attic"}) {
		t.Errorf("name %q, rooms %q", s.node.name, s.node.rooms)
	}
	s.enter("/dance")
	s.shows(t, "there is no command /dance")
	s.at = s.at.Add(hintTime + 1)
	s.update(tick{})
	s.lacks(t, "/dance")
}

func TestSeveralLines(t *testing.T) {
	s := lobby(80, 24)
	s.types("one")
	s.run(s.update(tea.KeyPressMsg{Code: tea.KeyEnter, Mod: tea.ModAlt}))
	s.types("two")
	s.shows(t, "> one", "  two")
	s.press(tea.KeyEnter)
	s.update(tea.PasteMsg{Content: "three\r\nfo\x1b[31mur\n\n"})
	s.press(tea.KeyEnter)
	if want := []string{"one", "two", "three", "fo[31mur"}; !slices.Equal(s.node.said, want) {
		t.Errorf("said %q, want %q", s.node.said, want)
	}
}

func TestPastedMegabytes(t *testing.T) {
	s := lobby(80, 24)
	s.update(tea.PasteMsg{Content: strings.Repeat("x", 5<<20)})
	s.shows(t, "the rest was left out")
	if n := len(s.prompt.value()); n == 0 || n > mostPasted {
		t.Errorf("%d bytes in the prompt", n)
	}
	s.press(tea.KeyEnter)
	if len(s.node.said) == 0 || s.prompt.value() != "" {
		t.Errorf("said %d messages", len(s.node.said))
	}
	for _, m := range s.node.said {
		if err := room.CheckText(m); err != nil {
			t.Error(err)
		}
	}
	s.update(tea.PasteMsg{Content: strings.Repeat("x\n", 1<<20)})
	if n := s.prompt.area.LineCount(); n > mostLines {
		t.Errorf("%d lines in the prompt", n)
	}
}

// TestWhisperStaysWhisper: what was pasted behind a command doesn't go to everybody.
func TestWhisperStaysWhisper(t *testing.T) {
	s := lobby(80, 24)
	s.types("/msg bob ")
	s.update(tea.PasteMsg{Content: "one\ntwo\n/quit"})
	s.press(tea.KeyEnter)
	s.shows(t, "A command is one line", "> /msg bob one")
	s.run(s.update(tea.KeyPressMsg{Code: 'c', Mod: tea.ModCtrl}))
	s.update(tea.PasteMsg{Content: "/msg bob " + strings.Repeat("long ", 2000)})
	s.press(tea.KeyEnter)
	if len(s.node.said)+len(s.node.whispered) > 0 {
		t.Errorf("said %q, whispered %d", s.node.said, len(s.node.whispered))
	}
	s.run(s.update(tea.KeyPressMsg{Code: 'c', Mod: tea.ModCtrl}))
	s.update(tea.PasteMsg{Content: "say\n/quit"})
	s.press(tea.KeyEnter)
	if want := []string{"say", "/quit"}; !slices.Equal(s.node.said, want) || s.leaving {
		t.Errorf("said %q", s.node.said)
	}
}

// TestCrowdComesIn: a typed line is done whatever else is asked of the node.
func TestCrowdComesIn(t *testing.T) {
	s := lobby(80, 24)
	jobs := make(chan job, mostJobs)
	s.jobs = jobs
	for i := range 2 * mostJobs {
		s.happens(node.MemberJoined{Member: room.Member{ID: room.NodeID{9, byte(i), byte(i >> 8)}, Name: fmt.Sprint("guest ", i)}})
	}
	s.enter("hello")
	close(jobs)
	work(s.node, jobs, func(msg tea.Msg) {
		if v, ok := msg.(volumes); ok { // would ask once more
			s.jobs, s.listening = nil, false
			s.update(v)
		}
	})
	if !slices.Equal(s.node.said, []string{"hello"}) {
		t.Errorf("said %q: %s", s.node.said, s.hint)
	}
}

func TestWhatWasTypedComesBack(t *testing.T) {
	s := lobby(80, 24)
	s.enter("one")
	s.enter("two")
	s.types("dra")
	s.press(tea.KeyUp)
	s.shows(t, "> two")
	s.press(tea.KeyUp)
	s.shows(t, "> one")
	s.press(tea.KeyUp, tea.KeyDown, tea.KeyDown)
	s.shows(t, "> dra")
	s.run(s.update(tea.KeyPressMsg{Code: 'c', Mod: tea.ModCtrl}))
	s.lacks(t, "dra")
	s.press(tea.KeyUp)
	s.shows(t, "> dra")
}

func TestTabCompletes(t *testing.T) {
	s := lobby(80, 24)
	s.types("/vol")
	s.press(tea.KeyTab)
	s.types("b")
	s.press(tea.KeyTab)
	s.shows(t, "> /volume Bob", "how loud you hear NAME")
	s.run(s.update(tea.KeyPressMsg{Code: 'c', Mod: tea.ModCtrl}))
	s.types("/m")
	s.press(tea.KeyTab)
	s.shows(t, "> /msg", "[/msg] /me /mute")
	s.press(tea.KeyTab, tea.KeyTab)
	s.shows(t, "> /mute", "/msg /me [/mute]")
	s.press(tea.KeyTab)
	s.shows(t, "> /msg")
}

// TestScrollingKeepsItsPlace while messages come, and fetches what is older.
func TestScrollingKeepsItsPlace(t *testing.T) {
	s := lobby(80, 24)
	s.at = evening.Add(-2 * time.Hour)
	for i := range 300 {
		s.node.past = append(s.node.past, s.said(bob, fmt.Sprintf("old %d", i)))
	}
	s.at = evening
	for i := range 30 {
		s.says(bob, fmt.Sprintf("line %d", i))
	}
	s.node.past = append(s.node.past, s.said(bob, "")) // never asked for
	s.press(tea.KeyPgUp)
	s.shows(t, "Esc: to the end", "line 5")
	before := s.screen()
	for i := range 50 {
		s.says(cy, fmt.Sprintf("new %d", i))
	}
	row := func(screen string, n int) string { return strings.Split(screen, "\n")[n] }
	if got := s.screen(); row(got, 3) != row(before, 3) || row(got, 15) != row(before, 15) {
		t.Errorf("the screen has moved:\n%s", got)
	}
	s.shows(t, "new below: Esc")
	s.press(tea.KeyEscape)
	s.shows(t, "new 49")
	s.lacks(t, "Esc: to the end")

	s.node.past = s.node.past[:300]
	s.node.past = append(s.node.past, node.Message{ID: s.talk.oldest()})
	for range 40 {
		s.press(tea.KeyPgUp)
	}
	s.shows(t, "here the conversation begins", "old 0")
	for i, it := range s.talk.items[1:] {
		if it.before(s.talk.items[i].place) {
			t.Fatalf("item %d is out of order", i+1)
		}
	}
	s.press(tea.KeyPgDown)
	s.shows(t, "old 20")
	s.run(s.update(tea.MouseWheelMsg{Button: tea.MouseWheelDown}))
	s.run(s.update(tea.KeyPressMsg{Code: tea.KeyEnd, Mod: tea.ModCtrl}))
	s.shows(t, "new 49")
}

func TestUnreadMark(t *testing.T) {
	s := lobby(80, 24)
	s.says(bob, "read")
	s.update(tea.BlurMsg{})
	s.says(bob, "not read")
	s.says(bob, "nor this")
	s.update(tea.FocusMsg{})
	if rows := strings.Split(s.screen(), "\n"); !slices.ContainsFunc(rows, func(r string) bool { return strings.Contains(r, "─ new ─") }) {
		t.Errorf("no mark:\n%s", s.screen())
	}
	s.enter("I have read it")
	s.happens(node.Pending{ID: room.ID{77}, Text: "I have read it"})
	s.lacks(t, "─ new ─")
}

// TestNothingIsMissing where one scrolls back past messages that came late, or searches far back.
func TestNothingIsMissing(t *testing.T) {
	s := lobby(80, 24)
	s.at = evening.Add(-24 * time.Hour)
	const n = 9000
	for i := range n {
		s.node.past = append(s.node.past, s.said(bob, fmt.Sprintf("number %d.", i)))
	}
	s.at = evening
	for _, m := range s.node.past[n-20:] {
		m.History = true
		s.happens(m)
	}
	late := s.node.past[3]
	late.Late = true
	s.happens(late)
	s.enter("/search number 100.")
	s.press(tea.KeyEnter)
	s.shows(t, "number 100.")
	at := 0
	for _, it := range s.talk.items {
		if k := 0; it.kind == said {
			if fmt.Sscanf(it.text, "number %d.", &k); at > 0 && k != at+1 {
				t.Fatalf("number %d comes behind %d", k, at)
			}
			at = k
		}
	}
	if at != n-1 {
		t.Errorf("the last is number %d", at)
	}
}

func TestLateMessagesStandInTheirPlace(t *testing.T) {
	s := lobby(100, 24)
	s.says(bob, "first")
	late := s.said(cy, "in between")
	late.Late = true
	s.says(bob, "last")
	s.happens(late)
	screen := s.screen()
	if a, b, c := strings.Index(screen, "first"), strings.Index(screen, "[late] in between"), strings.Index(screen, "Bob: last"); a < 0 || b < a || c < b {
		t.Errorf("out of order:\n%s", screen)
	}
	s.shows(t, "1 late message came in above")
}

func TestPendingMark(t *testing.T) {
	s := lobby(80, 24)
	i := room.ID{9}
	s.happens(node.Pending{ID: i, Text: "on its way"})
	s.says(bob, "meanwhile")
	screen := s.screen()
	if strings.Index(screen, "on its way …") < strings.Index(screen, "meanwhile") {
		t.Errorf("what waits is not last:\n%s", screen)
	}
	s.at = s.at.Add(patience)
	s.update(tick{})
	s.shows(t, "on its way (not delivered yet)")
	m := s.said(ada, "on its way")
	m.ID = i
	s.happens(m, node.Delivered{ID: i})
	s.shows(t, "Ada: on its way")
	s.lacks(t, "not delivered", "way …")
}

// TestHoldToTalk where the terminal tells of keys let go.
func TestHoldToTalk(t *testing.T) {
	s := lobby(80, 24)
	s.update(tea.KeyboardEnhancementsMsg{Flags: ansi.KittyDisambiguateEscapeCodes | ansi.KittyReportEventTypes})
	down, up := tea.KeyPressMsg{Code: tea.KeyF9}, tea.KeyReleaseMsg{Code: tea.KeyF9}
	s.update(down)
	if !s.node.switches.PushToTalk || !s.node.switches.Pressed {
		t.Fatalf("%+v", s.node.switches)
	}
	s.shows(t, "on the air")
	s.update(tea.KeyPressMsg{Code: tea.KeyF9, IsRepeat: true})
	s.update(up)
	if s.node.switches.Pressed {
		t.Error("still pressed")
	}
	s.shows(t, "hold F9 to talk")
	s.update(down)
	s.update(tea.BlurMsg{}) // and the release goes elsewhere
	if s.node.switches.Pressed {
		t.Error("pressed by a key that another window has")
	}

	if k := s.View().KeyboardEnhancements; !k.ReportAllKeysAsEscapeCodes {
		t.Error("Space is not asked for")
	}
	space := tea.KeyPressMsg{Code: tea.KeySpace, Text: " "}
	s.update(space) // told as text: it has no release
	if s.node.switches.Pressed || s.prompt.value() != " " {
		t.Errorf("%+v, %q", s.node.switches, s.prompt.value())
	}
	s.prompt.set("")
	s.update(tea.KeyboardEnhancementsMsg{Flags: ansi.KittyAllFlags})
	s.update(space)
	if !s.node.switches.Pressed {
		t.Error("Space does not talk")
	}
	s.update(tea.KeyReleaseMsg{Code: tea.KeySpace})
	if s.node.switches.Pressed {
		t.Error("Space let go still talks")
	}
	s.types("a b")
	if s.prompt.value() != "a b" || s.node.switches.Pressed || s.View().KeyboardEnhancements.ReportAllKeysAsEscapeCodes {
		t.Errorf("typed %q, %+v", s.prompt.value(), s.node.switches)
	}
}

// TestTapToTalk where the terminal does not tell: it repeats a key that is held, after a while and then fast.
func TestTapToTalk(t *testing.T) {
	s := lobby(80, 24)
	after := func(d time.Duration) {
		for end := s.at.Add(d); s.at.Before(end); s.update(tick{}) {
			s.at = s.at.Add(min(levelTick, end.Sub(s.at)))
		}
	}
	talks := func(want bool, when string) {
		t.Helper()
		if s.node.switches.Pressed != want {
			t.Errorf("%s: pressed is %v", when, !want)
		}
	}
	for _, pause := range []time.Duration{200 * time.Millisecond, 400 * time.Millisecond, 5 * time.Second} {
		s.press(tea.KeyF9)
		talks(true, "tapped")
		after(pause)
		talks(true, "a while after")
		s.press(tea.KeyF9)
		after(300 * time.Millisecond)
		talks(false, "tapped again")
		after(time.Second)
	}
	for _, delay := range []time.Duration{250 * time.Millisecond, 660 * time.Millisecond} {
		s.press(tea.KeyF9)
		after(delay)
		for range 50 {
			s.press(tea.KeyF9)
			talks(true, "held")
			after(33 * time.Millisecond)
			talks(true, "held on")
		}
		s.shows(t, "on the air")
		after(400 * time.Millisecond)
		talks(false, "let go")
		after(time.Second)
	}
	s.shows(t, "tap F9 to talk")
	s.update(tea.KeyboardEnhancementsMsg{Flags: ansi.KittyReportEventTypes})
	s.update(tea.KeyPressMsg{Code: tea.KeyF9, Mod: tea.ModNumLock})
	talks(true, "with NumLock on")
}

func TestSwitches(t *testing.T) {
	s := lobby(80, 24)
	s.happens(node.Audio{Error: "no sound: this machine has no microphone; this machine has no loudspeaker"})
	s.shows(t, "mic no sound")
	s.happens(node.Audio{Input: "Mic", Output: "Ear"})
	s.press(tea.KeyF5)
	s.shows(t, "muted")
	s.press(tea.KeyF5, tea.KeyF6)
	s.shows(t, "open, you hear nobody")
	s.node.switches.Muted = true
	s.happens(node.Switched{Switches: s.node.switches}) // by another program
	s.shows(t, "mic muted")
	s.press(tea.KeyF9)
	s.shows(t, "You are muted; F5 lets")
}

func TestSearchGoesThere(t *testing.T) {
	s := lobby(80, 24)
	for i := range 1000 {
		s.node.past = append(s.node.past, s.said(bob, fmt.Sprintf("number %d.", i)))
	}
	s.says(bob, "now")
	s.node.past = append(s.node.past, node.Message{ID: s.talk.oldest()})
	s.enter("/search number 123.")
	s.shows(t, "1 message,", "> ", "number 123.")
	s.press(tea.KeyEnter)
	s.shows(t, "number 122.", "number 123.", "number 124.", "Esc: to the end")
	s.press(tea.KeyEscape)
	s.shows(t, "Bob: now")
	s.press(tea.KeyF3)
	s.types("none of this")
	s.press(tea.KeyEnter)
	s.shows(t, "Nothing here has all these words")
}

func TestDeviceIsChosen(t *testing.T) {
	s := lobby(80, 24)
	s.press(tea.KeyF4)
	s.shows(t, "no sound system")
	s.press(tea.KeyEscape)
	s.node.devices = []node.Device{{Name: "Mic", Inputs: 1}, {Name: "Other", Inputs: 2, Outputs: 2}, {Name: "Ear", Outputs: 2}}
	s.enter("/devices")
	s.shows(t, "• Mic", "• Ear")
	s.press(tea.KeyDown, tea.KeyDown, tea.KeyEnter)
	if want := [2]string{"Other", "Ear"}; s.node.used != want {
		t.Errorf("uses %q, want %q", s.node.used, want)
	}
	s.types("t")
	s.press(tea.KeyEscape)
	s.devices = nil
	s.types("/devices in o")
	s.press(tea.KeyTab)
	s.shows(t, "> /devices in Other")
	s.press(tea.KeyEscape)
	s.shows(t, "testing: you hear yourself")
}

func TestVolumeOfOne(t *testing.T) {
	s := lobby(80, 24)
	s.run(s.update(tea.MouseClickMsg{Button: tea.MouseLeft, X: 70, Y: 3}))
	s.shows(t, ">  Bob")
	s.press(tea.KeyLeft, tea.KeyLeft)
	if got := command.Percent(s.node.volumes[bob.ID]); got != 80 {
		t.Errorf("%d %%", got)
	}
	s.types("m")
	s.shows(t, "unheard")
	s.press(tea.KeyEnter)
	s.shows(t, "> /msg Bob")
}

// TestChosenOneStaysChosen though others come.
func TestChosenOneStaysChosen(t *testing.T) {
	s := lobby(80, 24)
	s.press(tea.KeyF2, tea.KeyDown, tea.KeyDown)
	s.shows(t, ">  Cyrus")
	s.happens(node.MemberJoined{Member: member(8, "Aaron")})
	s.press(tea.KeyEnter)
	s.shows(t, "> /msg Cyrus")
}

// TestCallsWhoLooksElsewhere, and nobody else.
func TestCallsWhoLooksElsewhere(t *testing.T) {
	s := lobby(80, 24)
	var told []string
	s.notify = func(from, text string) { told = append(told, from+": "+text) }
	private := func(text string) node.Message {
		m := s.said(bob, text)
		m.Private, m.To = true, &node.Person{ID: ada.ID, Name: "Ada"}
		return m
	}
	bells := s.says(bob, "Ada?") + s.happens(private("hush"))
	s.update(tea.BlurMsg{})
	past := s.said(bob, "ada, yesterday")
	past.History = true
	bells += s.says(bob, "nothing for adamant people") + s.happens(past)
	if bells != "" || told != nil {
		t.Errorf("rings %q, tells %q", bells, told)
	}
	bells = s.says(bob, "and ada?") + s.happens(private("psst"))
	if want := []string{"Bob: and ada?", "Bob: psst"}; bells != "\a\a" || !slices.Equal(told, want) {
		t.Errorf("rings %q, tells %q", bells, told)
	}
}

func TestAnotherRoom(t *testing.T) {
	s := lobby(80, 24)
	s.says(bob, "said in the lobby")
	s.happens(node.Seeking{Room: "attic"})
	s.lacks(t, "said in the lobby", "Bob")
	s.shows(t, "attic · looking for the room", "Looking for attic")
	s.update(earlier{before: room.ID{1, 0, 1}, messages: []node.Message{s.said(bob, "an old page of the lobby")}})
	s.lacks(t, "old page")
}

func TestLeaving(t *testing.T) {
	s := lobby(80, 24)
	jobs := make(chan job, 9)
	s.jobs = jobs
	s.opts.Leave = func(context.Context) error {
		if !slices.Equal(s.node.said, []string{"one", "two"}) {
			t.Errorf("leaves when only this is said: %q", s.node.said)
		}
		return fmt.Errorf("not all is delivered")
	}
	s.enter("one")
	s.enter("two")
	s.press(tea.KeyF5) // a switch keeps its turn
	s.enter("/quit")
	s.shows(t, "leaving once all is delivered")
	s.types("x")
	if s.prompt.value() != "" {
		t.Error("one may go on typing")
	}
	var last tea.Cmd
	close(jobs)
	work(s.node, jobs, func(msg tea.Msg) { last = s.update(msg) })
	if _, quits := last().(tea.QuitMsg); !quits || s.failure == nil || !s.node.switches.Muted {
		t.Errorf("failure %v", s.failure)
	}
}

// TestEverySize: however small the terminal is made, the screen keeps within it.
func TestEverySize(t *testing.T) {
	s := newStage(80, 24)
	talking(s)
	open := map[string]func(){
		"none": func() {}, "help": func() { s.press(tea.KeyF1) }, "people": func() { s.press(tea.KeyF2) }, "search": func() { s.press(tea.KeyF3) },
		"devices": func() { s.press(tea.KeyF4) }, "invite": func() { s.enter("/invite") }, "voice": func() { s.enter("/voice") },
		"scrolled": func() { s.press(tea.KeyPgUp) }, "typed": func() { s.types("/me 東京 and a line that is longer than the window is wide") },
	}
	for name, do := range open {
		s.update(tea.WindowSizeMsg{Width: 80, Height: 24})
		do()
		for w := range 90 {
			for _, h := range []int{0, 1, 2, 3, 4, 5, 6, 7, 10, 30} {
				s.update(tea.WindowSizeMsg{Width: w, Height: h})
				s.fits(t, name)
			}
		}
		s.update(tea.WindowSizeMsg{Width: 80, Height: 24})
		s.press(tea.KeyEscape, tea.KeyEscape)
	}
}

func (s *stage) fits(t *testing.T, what string) {
	t.Helper()
	v := s.View()
	rows := strings.Split(v.Content, "\n")
	if len(rows) > max(1, s.height) {
		t.Fatalf("%s: %d rows on %d×%d", what, len(rows), s.width, s.height)
	}
	for _, row := range rows {
		if n := s.cells.width(row); n > s.width {
			t.Fatalf("%s: %d columns on %d×%d: %q", what, n, s.width, s.height, row)
		}
	}
	if c := v.Cursor; c != nil && (c.X < 0 || c.X >= s.width || c.Y < 0 || c.Y >= s.height) {
		t.Fatalf("%s: the cursor is at %d, %d on %d×%d", what, c.X, c.Y, s.width, s.height)
	}
}

// TestAnything: made-up keys, events and sizes, in any order.
func TestAnything(t *testing.T) {
	texts := []string{"hi", "東京の友達 👩‍👩‍👧 e\u0301", "\x1b[31mred\a", "שלום world", strings.Repeat("w", 300), "a\u202eb\u200b", "https://x.lan/" + strings.Repeat("p", 100), "🇩🇪🏳️‍🌈", "/me \ufe0f"}
	keys := []rune{tea.KeyEnter, tea.KeyTab, tea.KeyUp, tea.KeyDown, tea.KeyLeft, tea.KeyRight, tea.KeyPgUp, tea.KeyPgDown, tea.KeyEscape,
		tea.KeyBackspace, tea.KeyF1, tea.KeyF2, tea.KeyF3, tea.KeyF4, tea.KeyF5, tea.KeyF9, 'a', '/', ' ', '東', 'm', 't'}
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := lobby(80, 24)
		s.node.devices = []node.Device{{Name: texts[1], Inputs: 1, Outputs: 2}}
		for range 400 {
			text := texts[r.IntN(len(texts))]
			who := []room.Member{ada, bob, member(7, text), old}[r.IntN(4)]
			switch r.IntN(12) {
			case 0:
				s.update(tea.WindowSizeMsg{Width: r.IntN(120), Height: r.IntN(40)})
			case 1:
				m := s.said(who, text)
				m.Late = r.IntN(2) == 0
				m.Order -= uint64(r.IntN(5e4)) << 16
				s.happens(m)
			case 2:
				s.says(who, text)
			case 3:
				s.happens(node.Pending{ID: room.ID{byte(r.IntN(256)), 0, 9}, Text: text})
			case 4:
				s.happens(node.MemberJoined{Member: who}, node.Speaking{Member: who, On: true})
			case 5:
				s.happens(node.MemberLeft{Member: who})
			case 6:
				s.update(tea.PasteMsg{Content: text})
			case 7:
				s.node.past = append(s.node.past, s.said(who, text))
			case 8:
				s.at = s.at.Add(time.Duration(r.IntN(1e10)))
				s.update(tick{})
			default:
				k := tea.KeyPressMsg{Code: keys[r.IntN(len(keys))]}
				if k.Code < tea.KeyExtended && k.Code >= ' ' && k.Code != tea.KeyBackspace {
					k.Text = string(k.Code)
				}
				s.run(s.update(k))
			}
			s.fits(t, fmt.Sprintf("seed %d", seed))
		}
	}
}

// TestInvitationIsWhole: what is to be typed elsewhere can be read on a narrow screen, too.
func TestInvitationIsWhole(t *testing.T) {
	s := newStage(24, 12)
	alone(s)
	s.enter("/invite")
	words := strings.Join(strings.Fields(s.screen()), " ")
	if line := s.panel.(*invitePanel).invite.Line; !strings.Contains(words, line) {
		t.Errorf("the screen lacks %q:\n%s", line, s.screen())
	}
}

// TestPasteWithoutItsLastLineEnd: what is copied as whole lines is as many lines, and the hint goes when they do.
func TestPasteWithoutItsLastLineEnd(t *testing.T) {
	s := newStage(80, 24)
	alone(s)
	s.update(tea.PasteMsg{Content: "one\ntwo\r\n"})
	s.shows(t, "2 lines: Enter sends each")
	s.run(s.update(tea.KeyPressMsg{Code: 'c', Mod: tea.ModCtrl}))
	s.lacks(t, "2 lines")
}
