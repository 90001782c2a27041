//go:build linux

package main_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"parley.lan/internal/lantest"
)

// What is kept on disk, and what becomes of a room when the disk does not do what it should.

// history runs node history on a state folder.
func history(t *testing.T, h *lantest.Host, dir string, flags ...string) (texts []string) {
	t.Helper()
	stdout, stderr, code := run(t, h, append([]string{"history", "--json", "--state-dir", dir}, flags...)...)
	if code != 0 {
		t.Fatalf("node history: exit code %d: %s", code, stderr)
	}
	for line := range strings.Lines(stdout) {
		var m message
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		texts = append(texts, m.Text)
	}
	return texts
}

func (p *proc) leave() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	if code := p.awaitExit(); code != 0 {
		p.t.Errorf("%s left with exit code %d", p.name, code)
	}
}

func copyFolder(t *testing.T, from string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

func TestHistoryCommandWithAndWithoutTheNode(t *testing.T) {
	ada := start(t, lantest.New(t).Host("ada"), "ada")
	await[joined](ada, "a room", nil)
	for _, text := range []string{"lunch at noon", "the door is open", "lunch was good"} {
		ada.write(text)
	}
	ada.awaitTexts([]string{"lunch at noon", "the door is open", "lunch was good"})
	check := func(when string) {
		t.Helper()
		for flags, want := range map[string]string{
			"":                          "lunch at noon|the door is open|lunch was good",
			"--search lunch":            "lunch at noon|lunch was good",
			"--search lunch --since 1h": "lunch at noon|lunch was good",
			"--limit 1":                 "lunch was good",
			"--search breakfast":        "",
		} {
			if got := strings.Join(history(t, ada.host, ada.dir, strings.Fields(flags)...), "|"); got != want {
				t.Errorf("%s, node history %s: %q, want %q", when, flags, got, want)
			}
		}
	}
	ada.leave()
	check("the node has left")
	ada = startIn(t, ada.host, ada.dir, "ada")
	await[joined](ada, "a room", nil)
	check("the node runs")
	ada.write("still here")
	ada.awaitTexts([]string{"still here"})
}

// TestDamagedHistoryComesBack: after a power cut the file is half its length, and a page of it is something else.
func TestDamagedHistoryComesBack(t *testing.T) {
	lan := lantest.New(t)
	pair := gather(t, lan, "ada", "bob")
	ada, bob := pair[0], pair[1]
	var want []string
	for i := range 200 {
		want = append(want, fmt.Sprintf("word %03d", i))
	}
	ada.write(strings.Join(want, "\n"))
	bob.awaitTexts(want)
	ada.leave() // so that all is in the one file
	file := filepath.Join(ada.dir, "history.db")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b = b[:len(b)/2]
	copy(b[len(b)/2:], strings.Repeat("not what was written ", 100))
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	ada = startIn(t, ada.host, ada.dir, "ada")
	await(ada, "word of the damage", func(f failure) bool { return strings.Contains(f.Error, "history.db.damaged-1") })
	ada.awaitTexts(want)
	if _, err := os.Stat(file + ".damaged-1"); err != nil {
		t.Error(err)
	}
	ada.leave()
	if got := history(t, ada.host, ada.dir); len(got) != len(want) {
		t.Errorf("%d of %d messages are kept anew", len(got), len(want))
	}
}

// TestFullDisk: what no longer fits on the disk is said and heard all the same.
func TestFullDisk(t *testing.T) {
	lan := lantest.New(t)
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	ada := startIn(t, lan.Host("ada"), dir, "ada")
	await[hosting](ada, "being the host", nil)
	bob := start(t, lan.Host("bob"), "bob")
	bob.awaitRoster("ada", "bob")
	var want []string
	for i := range 150 {
		want = append(want, fmt.Sprintf("word %03d%s", i, strings.Repeat(" and more", 800)))
	}
	ada.write(strings.Join(want, "\n"))
	f, _ := await(ada, "word of the full disk", func(f failure) bool { return strings.Contains(f.Error, "not saved") })
	if !strings.Contains(f.Error, "disk is full") || f.Hint == "" {
		t.Errorf("it says %q (%s)", f.Error, f.Hint)
	}
	ada.write("said on a full disk")
	for _, p := range []*proc{ada, bob} {
		p.awaitTexts(append(want, "said on a full disk"))
	}
	n := 0
	for _, f := range all[failure](ada) {
		if strings.Contains(f.Error, "not saved") {
			n++
		}
	}
	if n != 1 {
		t.Errorf("it says so %d times", n)
	}
}

// TestRestoredBackup: a machine goes on from last week's copy of its folder. What it had said since is not lost, and
// what it says now is not taken for it.
func TestRestoredBackup(t *testing.T) {
	lan := lantest.New(t)
	pair := gather(t, lan, "ada", "bob")
	ada, bob := pair[0], pair[1]
	ada.write("before the backup")
	bob.awaitTexts([]string{"before the backup"})
	ada.leave()
	backup := copyFolder(t, ada.dir)

	ada = startIn(t, ada.host, ada.dir, "ada")
	ada.awaitRoster("ada", "bob")
	ada.write("after the backup")
	bob.awaitTexts([]string{"before the backup", "after the backup"})
	ada.leave()

	ada = startIn(t, ada.host, backup, "ada")
	ada.awaitRoster("ada", "bob")
	ada.write("from the copy")
	want := []string{"before the backup", "after the backup", "from the copy"}
	for _, p := range []*proc{ada, bob} {
		p.awaitTexts(want)
	}
	ada.leave()
	bob.leave()
	for _, dir := range []string{backup, bob.dir} {
		if got := history(t, ada.host, dir); strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("%s keeps %q", dir, got)
		}
	}
}

// TestHalvesHearWhatTheOtherSaid: one node was cut off and went on alone. Together again, each shows what the other half
// said, once. What belongs before words that are on the screen is late, after one warning. Both keep the same.
func TestHalvesHearWhatTheOtherSaid(t *testing.T) {
	t.Parallel()
	lan := lantest.New(t)
	pair := gather(t, lan, "ada", "bob")
	ada, bob := pair[0], pair[1]
	bob.host.Cut()
	await(bob, "a room of its own", func(j joined) bool { return j.Host.Name == "bob" })
	var fromAda, fromBob []string
	for i := range 5 {
		fromAda, fromBob = append(fromAda, fmt.Sprint("ada alone ", i)), append(fromBob, fmt.Sprint("bob alone ", i))
	}
	ada.write(strings.Join(fromAda, "\n"))
	ada.awaitTexts(fromAda)
	bob.write(strings.Join(fromBob, "\n"))
	bob.awaitTexts(fromBob)
	time.Sleep(6 * time.Second) // what is late by less is no other half
	bob.host.Plug()
	ada.awaitTexts(fromBob)
	bob.awaitTexts(fromAda)
	for _, p := range pair {
		for _, m := range all[message](p) {
			if m.Late != (p == bob && !m.Mine) {
				t.Errorf("%s shows %q, late: %v", p.name, m.Text, m.Late)
			}
		}
	}
	events, _, _ := bob.feed.snapshot()
	warned := 0
	for _, e := range events {
		if e.Type == "reunited" {
			warned++
		}
	}
	if warned != 1 {
		t.Errorf("warned %d times", warned)
	}
	ada.leave()
	bob.leave()
	if a, b := history(t, ada.host, ada.dir), history(t, ada.host, bob.dir); strings.Join(a, "|") != strings.Join(b, "|") || len(a) != 10 {
		t.Errorf("they keep\n%q\n%q", a, b)
	}
}
