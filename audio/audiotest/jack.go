//go:build linux

package audiotest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Jack is a JACK server of a test's own on a sound card made of nothing, whose time is exact: who is connected to whom hears
// it a period later.
type Jack struct {
	t   testing.TB
	env []string
}

// StartJack starts the server with so many samples in a period. Where JACK isn't installed the test is skipped, or fails
// if CI=true.
func StartJack(t testing.TB, period int) *Jack {
	t.Helper()
	for _, tool := range []string{"jackd", "jack_lsp", "jack_connect"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing := "needs Debian's jackd2: " + err.Error()
			if os.Getenv("CI") == "true" {
				t.Fatal(missing)
			}
			t.Skip(missing)
		}
	}
	dir := t.TempDir()
	alsa := filepath.Join(dir, "asoundrc")
	if err := os.WriteFile(alsa, []byte("pcm.!default { type null }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("parley-%d-%d", os.Getpid(), period)
	j := &Jack{t: t, env: []string{"JACK_DEFAULT_SERVER=" + name, "JACK_NO_START_SERVER=1", "JACK_NO_AUDIO_RESERVATION=1",
		"ALSA_CONFIG_PATH=" + alsa, "HOME=" + dir, "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8"}}
	var log bytes.Buffer
	server := j.command("jackd", "-r", "-S", "-n", name, "-d", "dummy", "-r", "48000", "-p", fmt.Sprint(period), "-C", "2", "-P", "2")
	server.Stdout, server.Stderr = &log, &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Process.Signal(syscall.SIGTERM)
		kill := time.AfterFunc(5*time.Second, func() { server.Process.Kill() })
		server.Wait()
		kill.Stop()
	})
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if len(j.Ports()) > 0 {
			return j
		}
		if time.Now().After(deadline) {
			t.Fatalf("JACK doesn't come up: %s", log.String())
		}
	}
}

func (j *Jack) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = j.env
	return cmd
}

// Env is the environment of a process that uses this server.
func (j *Jack) Env() []string { return append([]string{}, j.env...) }

// Wrap makes a program that runs another one in this environment, whatever its own.
func (j *Jack) Wrap(program string) string {
	j.t.Helper()
	script := "#!/bin/sh\n"
	for _, v := range j.env {
		if name, value, _ := strings.Cut(v, "="); name != "HOME" {
			script += fmt.Sprintf("export %s='%s'\n", name, value)
		}
	}
	path := filepath.Join(j.t.TempDir(), "wrapped")
	if err := os.WriteFile(path, []byte(script+"exec '"+program+"' \"$@\"\n"), 0o700); err != nil {
		j.t.Fatal(err)
	}
	return path
}

// Ports are all there are.
func (j *Jack) Ports() []string {
	out, err := j.command("jack_lsp").Output()
	if err != nil {
		return nil
	}
	return strings.Fields(string(out))
}

// Connect leads one port to another.
func (j *Jack) Connect(from, to string) {
	j.t.Helper()
	if out, err := j.command("jack_connect", from, to).CombinedOutput(); err != nil {
		j.t.Errorf("connecting %s to %s: %v: %s; there are %v", from, to, err, out, j.Ports())
	}
}
