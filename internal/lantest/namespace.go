//go:build linux

package lantest

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// namespace is a network namespace without a name, alive while its descriptor or a process in it is.
type namespace struct{ fd int }

const threadNamespace = "/proc/thread-self/ns/net"

func openThreadNamespace() (int, error) {
	fd, err := unix.Open(threadNamespace, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: threadNamespace, Err: err}
	}
	return fd, nil
}

func newNamespace() (namespace, error) {
	ns := namespace{-1}
	err := visit(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("make a network namespace: %w", err)
		}
		fd, err := openThreadNamespace()
		ns.fd = fd
		return err
	})
	return ns, err
}

// do runs f on a thread that is in the namespace. Sockets made and processes started by f itself belong to
// the namespace; what f leaves to other goroutines does not.
func (ns namespace) do(f func() error) error {
	return visit(func() error {
		if err := unix.Setns(ns.fd, unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter a network namespace: %w", err)
		}
		return f()
	})
}

// visit runs f, which may change the thread's namespace, and brings the thread back home even when f ends
// its goroutine (t.FailNow does). A thread that cannot go home stays locked, so that the runtime ends it
// and nobody else gets it.
func visit(f func() error) error {
	runtime.LockOSThread()
	home, err := openThreadNamespace()
	if err != nil {
		runtime.UnlockOSThread()
		return err
	}
	defer func() {
		if unix.Setns(home, unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
		unix.Close(home)
	}()
	return f()
}

// path names the namespace for other programs, as long as this process lives.
func (ns namespace) path() string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), ns.fd) }

// link is how /proc shows the namespace, the same for every process in it.
func (ns namespace) link() (string, error) { return os.Readlink(ns.path()) }

func (ns namespace) close() { unix.Close(ns.fd) }
