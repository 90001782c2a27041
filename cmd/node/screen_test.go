//go:build linux

package main_test

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"parley.lan/audio/audiotest"
	"parley.lan/internal/lantest"
	"parley.lan/internal/termtest"
)

// screen is a node in a terminal, as a person has it.
type screen struct {
	*termtest.Tmux
	t    *testing.T
	name string
}

// Keys that tmux has no way to press: F9 and Space down and up, as the Kitty keyboard protocol has them, and a terminal's answer
// that it speaks all of that protocol.
const (
	kittyAnswer        = "\x1b[?31u"
	f9Down, f9Up       = "\x1b[20;1:1~", "\x1b[20;1:3~"
	spaceDown, spaceUp = "\x1b[32;1:1u", "\x1b[32;1:3u"
)

// open starts a node in a terminal of 80 × 24 cells on a host, with env besides the usual.
func open(t *testing.T, h *lantest.Host, name string, env []string, flags ...string) *screen {
	t.Helper()
	dir := t.TempDir()
	cmd := h.Command(context.Background(), program, append([]string{"--state-dir", dir, "--name", name}, flags...)...)
	cmd.Env = append(environment(dir), env...)
	s := &screen{termtest.StartTmux(t, 80, 24, cmd), t, name}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("--- the screen of %s:\n%s", name, s.Capture())
		}
	})
	return s
}

// enter types a line and sends it.
func (s *screen) enter(line string) {
	s.t.Helper()
	s.SendText(line)
	s.SendKeys("Enter")
}

// status waits until the line above the prompt says how one's own voice goes out.
func (s *screen) status(words string) {
	s.t.Helper()
	s.Until("the status "+words, func(screen string) bool {
		rows := strings.Split(strings.TrimRight(screen, "\n"), "\n")
		return len(rows) > 1 && strings.Contains(rows[len(rows)-2], words)
	})
}

// talks waits until the list of people shows whether somebody talks.
func (s *screen) talks(name string, on bool) {
	s.t.Helper()
	mark := regexp.MustCompile("│ ● " + name + ` .*▮`)
	s.Until(fmt.Sprintf("%s talking: %v", name, on), func(screen string) bool {
		return strings.Contains(screen, name) && mark.MatchString(screen) == on
	})
}

// lacks fails where text can be read on the screen.
func (s *screen) lacks(text string) {
	s.t.Helper()
	if now := s.Capture(); strings.Contains(now, text) {
		s.t.Errorf("the screen of %s shows %q:\n%s", s.name, text, now)
	}
}

// microphone saves a WAV file in which somebody talks all the time, after some silence.
func microphone(t *testing.T, silence, length time.Duration) string {
	t.Helper()
	speech := clip(t, "ada")
	for len(speech) < int(length.Seconds()*audiotest.Rate) {
		speech = append(speech, speech...)
	}
	path := filepath.Join(t.TempDir(), "in.wav")
	saveClip(t, path, silence, speech)
	return path
}

// TestScreen is an evening of three: two before full screens, of whom one hosts, and one that tells what it sees as events.
func TestScreen(t *testing.T) {
	t.Parallel()
	lan := lantest.New(t)
	out := filepath.Join(t.TempDir(), "out.wav")
	ada := open(t, lan.Host("ada"), "Ada", nil, "--audio", "wav:"+microphone(t, 0, time.Minute)+","+out)
	ada.WaitFor("you host it")
	ada.WaitFor("Nobody else is here yet.")
	carl := start(t, lan.Host("carl"), "Carl")
	carl.awaitRoster("Ada", "Carl")
	bob := open(t, lan.Host("bob"), "Bob", nil, "--audio", "wav:,"+filepath.Join(t.TempDir(), "out.wav"))
	bob.WaitFor("hosted by Ada")
	bob.WaitFor("3 people are here")
	ada.WaitFor("Bob came in")
	if ada.Get("alternate_on") != "1" || ada.Get("mouse_sgr_flag") != "1" {
		t.Error("no alternate screen, or no mouse")
	}

	// Talking whenever one speaks, and only while a key is held.
	bob.talks("Ada", true)
	ada.status("talking")
	ada.SendBytes(kittyAnswer)
	ada.SendKeys("F7")
	ada.status("hold F9 to talk")
	bob.talks("Ada", false)
	for _, key := range [][2]string{{f9Down, f9Up}, {spaceDown, spaceUp}} {
		ada.SendBytes(key[0])
		ada.status("on the air")
		bob.talks("Ada", true)
		ada.SendBytes(key[1])
		ada.status("hold F9 to talk")
		bob.talks("Ada", false)
	}
	ada.SendKeys("F5")
	ada.status("muted")
	bob.WaitFor("× Ada")

	// Writing, to all and to one.
	bob.enter("good evening, all")
	ada.WaitFor("Bob: good evening, all")
	bob.Until("a message that came back", func(screen string) bool {
		return strings.Contains(screen, "Bob: good evening, all") && !strings.Contains(screen, "good evening, all …")
	})
	bob.enter("/msg Ada the key is under the mat")
	ada.WaitFor("[private] the key is under the mat")
	bob.WaitFor("[to Ada] the key is under the mat")
	ada.enter("/who")
	ada.WaitFor("Who is here")
	ada.SendKeys("Escape")

	// What was said before, and further back than the screen reaches.
	for i := range 100 {
		carl.write(fmt.Sprintf("parcel number %03d", i))
	}
	carl.write("and that was all")
	bob.WaitFor("and that was all")
	bob.lacks("number 050")
	for range 12 {
		bob.SendKeys("PageUp")
	}
	bob.WaitFor("good evening, all")
	bob.WaitFor("Esc: to the end")
	carl.write("one more")
	bob.WaitFor("new below: Esc")
	bob.SendKeys("Escape")
	bob.WaitFor("one more")
	bob.Mouse(termtest.WheelUp, 10, 10)
	bob.WaitFor("to the end")
	bob.Until("the wheel's three lines", func(screen string) bool { return !strings.Contains(screen, "one more") })
	bob.Mouse(termtest.WheelDown, 10, 10)
	bob.WaitFor("one more")

	// Searching, and going to what was found.
	bob.SendKeys("F3")
	bob.WaitFor("Search:")
	bob.SendText("number 042")
	bob.SendKeys("Enter")
	bob.WaitFor("1 message")
	bob.SendKeys("Enter")
	bob.Until("what was found, where it was said", func(screen string) bool {
		return strings.Contains(screen, "number 041") && strings.Contains(screen, "number 042") && strings.Contains(screen, "number 043")
	})
	bob.lacks("Search:")
	bob.SendKeys("Escape")
	bob.WaitFor("one more")

	// A megabyte from the clipboard.
	bob.Paste(strings.Repeat("all work and no play ", 1<<20/21))
	bob.WaitFor("more than the prompt takes")
	bob.SendKeys("C-c")
	bob.enter("still here")
	ada.WaitFor("Bob: still here")

	// A window of any size: first faster than anybody can draw, then one by one.
	for _, fast := range []bool{true, false} {
		for _, size := range [][2]int{{40, 10}, {20, 5}, {3, 2}, {1, 1}, {2, 30}, {200, 1}, {200, 60}, {1, 1}} {
			bob.Resize(size[0], size[1])
			carl.write(fmt.Sprintf("on %d columns, fast %v", size[0], fast))
			if !fast {
				bob.Until("something", func(screen string) bool { return strings.TrimSpace(screen) != "" })
			}
		}
		ada.WaitFor(fmt.Sprintf("on 200 columns, fast %v", fast))
		bob.Resize(80, 24)
		bob.Until("each line in its place", func(screen string) bool {
			rows := strings.Split(strings.TrimSuffix(screen, "\n"), "\n")
			return len(rows) == 24 && strings.HasPrefix(rows[0], " lobby · hosted by Ada") && strings.HasSuffix(rows[1], "│ 3 people are here") &&
				strings.Contains(rows[21], fmt.Sprintf("Carl: on 1 columns, fast %v", fast)) && rows[23] == ">"
		})
	}

	// The host's power is cut.
	ada.Kill()
	bob.Until("who hosts now", func(screen string) bool {
		return strings.Contains(screen, "Ada is gone; you host now") || strings.Contains(screen, "Ada is gone; Carl hosts now")
	})
	bob.WaitFor("2 people are here")
	carl.awaitRoster("Bob", "Carl")
	carl.write("and on we go")
	bob.WaitFor("Carl: and on we go")
	bob.enter("indeed")
	carl.awaitTexts([]string{"and on we go", "indeed"})

	// The window is closed.
	mark := carl.mark()
	bob.Signal(syscall.SIGHUP)
	begin := time.Now()
	awaitAfter(carl, mark, "Bob leaving", func(m memberLeft) bool { return m.Member.Name == "Bob" })
	t.Logf("a closed window was seen after %v", time.Since(begin))
	if code := bob.Exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if private := carl.texts(func(m message) bool { return strings.Contains(m.Text, "under the mat") }); len(private) > 0 {
		t.Errorf("Carl read what was for Ada: %q", private)
	}
}

// TestScreenChangesDevices: microphone and loudspeaker are chosen from the list while the talk goes on.
func TestScreenChangesDevices(t *testing.T) {
	t.Parallel()
	pulse := audiotest.StartPulse(t, "mic", "ear")
	pulse.Card("headset", "mic.monitor", "ear")
	pulse.Card("desk", "mic.monitor", "ear")
	lan := lantest.New(t)
	ada := open(t, lan.Host("ada"), "Ada", pulse.Env("mic.monitor", "ear"), "--input", "headset", "--output", "headset")
	ada.WaitFor("Microphone: headset")
	ada.SendKeys("F4")
	ada.WaitFor("Loudspeaker")
	chosen := func(screen string) string {
		for row := range strings.Lines(screen) {
			if name, ok := strings.CutPrefix(row, ">"); ok && strings.TrimSpace(name) != "" {
				return strings.Trim(name, " •\n")
			}
		}
		return ""
	}
	ada.Until("a choice", func(screen string) bool { return chosen(screen) != "" })
	for range 10 {
		if chosen(ada.Capture()) == "desk" {
			break
		}
		before := chosen(ada.Capture())
		ada.SendKeys("Down")
		ada.Until("another choice", func(screen string) bool {
			now := chosen(screen) // nothing while a screen is half drawn
			return now != before && now != ""
		})
	}
	ada.SendKeys("Enter")
	ada.Until("the desk's microphone in use, and the headset's loudspeaker", func(screen string) bool {
		mic, ear, _ := strings.Cut(screen, "Loudspeaker")
		return regexp.MustCompile(`(?m)^>• desk`).MatchString(mic) && regexp.MustCompile(`(?m)^ • headset`).MatchString(ear)
	})
	ada.SendKeys("Escape")
	ada.WaitFor("Microphone: desk. Loudspeaker: headset.")
	ada.enter("/quit")
	if code := ada.Exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
