//go:build !windows

package cli

import (
	"os/exec"
	"syscall"
)

// sever starts a program in a session of its own: no terminal's end or Ctrl-C reaches it.
func sever(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
