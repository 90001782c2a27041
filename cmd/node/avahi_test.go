//go:build linux

package main_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"parley.lan/internal/lantest"
)

// Avahi is the judge of our multicast DNS, and the neighbour that shares port 5353 with us on most desktops.

// busConfig lets a private message bus be, with no users, policies or folders of the machine's own.
const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=%s</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/> <allow own="*"/> <allow send_type="method_call"/>
    <allow send_destination="*"/> <allow receive_sender="*"/>
  </policy>
</busconfig>
`

const avahiConfig = `[server]
host-name=%s
use-ipv4=yes
use-ipv6=yes
enable-dbus=yes
[wide-area]
enable-wide-area=no
[publish]
publish-hinfo=no
publish-workstation=no
[rlimits]
`

// avahi is an avahi-daemon on a host, with a message bus of its own that no other program knows of.
type avahi struct {
	t    *testing.T
	host *lantest.Host
	env  []string
}

func startAvahi(t *testing.T, h *lantest.Host) *avahi {
	t.Helper()
	for _, tool := range []string{"dbus-daemon", "avahi-daemon", "avahi-browse", "unshare"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("CI=true forbids to skip: %v", err)
			}
			t.Skipf("needs Debian's avahi-daemon, avahi-utils and dbus: %v", err)
		}
	}
	dir, err := os.MkdirTemp("", "parley-avahi-") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	socket := filepath.Join(dir, "bus")
	a := &avahi{t: t, host: h, env: append(os.Environ(),
		"DBUS_SYSTEM_BUS_ADDRESS=unix:path="+socket, "LANG=C.UTF-8")}

	bus := a.run("dbus-daemon", "--nofork", "--nopidfile", "--nosyslog", "--print-address",
		"--config-file="+file("bus.conf", fmt.Sprintf(busConfig, socket)))
	bus.await("the bus's address", func(line string) bool { return strings.HasPrefix(line, "unix:path=") })

	// In a mount namespace, so that its process id and socket under /run are not the machine's.
	daemon := a.run("unshare", "--mount", "--propagation", "private", "sh", "-ec",
		`mount -t tmpfs tmpfs /run; mkdir /run/avahi-daemon; exec "$@"`, "sh",
		"avahi-daemon", "--no-drop-root", "--no-chroot", "--no-rlimits", "--file",
		file("avahi.conf", fmt.Sprintf(avahiConfig, "machine-"+h.Name())))
	daemon.await("avahi-daemon's start", func(line string) bool { return strings.Contains(line, "Server startup complete") })
	return a
}

// browse runs avahi-browse until the test ends and gives its lines as they come: "+;eth0;IPv4;…" for a
// service found, "=;…" once it is resolved, "-;…" when it is gone.
func (a *avahi) browse() *lines {
	return a.run("avahi-browse", "--resolve", "--parsable", "--no-db-lookup", "_parley._tcp")
}

// lookUp is `avahi-browse -rt _parley._tcp`, asked again until ok accepts what it prints.
func (a *avahi) lookUp(what string, ok func(out string) bool) {
	a.t.Helper()
	var out []byte
	for end := time.Now().Add(patience); time.Now().Before(end); {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		cmd := a.host.Command(ctx, "avahi-browse", "-rt", "_parley._tcp")
		cmd.Env = a.env
		out, _ = cmd.CombinedOutput()
		cancel()
		if ok(string(out)) {
			return
		}
	}
	a.t.Fatalf("avahi-browse -rt never told of %s; at last:\n%s", what, out)
}

// lines is what a running program prints, line by line.
type lines struct {
	t    *testing.T
	name string

	mu      sync.Mutex // guards what follows
	got     []string
	ended   bool
	changed chan struct{}
}

// run starts a program on the host for as long as the test lasts.
func (a *avahi) run(name string, args ...string) *lines {
	a.t.Helper()
	cmd := a.host.Command(context.Background(), name, args...)
	cmd.Env = a.env
	return follow(a.t, cmd)
}

// follow starts cmd, collects both its outputs, and ends it with the test.
func follow(t *testing.T, cmd *exec.Cmd) *lines {
	t.Helper()
	l := &lines{t: t, name: filepath.Base(cmd.Args[3]), changed: make(chan struct{})} // past nsenter's own
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = in, in
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in.Close()
	var reader sync.WaitGroup
	reader.Go(func() { l.read(out) })
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		killer := time.AfterFunc(5*time.Second, func() { cmd.Process.Kill() })
		cmd.Wait()
		killer.Stop()
		out.SetReadDeadline(time.Now().Add(time.Second)) // a child of its may hold the pipe
		reader.Wait()
		out.Close()
		if t.Failed() {
			t.Logf("--- %s:\n%s", l.name, strings.Join(l.got, "\n"))
		}
	})
	return l
}

func (l *lines) read(r io.Reader) {
	text := bufio.NewScanner(r)
	for text.Scan() {
		l.change(func() { l.got = append(l.got, text.Text()) })
	}
	l.change(func() { l.ended = true })
}

func (l *lines) change(do func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	do()
	close(l.changed)
	l.changed = make(chan struct{})
}

// await waits for a line that ok accepts.
func (l *lines) await(what string, ok func(line string) bool) string {
	l.t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		l.mu.Lock()
		i, got, ended, changed := slices.IndexFunc(l.got, ok), l.got, l.ended, l.changed
		l.mu.Unlock()
		if i >= 0 {
			return got[i]
		}
		if ended {
			l.t.Fatalf("%s has ended, still waiting for %s", l.name, what)
		}
		select {
		case <-changed:
		case <-limit.C:
			l.t.Fatalf("after %v %s has not told of %s", patience, l.name, what)
		}
	}
}
