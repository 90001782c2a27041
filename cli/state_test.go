package cli

import (
	"path/filepath"
	"testing"
)

// A folder named from where one stands is the same one for all that opens it.
func TestStateFolderIsAbsolute(t *testing.T) {
	at := t.TempDir()
	t.Chdir(at)
	dir, err := stateDir("here")
	if real, _ := filepath.EvalSymlinks(at); err != nil || dir != filepath.Join(real, "here") && dir != filepath.Join(at, "here") {
		t.Errorf("%q, %v", dir, err)
	}
}
