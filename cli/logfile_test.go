package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestLogStaysBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "node.log")
	record := bytes.Repeat([]byte("x"), 64<<10)
	for range 2 { // two starts
		l, err := openLog(path)
		if err != nil {
			t.Fatal(err)
		}
		for range 130 {
			if _, err := l.Write(record); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []string{path, path + ".old"} {
		info, err := os.Stat(p)
		if err != nil || info.Size() > maxLog || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", p, info, err)
		}
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 2 {
		t.Errorf("%d files", len(files))
	}
}

func TestLogIntoADevice(t *testing.T) {
	l, err := openLog(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for range 100 {
		if _, err := l.Write(make([]byte, 64<<10)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(os.DevNull + ".old"); err == nil {
		t.Error("the device was moved away")
	}
}
