package cli

import (
	"os"
	"path/filepath"
	"runtime"
)

// stateDir makes sure that the folder for keys, known peers and the log is there, and the user's own. An
// empty dir means the usual place: parley in the XDG state home.
func stateDir(dir string) (string, error) {
	const hint = "name another folder with --state-dir"
	if dir == "" {
		home, err := stateHome()
		if err != nil {
			return "", failed(hint, "no place for the state folder: %v", err)
		}
		dir = filepath.Join(home, "parley")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", failed(hint, "can't make the state folder: %v", err)
	}
	return dir, nil
}

// stateHome follows the XDG Base Directory Specification, which wants relative paths ignored.
func stateHome() (string, error) {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return dir, nil
	}
	if dir := os.Getenv("LOCALAPPDATA"); runtime.GOOS == "windows" && dir != "" {
		return dir, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(home, ".local", "state"), nil
}
