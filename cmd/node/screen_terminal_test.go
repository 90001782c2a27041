//go:build linux

package main_test

import (
	"context"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"parley.lan/internal/lantest"
	"parley.lan/internal/termtest"
)

// openIn starts a node in an emulated terminal that speaks the Kitty keyboard protocol, as tmux doesn't.
func openIn(t *testing.T, h *lantest.Host, name string, flags ...string) *termtest.Terminal {
	t.Helper()
	dir := t.TempDir()
	cmd := h.Command(context.Background(), program, append([]string{"--state-dir", dir, "--name", name, "--audio", "none"}, flags...)...)
	cmd.Env = environment(dir)
	return termtest.StartKitty(t, 80, 24, cmd)
}

// TestScreenLeavesTheTerminalAsItWas: however it ends, the shell has its terminal back.
func TestScreenLeavesTheTerminalAsItWas(t *testing.T) {
	t.Parallel()
	lan := lantest.New(t)
	for name, end := range map[string]func(p *termtest.Terminal){
		"quit":   func(p *termtest.Terminal) { p.Send("/quit\r") },
		"ctrl-c": func(p *termtest.Terminal) { p.Send("\x1b[99;5u") },
		"term":   func(p *termtest.Terminal) { p.Signal(syscall.SIGTERM) },
		"hangup": func(p *termtest.Terminal) { p.Signal(syscall.SIGHUP) },
		"int":    func(p *termtest.Terminal) { p.Signal(syscall.SIGINT) },
		"panel":  func(p *termtest.Terminal) { p.Send("\x1bOQ"); p.WaitFor("Who is here"); p.Signal(syscall.SIGTERM) },
	} {
		p := openIn(t, lan.Host(name), name)
		p.WaitFor("You are in lobby")
		if p.KittyFlags()&2 == 0 || p.Cooked() || len(p.Left()) == 0 {
			t.Errorf("%s: the terminal isn't the program's: flags %d, cooked %v", name, p.KittyFlags(), p.Cooked())
		}
		end(p)
		if code := p.Exit(); code != 0 {
			t.Errorf("%s: exit code %d", name, code)
		}
		if left := p.Left(); len(left) > 0 {
			t.Errorf("%s leaves behind: %q", name, left)
		}
		if !p.Cooked() {
			t.Errorf("%s leaves a raw terminal", name)
		}
	}
}

// TestScreenInAKittyTerminal: the terminal is asked what it can tell, holding a key talks, and a bell rings for who looks elsewhere.
func TestScreenInAKittyTerminal(t *testing.T) {
	t.Parallel()
	lan := lantest.New(t)
	ada := openIn(t, lan.Host("ada"), "Ada", "--audio", "wav:"+microphone(t, time.Minute, 0)+","+filepath.Join(t.TempDir(), "out.wav"))
	ada.WaitFor("you host it")
	carl := start(t, lan.Host("carl"), "Carl")
	carl.awaitRoster("Ada", "Carl")
	carl.write("Ada: here?")
	ada.WaitFor("Ada: here?")
	if d := ada.Deeds(); d.Bells > 0 {
		t.Error("a bell for who looks")
	}
	ada.Send("\x1b[O") // the window is left
	carl.write("Ada: are you still there?")
	ada.WaitFor("still there?")
	for end := time.Now().Add(patience); ada.Deeds().Bells == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no bell rings")
		}
	}
	d := ada.Deeds()
	if len(d.Clipboard) > 0 || d.AltScreen != 1 {
		t.Errorf("the terminal did %+v", d)
	}
	if last := d.Titles[len(d.Titles)-1]; last != "(*) lobby - Parley" {
		t.Errorf("the title is %q", last)
	}
	ada.Send("\x1b[I") // and is looked at again
	ada.Until("the title of a room without news", func(string) bool {
		titles := ada.Deeds().Titles
		return titles[len(titles)-1] == "lobby - Parley"
	})

	ada.Send("\x1b[18~") // F7
	ada.WaitFor("hold F9 to talk")
	for _, key := range [][2]string{{f9Down, f9Up}, {spaceDown, spaceUp}} {
		ada.Send(key[0])
		ada.WaitFor("on the air")
		ada.Send(key[1])
		ada.WaitFor("hold F9 to talk")
	}
	ada.Send(f9Down)
	ada.WaitFor("on the air")
	ada.Send("\x1b[O") // the key is let go in another window
	ada.WaitFor("hold F9 to talk")

	mark := carl.mark()
	ada.Close()
	awaitAfter(carl, mark, "hosting", func(hosting) bool { return true })
	awaitAfter(carl, mark, "Ada leaving", func(m memberLeft) bool { return m.Member.Name == "Ada" })
	if code := ada.Exit(); code != 0 {
		t.Errorf("a closed window ends the program with %d", code)
	}
	for _, e := range all[hostLost](carl) {
		t.Errorf("the host left without a word: %+v", e)
	}
}
