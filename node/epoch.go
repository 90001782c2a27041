package node

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// The highest epoch that this node claimed outlives it, so that no two of its reigns are the same.

func epochFile(dir string) string { return filepath.Join(dir, "epoch") }

// loadEpoch reads it; 0 when there is none, or none that makes sense: then only what is seen counts.
func loadEpoch(dir string) uint64 {
	b, err := os.ReadFile(epochFile(dir))
	if err != nil {
		return 0
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 40)
	if err != nil {
		return 0
	}
	return n
}

// saveEpoch replaces the file as a whole.
func saveEpoch(dir string, epoch uint64) error {
	return replaceFile(epochFile(dir), fmt.Appendln(nil, epoch))
}

// replaceFile puts data in place of a file of the state folder at once or not at all.
func replaceFile(path string, data []byte) error {
	temp := path + ".new"
	if err := os.WriteFile(temp, data, 0o600); err != nil {
		return err
	}
	return os.Rename(temp, path)
}
