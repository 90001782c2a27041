//go:build linux

package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parley.lan/internal/lantest"
)

// What a person changes while a node runs, and the commands that reach it from the shell.

type (
	renamed struct {
		Member member `json:"member"`
		Was    string `json:"was"`
	}
	memberState struct {
		Member struct {
			member
			Muted bool `json:"muted"`
		} `json:"member"`
	}
	switched struct {
		Muted      bool `json:"muted"`
		PushToTalk bool `json:"push_to_talk"`
		Pressed    bool `json:"pressed"`
	}
)

func init() {
	decoders["renamed"] = decode[renamed]
	decoders["member-state"] = decode[memberState]
	decoders["switched"] = decode[switched]
}

// TestRename: the others see one member with another name, the next host and newcomers too.
func TestRename(t *testing.T) {
	t.Parallel()
	lan := lantest.New(t)
	nodes := gather(t, lan, "host", "ada", "bob")
	nodes[1].write("/name Countess")
	for _, p := range nodes {
		await(p, "the new name", func(r renamed) bool { return r.Was == "ada" && r.Member.Name == "Countess" })
	}
	nodes[0].kill()
	for _, p := range nodes[1:] {
		p.awaitRoster("Countess", "bob")
	}
	nodes[1].write("still me")
	if m := nodes[2].awaitText("still me"); m.From.Name != "Countess" {
		t.Errorf("said by %+v", m.From)
	}
	start(t, lan.Host("late"), "late").awaitRoster("Countess", "bob", "late")
	for _, l := range all[memberLeft](nodes[2]) {
		if l.Member.Name != "host" {
			t.Errorf("%s was seen leaving", l.Member.Name)
		}
	}
	for _, f := range all[failure](nodes[2]) {
		t.Errorf("told of an error: %s", f.Error)
	}
}

// TestChangeOfRoom: the host of one room goes to another, says something there and comes back; both rooms go on.
func TestChangeOfRoom(t *testing.T) {
	t.Parallel()
	lan := lantest.New(t)
	nodes := gather(t, lan, "ada", "bob")
	cy := start(t, lan.Host("cy"), "cy", "--room", "attic")
	cy.awaitRoster("cy")
	ada := nodes[0]
	ada.write("on my way")
	ada.write("/room attic")
	nodes[1].awaitText("on my way")
	nodes[1].awaitRoster("bob")
	cy.awaitRoster("ada", "cy")
	ada.write("hello up here")
	cy.awaitText("hello up here")
	c := launch(t, lan.Host("ada"), ada.dir, nil, "doctor", "--json")
	c.wants(0)
	if !strings.Contains(c.stdout.String(), `"room":"attic"`) {
		t.Errorf("other commands are told %s", c.stdout.String())
	}
	ada.write("/room lobby")
	nodes[1].awaitRoster("ada", "bob")
	cy.awaitRoster("cy")
	ada.awaitRoster("ada", "bob")
}

// TestAttach: a second terminal shows the node, and speaks as it; the node goes on without it.
func TestAttach(t *testing.T) {
	t.Parallel()
	lan := lantest.New(t)
	nodes := gather(t, lan, "ada", "bob")
	bob := nodes[1]
	nodes[0].write("said before")
	bob.awaitText("said before")
	in, typing, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer typing.Close()
	c := launch(t, lan.Host("bob"), bob.dir, in, "attach", "--json")
	in.Close()
	typing.WriteString("from the second terminal\n/mute\n")
	if m := nodes[0].awaitText("from the second terminal"); m.From.Name != "bob" {
		t.Errorf("said by %+v", m.From)
	}
	bob.awaitText("from the second terminal")
	typing.Close() // the end of input detaches
	c.wants(0)
	var shown []string
	for line := range strings.Lines(c.stdout.String()) {
		var e struct {
			Type, Text, Reason string
			History            bool
			Members            []member
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		switch {
		case e.Type == "message":
			shown = append(shown, e.Text)
		case e.Type == "joined" && len(e.Members) != 2:
			t.Errorf("it is told of %v", e.Members)
		case e.Type == "left" && !strings.Contains(e.Reason, "goes on"):
			t.Errorf("left because %q", e.Reason)
		}
	}
	if strings.Join(shown, "|") != "said before|from the second terminal" {
		t.Errorf("shown: %q", shown)
	}
	nodes[0].write("are you there?")
	bob.awaitText("are you there?")

	in, typing, err = os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer typing.Close()
	c = launch(t, lan.Host("bob"), bob.dir, in, "attach", "--plain")
	in.Close()
	typing.WriteString("hello again\n")
	bob.awaitText("hello again")
	bob.kill()
	c.wants(1)
	if !strings.Contains(c.stderr.String(), "has ended") {
		t.Errorf("the end of the node is told as %q", c.stderr.String())
	}
}

// TestSwitchesFromTheShell: a key that a desktop binds, and a script, reach the running node.
func TestSwitchesFromTheShell(t *testing.T) {
	t.Parallel()
	const silence = 12 * time.Second // until all is set up
	lan := lantest.New(t)
	bob := start(t, lan.Host("bob"), "Bob")
	await[hosting](bob, "being the host", nil)
	ada := startVoiced(t, lan.Host("ada"), "Ada", "ada", silence)
	ada.awaitSound()
	here := func(says string, args ...string) {
		t.Helper()
		c := launch(t, lan.Host("ada"), ada.dir, nil, args...)
		c.wants(0)
		if !strings.Contains(c.stdout.String(), says) || strings.Count(c.stdout.String(), "\n") != 1 {
			t.Errorf("%v says %q, want %q", args, c.stdout.String(), says)
		}
	}
	here("You are muted in lobby", "mute", "on")
	await(bob, "Ada muted", func(s memberState) bool { return s.Member.Name == "Ada" && s.Member.Muted })
	here(`"muted":false`, "mute", "--json")
	await(bob, "Ada not muted", func(s memberState) bool { return s.Member.Name == "Ada" && !s.Member.Muted })
	here("Pressed", "ptt", "on")
	here("Released", "ptt", "off")
	await(ada.proc, "the key released", func(s switched) bool { return s.PushToTalk && !s.Pressed })
	time.Sleep(time.Until(ada.opened.Add(silence + 500*time.Millisecond))) // Ada speaks, by now
	if all[speakingEvent](bob) != nil {
		t.Error("Ada is heard, and nothing is pressed")
	}
	here("Pressed", "ptt", "toggle")
	await(bob, "Ada speaking", func(s speakingEvent) bool { return s.On && s.Member.Name == "Ada" })
	here("Released", "ptt")
	await(bob, "Ada silent", func(s speakingEvent) bool { return !s.On && s.Member.Name == "Ada" })
	here("Push-to-talk is off", "ptt", "voice")
}

// TestBackground: a node that leaves the terminal is there, tells what is wrong, and ends when it is told to.
func TestBackground(t *testing.T) {
	t.Parallel()
	lan := lantest.New(t)
	desk := lan.Host("desk")
	bob := start(t, lan.Host("bob"), "bob")
	await[hosting](bob, "being the host", nil)
	dir := t.TempDir()
	run := func(code int, says string, args ...string) *command {
		t.Helper()
		c := launch(t, desk, dir, nil, args...)
		c.wants(code)
		if out := c.stdout.String() + c.stderr.String(); !strings.Contains(out, says) {
			t.Errorf("%v says %q, want %q", args, out, says)
		}
		return c
	}
	run(1, "no node runs here", "quit")
	run(0, "In lobby, in the background. node attach", "--background", "--audio", "none", "--name", "ada")
	bob.awaitRoster("ada", "bob")
	run(1, "node attach shows it", "--background", "--audio", "none")
	run(1, "node attach shows it")
	run(2, "no such file", "run", "--background", "--audio", "wav:"+filepath.Join(dir, "none.wav")+",")
	script := filepath.Join(dir, "script")
	if err := os.WriteFile(script, []byte("\nfrom a script\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(script)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	c := launch(t, desk, dir, in, "say")
	if c.wants(0); !strings.Contains(c.stdout.String(), "Said 1 message in lobby") {
		t.Errorf("%s", c.stdout.String())
	}
	bob.awaitText("from a script")
	run(0, "The node has left lobby", "quit")
	bob.awaitRoster("bob")
	run(0, `"type":"joined"`, "--background", "--json", "--audio", "none", "--name", "ada", "--room", "attic")
	run(0, `"type":"quit","room":"attic"`, "quit", "--json")
}
