//go:build !windows

package local

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

func owned(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return !ok || int(st.Uid) == os.Getuid()
}

func isSocket(mode fs.FileMode) bool { return mode&fs.ModeSocket != 0 }

func refused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }
