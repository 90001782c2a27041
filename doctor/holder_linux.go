package doctor

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// holder finds the process that has a port, as far as this user may look into others'.
func holder(proto string, port int) *Process {
	inodes := map[string]bool{}
	for _, table := range []string{proto, proto + "6"} {
		f, err := os.Open("/proc/self/net/" + table)
		if err != nil {
			continue
		}
		inodesOf(bufio.NewScanner(f), proto, port, inodes)
		f.Close()
	}
	if len(inodes) == 0 {
		return nil
	}
	dirs, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	for _, d := range dirs {
		pid, err := strconv.Atoi(d.Name())
		if err != nil {
			continue
		}
		links := openFiles(pid)
		for _, l := range links {
			if inode, ok := strings.CutPrefix(l, "socket:["); ok && inodes[strings.TrimSuffix(inode, "]")] {
				return process(pid, links)
			}
		}
	}
	return nil
}

// inodesOf reads a table of sockets: proc_pid_net(5).
func inodesOf(lines *bufio.Scanner, proto string, port int, into map[string]bool) {
	const listening = "0A"
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) < 10 || proto == "tcp" && f[3] != listening {
			continue
		}
		_, hex, _ := strings.Cut(f[1], ":")
		if n, err := strconv.ParseUint(hex, 16, 16); err == nil && int(n) == port {
			into[f[9]] = true
		}
	}
}

func openFiles(pid int) []string {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	fds, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var links []string
	for _, fd := range fds {
		if l, err := os.Readlink(filepath.Join(dir, fd.Name())); err == nil {
			links = append(links, l)
		}
	}
	return links
}

// process tells who it is. A node holds the lock of its state folder.
func process(pid int, links []string) *Process {
	p := &Process{PID: pid}
	name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	p.Name = strings.TrimSpace(string(name))
	for _, l := range links {
		dir, file := filepath.Split(l)
		if file != "lock" {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, "identity.pem")); err == nil {
			p.Node, p.StateDir = true, filepath.Clean(dir)
		}
	}
	return p
}
