package identity

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func loadKnown(t *testing.T, dir string) *Known {
	t.Helper()
	k, aside, err := LoadKnown(dir)
	if err != nil || aside != "" {
		t.Fatal(aside, err)
	}
	return k
}

func TestKnownFlagsANewKeyOnce(t *testing.T) {
	dir := t.TempDir()
	k := loadKnown(t, dir)
	ada, eve, other := NodeID{1}, NodeID{2}, NodeID{3}
	see := func(id NodeID, name string, wantChanged bool, wantOld NodeID) {
		t.Helper()
		if changed, old := k.See(id, name); changed != wantChanged || old != wantOld {
			t.Errorf("%v as %s: got %v %v, want %v %v", id, name, changed, old, wantChanged, wantOld)
		}
	}
	see(ada, "Ada", false, NodeID{})
	see(ada, "Ada", false, NodeID{})
	see(ada, "Countess", false, NodeID{}) // a new name for oneself is nobody's business
	see(eve, "ada", true, ada)
	see(eve, "ada", false, NodeID{})
	see(ada, "Ada", false, NodeID{}) // both are known by now
	see(NodeID{}, "Ada", false, NodeID{})
	see(other, "bad\x1bname", false, NodeID{})
	if err := k.Save(); err != nil {
		t.Fatal(err)
	}
	wantMode(t, filepath.Join(dir, knownFile), 0o600)

	k = loadKnown(t, dir)
	see(eve, "Ada", false, NodeID{})
	see(other, "COUNTESS", true, ada)
	see(NodeID{4}, "Ada", true, eve) // the last to be seen by that name
}

func TestKnownIsBounded(t *testing.T) {
	dir := t.TempDir()
	k := loadKnown(t, dir)
	for n := range maxKnown + 10 {
		k.See(NodeID{1, byte(n), byte(n >> 8)}, fmt.Sprint("name ", n))
		k.See(NodeID{9}, "kept")
	}
	if err := k.Save(); err != nil {
		t.Fatal(err)
	}
	k = loadKnown(t, dir)
	if n := k.recent.Len(); n != maxKnown {
		t.Errorf("%d pairs", n)
	}
	if changed, _ := k.See(NodeID{2}, "name 0"); changed {
		t.Error("the oldest pair is still known")
	}
	if changed, _ := k.See(NodeID{2}, "kept"); !changed {
		t.Error("the most recent pair is forgotten")
	}
}

// TestManyNamesOfOneKey push nobody else out.
func TestManyNamesOfOneKey(t *testing.T) {
	k := loadKnown(t, t.TempDir())
	ada, eve := NodeID{1}, NodeID{2}
	k.See(ada, "Ada")
	for i := range 2 * maxKnown {
		k.See(eve, fmt.Sprint("Eve ", i))
	}
	if changed, old := k.See(eve, "Ada"); !changed || old != ada {
		t.Errorf("whoever takes Ada's name is not pointed out: %v, %v", changed, old)
	}
	if n := k.recent.Len(); n > maxNames+1 {
		t.Errorf("%d pairs are kept", n)
	}
}

func TestKnownDamaged(t *testing.T) {
	dir := t.TempDir()
	k := loadKnown(t, dir)
	k.See(NodeID{1}, "Ada")
	k.See(NodeID{2}, "Bob")
	if err := k.Save(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, knownFile)
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		if err := os.WriteFile(file, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		k, aside, err := LoadKnown(dir)
		if err != nil {
			t.Fatal(err)
		}
		if kept, err := os.ReadFile(aside); err != nil || string(kept) != string(whole[:n]) {
			t.Fatalf("cut to %d bytes: not kept aside (%v)", n, err)
		}
		if changed, _ := k.See(NodeID{3}, "Ada"); changed {
			t.Error("the fresh record isn't empty")
		}
	}
}

func FuzzParseKnown(f *testing.F) {
	f.Add(knownHeader + "1\n" + NodeID{1}.String() + " Ada\n")
	f.Add(knownHeader + "0\n")
	f.Fuzz(func(t *testing.T, text string) {
		peers, err := parseKnown(text)
		if err != nil {
			return
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, knownFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		k, aside, err := LoadKnown(dir)
		if err != nil || aside != "" {
			t.Fatal(aside, err)
		}
		k.dirty = true
		if err := k.Save(); err != nil {
			t.Fatal(err)
		}
		for _, m := range peers {
			if changed, _ := loadKnown(t, dir).See(m.id, m.name); changed {
				t.Errorf("%v lost over a round trip", m)
			}
		}
	})
}
