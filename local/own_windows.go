package local

import (
	"errors"
	"io/fs"
	"syscall"
)

// owned: who may open a file of the user's state folder is the folder's matter there.
func owned(fs.FileInfo) bool { return true }

// isSocket: a unix socket is a reparse point there, which Go shows as an irregular file or a socket.
func isSocket(mode fs.FileMode) bool { return !mode.IsDir() && !mode.IsRegular() }

func refused(err error) bool {
	const connectionRefused = syscall.Errno(10061) // WSAECONNREFUSED
	return errors.Is(err, connectionRefused)
}
