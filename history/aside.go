package history

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// setAside gives a damaged file another name, together with the log that SQLite keeps beside it, so that a person
// can still look into it. It returns the new name.
func setAside(dir string) (string, error) {
	path := filepath.Join(dir, fileName)
	name := ""
	for n := 1; n <= keptAside; n++ {
		name = fmt.Sprintf("%s.damaged-%d", fileName, n)
		if _, err := os.Lstat(filepath.Join(dir, name)); errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	for _, suffix := range []string{"-wal", ""} { // the file last: without it the rest means nothing
		err := os.Rename(path+suffix, filepath.Join(dir, name+suffix))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	os.Remove(path + "-shm")
	return name, nil
}
