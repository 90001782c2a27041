//go:build linux

package main_test

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"parley.lan/internal/lantest"
)

// TestTextOnlyBuild: CGO_ENABLED=0 gives a static program that hosts, joins and chats, and says that it has no sound.
func TestTextOnlyBuild(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "node")
	build := exec.Command("go", "build", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	f, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		t.Error("it is linked dynamically")
	}

	lan := lantest.New(t)
	nas := startBinary(t, lan.Host("nas"), binary, t.TempDir(), "nas", "--host")
	await[hosting](nas, "hosting", nil)
	bob := start(t, lan.Host("bob"), "bob")
	box := startBinary(t, lan.Host("box"), binary, t.TempDir(), "box", "--audio", "auto")
	for _, p := range []*proc{nas, bob, box} {
		p.awaitRoster("nas", "bob", "box")
	}
	talk(t, "text", nas, bob, box)
	doctor := nas.host.Command(t.Context(), binary, "doctor", "--state-dir", nas.dir)
	doctor.Env = environment(nas.dir)
	if out, err := doctor.CombinedOutput(); err != nil || !strings.HasPrefix(string(out), "All is well.") {
		t.Errorf("its doctor finds that it has no sound, which is no fault of it: %v: %s", err, out)
	}
	sound, _ := await[soundEvent](box, "word of its sound", nil)
	if !strings.Contains(sound.Error, "cgo") || len(all[soundEvent](box)) != 1 {
		t.Errorf("it tells of its sound %+v", all[soundEvent](box))
	}
}
