//go:build linux

// The tests of this folder start the real binary on a virtual LAN and observe what a person or a script can
// observe: its events, its exit code, its ports, what plain clients and avahi see.
package main_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"parley.lan/internal/lantest"
)

// patience is how long a test waits for what must happen. Reaching it is a failure, so it leaves room for a
// slow and busy machine; how fast things were is logged, and asserted only where the test says so.
const patience = 30 * time.Second

// program is the binary under test. PARLEY_TEST_RACE builds it with the race detector, which makes it slower
// than the tests of speed allow; PARLEY_TEST_BINARY uses one that is there already.
var program string

func TestMain(m *testing.M) {
	code, err := withBinary(m.Run)
	if err == nil && code == 0 {
		err = goleak.Find()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func withBinary(run func() int) (int, error) {
	if program = os.Getenv("PARLEY_TEST_BINARY"); program != "" {
		return run(), nil
	}
	dir, err := os.MkdirTemp("", "parley-test-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "node")
	args := []string{"build", "-tags", "nolibopusfile", "-o", program}
	if os.Getenv("PARLEY_TEST_RACE") != "" {
		// The sound library passes small numbers as pointers, which the race detector's checks refuse.
		args = append(args, "-race", "-gcflags=github.com/gordonklaus/portaudio=-d=checkptr=0")
	}
	if out, err := exec.Command("go", append(args, ".")...).CombinedOutput(); err != nil {
		return 1, fmt.Errorf("build the binary: %w\n%s", err, out)
	}
	return run(), nil
}

// proc is one run of the binary in JSON mode.
type proc struct {
	t       *testing.T
	name    string
	host    *lantest.Host
	dir     string // its state folder
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	started time.Time
	feed    feed
	stderr  tail
	exited  chan struct{} // closed when the process is gone and all its output is read
}

// start runs a node on a host, without sound and with a fresh identity. Further flags win over these.
func start(t *testing.T, h *lantest.Host, name string, flags ...string) *proc {
	t.Helper()
	dir, err := os.MkdirTemp(t.TempDir(), "state-")
	if err != nil {
		t.Fatal(err)
	}
	return startIn(t, h, dir, name, flags...)
}

// startIn is start with a state folder of an earlier run.
func startIn(t *testing.T, h *lantest.Host, dir, name string, flags ...string) *proc {
	t.Helper()
	return startBinary(t, h, program, dir, name, flags...)
}

func startBinary(t *testing.T, h *lantest.Host, binary, dir, name string, flags ...string) *proc {
	t.Helper()
	p := &proc{t: t, name: name, host: h, dir: dir, exited: make(chan struct{})}
	args := append([]string{"--json", "--state-dir", dir, "--audio", "none", "--log-level", "debug", "--name", name}, flags...)
	p.cmd = h.Command(context.Background(), binary, args...)
	p.cmd.Env = environment(dir)
	p.cmd.Stderr = &p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	p.feed.init()
	p.started = time.Now()
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.exited)
		p.feed.read(stdout)
		p.cmd.Wait()
		p.feed.end()
	}()
	t.Cleanup(p.finish)
	return p
}

// environment gives the binary nothing of the tester's own settings.
func environment(home string) []string {
	env := []string{"HOME=" + home, "LANG=C.UTF-8", "GORACE=halt_on_error=1"}
	for _, keep := range []string{"GOGC", "PATH", "TMPDIR", "GOCOVERDIR"} {
		if v, ok := os.LookupEnv(keep); ok {
			env = append(env, keep+"="+v)
		}
	}
	return env
}

// write gives a line to the node's standard input. Any goroutine of the test may call it.
func (p *proc) write(line string) {
	p.t.Helper()
	if d, ok := p.stdin.(interface{ SetWriteDeadline(time.Time) error }); ok {
		d.SetWriteDeadline(time.Now().Add(patience))
	}
	if _, err := io.WriteString(p.stdin, line+"\n"); err != nil {
		p.t.Errorf("%s takes no more input: %v", p.name, err)
	}
}

func (p *proc) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatalf("%s to %s: %v", s, p.name, err)
	}
}

// kill ends the process as a power cut would and waits until it is gone.
func (p *proc) kill() {
	p.t.Helper()
	p.signal(syscall.SIGKILL)
	p.awaitExit()
}

// awaitExit gives the exit code, -1 for a signal.
func (p *proc) awaitExit() int {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Fatalf("%s still runs after %v", p.name, patience)
	}
	return p.cmd.ProcessState.ExitCode()
}

// finish ends the node at the end of its test, and checks what holds for every run: no crash, no data race,
// nothing but events on standard output, and a polite end when asked for one.
func (p *proc) finish() {
	select {
	case <-p.exited:
	default:
		p.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.exited:
			if code := p.cmd.ProcessState.ExitCode(); code != 0 {
				p.t.Errorf("%s left with exit code %d, want 0", p.name, code)
			}
		case <-time.After(patience):
			p.t.Errorf("%s did not leave within %v of SIGTERM", p.name, patience)
			p.cmd.Process.Kill()
			<-p.exited
		}
	}
	p.stdin.Close()
	for _, bad := range p.feed.malformed() {
		p.t.Errorf("%s printed what is no event: %s", p.name, bad)
	}
	for _, sign := range []string{"panic:", "fatal error:", "DATA RACE"} {
		if strings.Contains(p.stderr.String(), sign) {
			p.t.Errorf("%s crashed", p.name)
		}
	}
	if p.t.Failed() {
		p.dump()
	}
}

// dump logs what helps to see why a test failed.
func (p *proc) dump() {
	p.t.Logf("--- %s: %v, events:\n%s", p.name, p.cmd.ProcessState, p.feed.tail(60))
	if s := p.stderr.String(); s != "" {
		p.t.Logf("--- %s: standard error:\n%s", p.name, s)
	}
	if log, err := os.ReadFile(filepath.Join(p.dir, "node.log")); err == nil {
		lines := bytes.SplitAfter(log, []byte("\n"))
		p.t.Logf("--- %s: log:\n%s", p.name, bytes.Join(lines[max(0, len(lines)-60):], nil))
	}
}

// tail keeps the end of what a process writes. The zero tail is ready.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

const tailSize = 32 << 10

func (w *tail) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf = append(w.buf, b...)
	if over := len(w.buf) - tailSize; over > 0 {
		w.buf = append(w.buf[:0], w.buf[over:]...)
	}
	return len(b), nil
}

func (w *tail) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return string(w.buf)
}
