//go:build unix

package discovery

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// reuse lets several programs of this machine hear the same port: other nodes, Avahi, hashicorp/mdns.
func reuse(network, address string, c syscall.RawConn) error {
	var err error
	if e := c.Control(func(fd uintptr) {
		if err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err == nil {
			err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		}
	}); e != nil {
		return e
	}
	return err
}
