package identity

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha512"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"parley.lan/room"
)

func newIdentity(t testing.TB) *Identity {
	t.Helper()
	id, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (i *Identity) member() room.Member {
	return room.Member{ID: i.ID, Key: i.Public()}
}

func TestLoadKeepsTheKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "parley")
	first, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if first.ID != again.ID || !first.Key.Equal(again.Key) {
		t.Error("another identity at the second start")
	}
	wantMode(t, dir, 0o700)
	wantMode(t, filepath.Join(dir, keyFile), 0o600)
	if names, _ := os.ReadDir(dir); len(names) != 1 {
		t.Errorf("folder holds %v, want the key file only", names)
	}
}

func TestLoadClosesAnOpenKeyFile(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(dir); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, keyFile)
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir); err != nil {
		t.Fatal(err)
	}
	wantMode(t, file, 0o600)
}

func wantMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != want {
		t.Errorf("%s: mode %v (%v), want %v", path, st.Mode().Perm(), err, want)
	}
}

// Two processes that start together in a fresh folder must agree on who they are.
func TestLoadTogether(t *testing.T) {
	dir := t.TempDir()
	var ids [8]NodeID
	var wg sync.WaitGroup
	for n := range ids {
		wg.Go(func() {
			id, err := Load(dir)
			if err != nil {
				t.Error(err)
				return
			}
			ids[n] = id.ID
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("several identities from one folder: %v", ids)
		}
	}
}

// No damage may pass: one flipped bit in the key would make somebody else of the node.
func TestLoadDamaged(t *testing.T) {
	dir := t.TempDir()
	id, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, keyFile)
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	try := func(what string, b []byte) {
		t.Helper()
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := Load(dir)
		if err == nil && got.ID != id.ID {
			t.Errorf("%s: a new identity, in silence", what)
		}
		if err != nil && !strings.Contains(err.Error(), "restore it from a backup") {
			t.Errorf("%s: error without a hint: %v", what, err)
		}
		if after, _ := os.ReadFile(file); string(after) != string(b) {
			t.Errorf("%s: the damaged file was changed", what)
		}
	}
	try("empty", nil)
	for n := range whole {
		try("cut short", whole[:n])
		b := []byte(string(whole))
		b[n] ^= 1
		try("flipped", b)
	}
}

func TestLoadSaysWhichFolder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "taken")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(filepath.Join(file, "state")); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("got %v", err)
	}
}

func TestSealRoundTrip(t *testing.T) {
	ada, bob := newIdentity(t), newIdentity(t)
	sealed, err := Seal(bob.member(), []byte("info"), []byte("psst"))
	if err != nil {
		t.Fatal(err)
	}
	if len(sealed) != len("psst")+SealOverhead {
		t.Errorf("sealed to %d bytes", len(sealed))
	}
	if plain, err := bob.Open([]byte("info"), sealed); err != nil || string(plain) != "psst" {
		t.Errorf("got %q, %v", plain, err)
	}
	if _, err := ada.Open([]byte("info"), sealed); err == nil {
		t.Error("read by another")
	}
	if _, err := bob.Open([]byte("ofni"), sealed); err == nil {
		t.Error("opened under other circumstances")
	}
	for n := range sealed {
		sealed[n] ^= 1
		if _, err := bob.Open([]byte("info"), sealed); err == nil {
			t.Errorf("opened with byte %d altered", n)
		}
		sealed[n] ^= 1
		if _, err := bob.Open([]byte("info"), sealed[:n]); err == nil {
			t.Errorf("opened with %d bytes", n)
		}
	}
}

// A host that hands out a roster with keys of its own must not read what is sealed by it.
func TestSealRefusesMeddledRoster(t *testing.T) {
	bob, mallory := newIdentity(t), newIdentity(t)
	for what, meddle := range map[string]func(*room.Member){
		"its key":    func(m *room.Member) { m.Key = mallory.Public() },
		"no key":     func(m *room.Member) { m.Key = nil },
		"zero point": func(m *room.Member) { m.Key = make(ed25519.PublicKey, 32) },
		"y is one":   func(m *room.Member) { m.Key = append(ed25519.PublicKey{1}, make([]byte, 31)...) },
	} {
		m := bob.member()
		meddle(&m)
		if _, err := Seal(m, nil, []byte("psst")); err == nil {
			t.Errorf("%s: sealed", what)
		}
	}
}

// The two ways to the X25519 key, from the private and from the public half, must meet.
func TestSealKeyOf(t *testing.T) {
	seed := sha512.Sum512([]byte("parley"))
	for range 100 {
		id, err := assemble(ed25519.NewKeyFromSeed(seed[:32]))
		if err != nil {
			t.Fatal(err)
		}
		if pub, err := sealKeyOf(id.Public()); err != nil || string(pub.Bytes()) != string(id.seal.PublicKey().Bytes()) {
			t.Fatalf("seed %x: %v", seed[:32], err)
		}
		seed = sha512.Sum512(seed[:])
	}
}

func FuzzSealKeyOf(f *testing.F) {
	key := make(ed25519.PublicKey, 32)
	rand.Read(key)
	f.Add([]byte(key))
	f.Fuzz(func(t *testing.T, b []byte) {
		m := room.Member{Key: b}
		if len(b) == 32 {
			m.ID = room.IDOf(b)
		}
		Seal(m, nil, []byte("no panic"))
	})
}

func FuzzParseKey(f *testing.F) {
	id := newIdentity(f)
	b, err := id.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, err := parseKey(b); err == nil && room.IDOf(got.Public()) != got.ID {
			t.Error("id and key differ")
		}
	})
}
