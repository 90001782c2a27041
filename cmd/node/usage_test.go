//go:build linux

package main_test

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"parley.lan/internal/lantest"
)

// run runs the binary with its input closed and gives what it printed and its exit code.
func run(t *testing.T, h *lantest.Host, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := h.Command(ctx, program, args...)
	cmd.Env = environment(t.TempDir())
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// TestWrongUsage: exit code 2 and a clear line that names what is wrong, at once and with nothing started.
func TestWrongUsage(t *testing.T) {
	h := lantest.New(t).Offline("desk")
	for _, c := range []struct {
		what string
		args []string
		says string // standard error contains it
	}{
		{"unknown flag", []string{"--bogus"}, "bogus"},
		{"unknown command", []string{"devcies"}, "devcies"},
		{"two commands", []string{"rooms", "devices"}, "devices"},
		{"flag after a positional", []string{"lobby", "--name", "x"}, "lobby"},
		{"flag without its value", []string{"--name"}, "name"},
		{"empty name", []string{"--name", ""}, "name"},
		{"blank name", []string{"--name", "   "}, "name"},
		{"name too long", []string{"--name", strings.Repeat("n", 65)}, "64"},
		{"escape sequence in the name", []string{"--name", "a\x1b[2Jb"}, "name"},
		{"line break in the name", []string{"--name", "a\nb"}, "name"},
		{"name that is no UTF-8", []string{"--name", "a\xff\xfeb"}, "name"},
		{"empty room", []string{"--room", ""}, "room"},
		{"control character in the room", []string{"--room", "a\x07"}, "room"},
		{"room too long", []string{"--room", strings.Repeat("r", 300)}, "room"},
		{"port of --join too large", []string{"--join", "10.77.0.1:99999"}, "10.77.0.1:99999"},
		{"port of --join no number", []string{"--join", "10.77.0.1:text"}, "10.77.0.1:text"},
		{"--join nowhere", []string{"--join", ""}, "join"},
		{"--join that is no address", []string{"--join", "not an address"}, "not an address"},
		{"text port too large", []string{"--text-port", "70000"}, "70000"},
		{"text port negative", []string{"--text-port", "-1"}, "-1"},
		{"voice port no number", []string{"--voice-port", "many"}, "many"},
		{"unknown sound", []string{"--audio", "kazoo"}, "kazoo"},
		{"unknown log level", []string{"--log-level", "loud"}, "loud"},
	} {
		t.Run(c.what, func(t *testing.T) {
			stdout, stderr, code := run(t, h, c.args...)
			if code != 2 {
				t.Errorf("node %q: exit code %d, want 2", c.args, code)
			}
			if stdout != "" {
				t.Errorf("node %q prints %q on standard output", c.args, stdout)
			}
			if !strings.Contains(stderr, c.says) {
				t.Errorf("node %q: standard error doesn't tell of %q:\n%s", c.args, c.says, stderr)
			}
			if strings.ContainsAny(stderr, "\x1b\x07") || strings.Contains(stderr, "goroutine ") {
				t.Errorf("node %q: standard error is not fit for a person: %q", c.args, stderr)
			}
		})
	}
}

// TestCommandsThatOnlyTell exit with 0 and print on standard output.
func TestCommandsThatOnlyTell(t *testing.T) {
	h := lantest.New(t).Offline("desk")
	for _, args := range [][]string{{"version"}, {"version", "--json"}, {"help"}, {"--help"}, {"--version"}} {
		stdout, stderr, code := run(t, h, args...)
		if code != 0 || strings.TrimSpace(stdout) == "" {
			t.Errorf("node %v: exit code %d, %q, %q", args, code, stdout, stderr)
		}
	}
}

// TestRoomsAndHistoryLookFromOutside: they tell of a room without being in it.
func TestRoomsAndHistoryLookFromOutside(t *testing.T) {
	t.Parallel()
	lan := lantest.New(t)
	pair := gather(t, lan, "ada", "bob")
	pair[1].write("worth keeping")
	pair[0].awaitText("worth keeping")
	visitor := lan.Host("visitor")
	if stdout, _, _ := run(t, visitor, "rooms", "--json"); !strings.Contains(stdout, `"member_count":2,"members":[{"id":"`) ||
		!strings.Contains(stdout, `"name":"ada","plain":false`) || !strings.Contains(stdout, `"plain_door":true`) {
		t.Errorf("the host has not told who is there: %s", stdout)
	}
	for _, c := range []struct{ command, says string }{{"rooms", "lobby"}, {"history", "worth keeping"}} {
		for _, args := range [][]string{{c.command}, {c.command, "--json"}} {
			stdout, stderr, code := run(t, visitor, args...)
			if code != 0 || !strings.Contains(stdout, c.says) {
				t.Errorf("node %v: exit code %d, prints %q and %q, want %q told", args, code, stdout, stderr, c.says)
			}
		}
	}
	talk(t, "undisturbed", pair...)
	for _, p := range pair {
		for _, m := range all[memberJoined](p) {
			if m.Member.Name != "ada" && m.Member.Name != "bob" {
				t.Errorf("%s saw %q come in", p.name, m.Member.Name)
			}
		}
	}
}

// TestStateFolderInUse: a second node on the key of a running one would split the room, so it doesn't start; a
// node that was killed keeps nobody out.
func TestStateFolderInUse(t *testing.T) {
	h := lantest.New(t).Offline("desk")
	ada := start(t, h, "ada")
	await[joined](ada, "its room", nil)
	_, stderr, code := run(t, h, "--name", "twin", "--state-dir", ada.dir)
	if code != 1 || !strings.Contains(stderr, ada.dir) || !strings.Contains(stderr, "--state-dir") {
		t.Errorf("exit code %d, %q", code, stderr)
	}
	talk(t, "alone", ada)
	ada.kill()
	again := startIn(t, h, ada.dir, "ada")
	await[joined](again, "its room again", nil)
}
