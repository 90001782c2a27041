package cli

import "os/exec"

// sever is for systems on which a program can leave its terminal.
func sever(*exec.Cmd) {}
