package cli

import (
	"errors"
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
	dir, err := filepath.Abs(dir) // as SQLite's names for files must be
	if err != nil {
		return "", failed(hint, "no place for the state folder: %v", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", failed(hint, "can't make the state folder: %v", err)
	}
	return dir, nil
}

// errLocked: another process holds the lock.
var errLocked = errors.New("locked")

// lockState keeps a second node from taking part with this folder's key: the two would be one member to everybody
// else, and one host at two addresses. The lock ends with the process, however that ends. Commands that only look
// around don't take it.
func lockState(dir string) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, failed("name another folder with --state-dir", "can't write to the state folder: %v", err)
	}
	if err := lock(f); errors.Is(err, errLocked) {
		f.Close()
		return nil, failed("node attach shows it; or give each node on this machine its own folder, such as --state-dir "+dir+"-2",
			"a node is running with the state folder %s already", dir)
	} // a file system that knows no locks is no reason not to start
	return func() { f.Close() }, nil
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
