//go:build linux

package main_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"parley.lan/internal/lantest"
	"parley.lan/internal/termtest"
)

// TestPlainTerminal: with --plain a person's screen reader speaks each thing that happens once, for nothing is drawn twice and
// nothing but lines comes to the terminal.
func TestPlainTerminal(t *testing.T) {
	t.Parallel()
	lan := lantest.New(t)
	host := lan.Host("ada")
	for _, env := range []string{"TERM=xterm-256color", "NO_COLOR=1"} {
		t.Run(env, func(t *testing.T) {
			dir := t.TempDir()
			cmd := host.Command(context.Background(), program, "--plain", "--audio", "none", "--state-dir", dir, "--name", "Ada")
			cmd.Env = append(environment(dir), env)
			ada := termtest.Start(t, 80, 24, cmd)
			ada.WaitFor("and host it")
			const each = 30
			for _, name := range []string{"Bob", "Carl", "Dora"} {
				p := start(t, lan.Host(name), name)
				p.awaitRoster("Ada", name)
				for i := range each {
					p.write(fmt.Sprintf("%s says %02d", name, i))
				}
				p.write("/quit")
				p.awaitExit()
				ada.WaitFor(name + " left")
			}
			ada.Send("good evening\r")
			ada.WaitFor("good evening")
			ada.Send("/quit\r")
			if code := ada.Exit(); code != 0 {
				t.Errorf("exit code %d", code)
			}
			out := string(ada.Output())
			if i := strings.IndexFunc(out, func(r rune) bool { return r < ' ' && r != '\r' && r != '\n' }); i >= 0 {
				t.Errorf("more than lines: %q", out[i:min(len(out), i+40)])
			}
			if strings.Count(out, "\r") != strings.Count(out, "\r\n") {
				t.Error("a line is drawn anew")
			}
			for _, name := range []string{"Bob", "Carl", "Dora"} {
				want := []string{"*  " + name + " came in", "*  " + name + " left"}
				for i := range each {
					want = append(want, fmt.Sprintf("%s  %[1]s says %02d", name, i))
				}
				for _, w := range want {
					if n := strings.Count(out, " "+w+"\r\n"); n != 1 {
						t.Errorf("%q stands there %d times", w, n)
					}
				}
			}
			if t.Failed() {
				t.Log(out)
			}
		})
	}
}
