package discovery

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestRememberedFile(t *testing.T) {
	var list []known
	for n := range 50 {
		addr := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(n)}), 2222)
		list = remember(list, known{addr, testID(n + 1)})
	}
	list = remember(list, list[7])
	list = remember(list, known{netip.MustParseAddrPort("127.0.0.1:2222"), testID(1)})
	if len(list) != maxRemembered || list[0].addr.String() != "10.0.0.42:2222" || list[1].addr.String() != "10.0.0.49:2222" {
		t.Fatalf("%v", list)
	}
	file := filepath.Join(t.TempDir(), "hosts")
	if got, err := loadRemembered(file); err != nil || got != nil {
		t.Errorf("no file yet: %v, %v", got, err)
	}
	for range 2 {
		if err := saveRemembered(file, list); err != nil {
			t.Fatal(err)
		}
	}
	got, err := loadRemembered(file)
	if err != nil || !slices.Equal(got, list) {
		t.Errorf("read %v, %v", got, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if _, err := loadRemembered(filepath.Join(t.TempDir(), "none", "hosts")); err != nil {
		t.Errorf("no folder yet: %v", err)
	}
}

func FuzzRemembered(f *testing.F) {
	f.Add(writeRemembered([]known{{netip.MustParseAddrPort("[fe80::1%eth0]:1"), testID(1)}}))
	f.Add([]byte("10.0.0.1:1 x\n\n \n10.0.0.1:0 " + testID(1).String() + "\n127.0.0.1:5 " + testID(1).String()))
	f.Fuzz(func(t *testing.T, data []byte) {
		list := readRemembered(bytes.NewReader(data))
		if again := readRemembered(bytes.NewReader(writeRemembered(list))); !slices.Equal(list, again) {
			t.Fatalf("%v became %v", list, again)
		}
	})
}
