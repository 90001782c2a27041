// Package local is how other programs of the same user reach the node that runs on this machine: a unix socket in its
// state folder, one request a connection. docs/protocol.md describes what is said there.
package local

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Bounds of the socket.
const (
	maxConns    = 16              // at once; a further one is refused
	maxLine     = 64 << 10        // bytes of a line that the node reads: the longest text, all of it escaped, takes 48 KiB
	maxAnswer   = 1 << 20         // of one that it writes; a roster of 1,000 takes half of it
	requestTime = 5 * time.Second // for the request to come
	writeTime   = 5 * time.Second // for a reader to take something, before the connection is given up
	dialTime    = time.Second
	lastWords   = 200 * time.Millisecond // at the node's end, for a reader to take what was said

	// Of a face that is attached.
	levelTime   = 100 * time.Millisecond // between two words of how loud it is
	maxSlow     = 4                      // calls at once that may take long; further ones are refused
	slowTime    = 10 * time.Second       // for one of them
	answerBytes = 256 << 10              // of messages in one part of an answer
	callTime    = 15 * time.Second       // for an answer
)

// name of the socket in the state folder.
const name = "socket"

// ErrNone says that no node runs with a state folder.
var ErrNone = errors.New("no node is running here")

// Listen opens the socket in a state folder, whose lock the caller holds: what a dead node has left there is replaced.
func Listen(dir string) (net.Listener, error) {
	path := filepath.Join(dir, name)
	if err := mine(path); err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the control socket of an earlier run: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("the control socket: %w", tooLong(path, err))
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, fmt.Errorf("the control socket: %w", err)
	}
	return l, nil
}

// dial reaches the node that runs with a state folder, or fails with ErrNone when none does.
func dial(dir string) (net.Conn, error) {
	path := filepath.Join(dir, name)
	if err := mine(path); err != nil {
		return nil, err
	}
	c, err := net.DialTimeout("unix", path, dialTime)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || refused(err) {
			return nil, ErrNone
		}
		return nil, fmt.Errorf("the control socket: %w", tooLong(path, err))
	}
	return c, nil
}

// mine fails when something of another user, or that is no socket, stands at path.
func mine(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !isSocket(info.Mode()):
		return fmt.Errorf("%s is not a socket: something else stands where a node's control socket belongs; move it away", path)
	case !owned(info):
		return fmt.Errorf("%s belongs to another user: run as that user, or choose your own folder with --state-dir", path)
	}
	return nil
}

// pathMax is what the shortest of the systems takes, macOS.
const pathMax = 103

func tooLong(path string, err error) error {
	if len(path) > pathMax {
		return fmt.Errorf("the path %s is longer than the %d bytes that a socket's may have: choose a shorter --state-dir", path, pathMax)
	}
	return err
}
