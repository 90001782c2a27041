//go:build linux

package main_test

import (
	"os/exec"
	"path/filepath"
	"testing"

	"parley.lan/internal/lantest"
)

// TestCopiedStateFolder: a cloned machine comes into the room with the key of one that is there, first as a member's
// clone, then as the host's. Everybody stays, one of the two under a new key, and nobody's words are lost.
func TestCopiedStateFolder(t *testing.T) {
	lan := lantest.New(t)
	pair := gather(t, lan, "ada", "bob")
	ada, bob := pair[0], pair[1]
	talk(t, "before", ada, bob)
	for _, original := range []*proc{bob, ada} {
		clone := copyState(t, original.dir)
		name := "clone-of-" + original.name
		c := startIn(t, lan.Host(name), clone, name)
		all := []*proc{ada, bob, c}
		for _, p := range all {
			p.awaitRoster("ada", "bob", name)
		}
		talk(t, "with "+name, all...)
		aside, _ := filepath.Glob(filepath.Join(original.dir, "identity.pem.*"))
		theirs, _ := filepath.Glob(filepath.Join(clone, "identity.pem.*"))
		if len(aside)+len(theirs) != 1 {
			t.Errorf("%d keys were set aside, want one of the two: %q %q", len(aside)+len(theirs), aside, theirs)
		}
		c.write("/quit")
		c.awaitExit()
		for _, p := range []*proc{ada, bob} {
			p.awaitRoster("ada", "bob")
		}
	}
}

func copyState(t *testing.T, from string) string {
	t.Helper()
	to := t.TempDir()
	if out, err := exec.Command("cp", "-a", from+"/.", to).CombinedOutput(); err != nil { // the control socket as well
		t.Fatalf("cp: %v: %s", err, out)
	}
	return to
}
