package node

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"parley.lan/room"
)

func TestVolumesAreKept(t *testing.T) {
	dir := t.TempDir()
	open := func(wantAside bool) *volumes {
		t.Helper()
		v, aside := loadVolumes(dir)
		if (aside != "") != wantAside {
			t.Fatalf("kept aside: %q", aside)
		}
		return v
	}
	v := open(false)
	id := func(i int) (id room.NodeID) { binary.BigEndian.PutUint32(id[:], uint32(i)); return id }
	for i := range maxVolumes + 5 {
		v.set(id(i), float64(i%20)-30, false)
	}
	v.set(id(7), 3, false)
	v.set(id(8), 0, false)
	v.set(id(9), 4, true) // a plain member, whom the file does not know
	if err := v.save(); err != nil {
		t.Fatal(err)
	}
	v = open(false)
	for i, want := range map[int]float64{4: 0, 5: -25, 7: 3, 8: 0, maxVolumes + 4: -26} {
		if got := v.get(id(i)); got != want {
			t.Errorf("member %d has %v dB, want %v", i, got, want)
		}
	}
	if got := v.get(id(9)); got != -21 {
		t.Errorf("a plain member's volume is kept: %v", got)
	}
	for _, damaged := range []string{"", "{}", `[{"id":"x","db":1}]`, `[{"id":"` + id(1).String() + `","db":1e9}]`, strings.Repeat(" ", volumesBytes) + "[]"} {
		if err := os.WriteFile(filepath.Join(dir, volumesFile), []byte(damaged), 0o600); err != nil {
			t.Fatal(err)
		}
		if v := open(true); v.get(id(7)) != 0 {
			t.Errorf("%.20q was read", damaged)
		}
	}
	if kept, _ := filepath.Glob(filepath.Join(dir, volumesFile+".damaged-*")); len(kept) != 5 {
		t.Errorf("kept aside: %v", kept)
	}
	open(false)
}

func TestSetVolumeRefuses(t *testing.T) {
	sound := &fakeSound{}
	n, err := New(Config{Name: "ada", Room: "lobby", StateDir: t.TempDir(), Ifaces: []string{"lo"}, Sound: sound})
	if err != nil {
		t.Fatal(err)
	}
	bob := room.Member{ID: room.NodeID{1}, Name: "bob", SSRC: 7}
	n.roster.set([]room.Member{bob})
	if n.SetVolume(n.ID(), 1) == nil || n.SetVolume(bob.ID, math.NaN()) == nil {
		t.Error("one's own volume was set, or to what is no number")
	}
	for dB, want := range map[float64]float64{math.Inf(1): MaxVolume, -100: Silent, 3: 3} {
		if err := n.SetVolume(bob.ID, dB); err != nil || n.Volume(bob.ID) != want || sound.volume(7) != want {
			t.Errorf("%v dB: %v, kept as %v, heard at %v", dB, err, n.Volume(bob.ID), sound.volume(7))
		}
	}
	n.volumes.save()
}
