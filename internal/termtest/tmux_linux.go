package termtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Tmux is a program in a window of a tmux server of its own: a terminal as people have it, which speaks for itself where the
// program asks (it says who it is and where the cursor is, but doesn't speak the Kitty keyboard protocol).
type Tmux struct {
	t      testing.TB
	socket string
	server *exec.Cmd
	pid    int // of the program
}

// StartTmux runs cmd in a window of cols × rows cells. Only its arguments, environment and folder are used. The server reads no
// configuration, and ends with the test's process at the latest.
func StartTmux(t testing.TB, cols, rows int, cmd *exec.Cmd) *Tmux {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("CI=true forbids to skip: %v", err)
		}
		t.Skip(err)
	}
	dir, err := os.MkdirTemp("", "tmux-") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	m := &Tmux{t: t, socket: filepath.Join(dir, "s")}
	// Not a daemon, so that it dies with us. The environment is that of the program; tmux adds TERM.
	m.server = exec.Command("tmux", "-D", "-S", m.socket, "-f", "/dev/null")
	m.server.Env, m.server.Dir = append([]string{"LANG=C.UTF-8"}, cmd.Env...), cmd.Dir
	m.server.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := m.server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		m.try("kill-server") // hangs up on the program
		timer := time.AfterFunc(patience, func() { m.server.Process.Kill() })
		m.server.Wait()
		timer.Stop()
		os.RemoveAll(dir)
	})
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(m.socket); err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("tmux does not start")
		}
	}
	// remain-on-exit keeps the last screen; no status line, so that the program has the whole window.
	args := []string{"set", "-g", "remain-on-exit", "on", ";", "set", "-g", "status", "off", ";", "set", "-g", "escape-time", "0", ";",
		"set", "-g", "default-terminal", "tmux-256color", ";",
		"new-session", "-d", "-P", "-F", "#{pane_pid}", "-x", strconv.Itoa(cols), "-y", strconv.Itoa(rows), "--"}
	m.pid, err = strconv.Atoi(strings.TrimSpace(m.do(append(args, cmd.Args...)...)))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *Tmux) try(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "tmux", append([]string{"-S", m.socket}, args...)...)
	cmd.Env = append(os.Environ(), "LANG=C.UTF-8")
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("tmux %q: %w: %s", args, err, out)
	}
	return string(out), err
}

func (m *Tmux) do(args ...string) string {
	m.t.Helper()
	out, err := m.try(args...)
	if err != nil {
		m.t.Fatal(err)
	}
	return out
}

// SendKeys presses keys by tmux's names for them: Enter, Escape, PageUp, C-f, M-x, F1, Space.
func (m *Tmux) SendKeys(keys ...string) {
	m.t.Helper()
	m.do(append([]string{"send-keys"}, keys...)...)
}

// SendText types text.
func (m *Tmux) SendText(text string) {
	m.t.Helper()
	m.do("send-keys", "-l", "--", text)
}

// SendBytes lets the program read bytes as they are, whatever tmux would make of them.
func (m *Tmux) SendBytes(b string) {
	m.t.Helper()
	args := []string{"send-keys", "-H"}
	for i := range len(b) {
		args = append(args, strconv.FormatUint(uint64(b[i]), 16))
	}
	m.do(args...)
}

// Paste pastes text from tmux's own clipboard: bracketed, where the program asked for that.
func (m *Tmux) Paste(text string) {
	m.t.Helper()
	file := filepath.Join(filepath.Dir(m.socket), "paste")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
	m.do("load-buffer", file, ";", "paste-buffer", "-p", "-d")
}

// Buttons of Mouse.
const (
	LeftButton = 0
	WheelUp    = 64
	WheelDown  = 65
)

// Mouse presses and releases a button over a cell, counted from 0, as SGR bytes (mode 1006). A turn of the wheel has no release.
func (m *Tmux) Mouse(button, x, y int) {
	m.t.Helper()
	m.SendBytes(fmt.Sprintf("\x1b[<%d;%d;%dM", button, x+1, y+1))
	if button < WheelUp {
		m.SendBytes(fmt.Sprintf("\x1b[<%d;%d;%dm", button, x+1, y+1))
	}
}

// Resize changes the window; the program gets SIGWINCH.
func (m *Tmux) Resize(cols, rows int) {
	m.t.Helper()
	m.do("resize-window", "-x", strconv.Itoa(cols), "-y", strconv.Itoa(rows))
}

// Capture is what can be read on the screen.
func (m *Tmux) Capture() string {
	m.t.Helper()
	return m.do("capture-pane", "-p")
}

// CaptureANSI is the screen with its colours, as SGR sequences.
func (m *Tmux) CaptureANSI() string {
	m.t.Helper()
	return m.do("capture-pane", "-e", "-p")
}

// Get gives one of tmux's variables, such as mouse_sgr_flag or alternate_on.
func (m *Tmux) Get(variable string) string {
	m.t.Helper()
	return strings.TrimSuffix(m.do("display-message", "-p", "#{"+variable+"}"), "\n")
}

// Cursor is where the cursor stands, from 0.
func (m *Tmux) Cursor() (x, y int) {
	m.t.Helper()
	if _, err := fmt.Sscan(m.Get("cursor_x")+" "+m.Get("cursor_y"), &x, &y); err != nil {
		m.t.Fatal(err)
	}
	return x, y
}

// WaitFor waits until text can be read on the screen.
func (m *Tmux) WaitFor(text string) {
	m.t.Helper()
	m.Until(fmt.Sprintf("%q", text), func(screen string) bool { return strings.Contains(screen, text) })
}

// Until waits until the screen is as ok wants it.
func (m *Tmux) Until(what string, ok func(screen string) bool) {
	m.t.Helper()
	until(m.t, what, m.Capture, ok)
}

// Signal sends a signal to the program.
func (m *Tmux) Signal(s syscall.Signal) {
	m.t.Helper()
	if m.Get("pane_dead") == "1" {
		m.t.Fatalf("the program is gone; its last screen:\n%s", framed(m.Capture()))
	}
	if err := syscall.Kill(m.pid, s); err != nil {
		m.t.Fatal(err)
	}
}

// Kill ends the program as a power cut would.
func (m *Tmux) Kill() {
	m.t.Helper()
	m.Signal(syscall.SIGKILL)
}

// Exit waits for the program's end and gives its exit code, -1 for a signal.
func (m *Tmux) Exit() int {
	m.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		// The end of the program's output comes before the word of how it ended; and tmux 3.3 at times misses that, until the
		// next child's end is told to it.
		m.server.Process.Signal(syscall.SIGCHLD)
		code, signal, _ := strings.Cut(m.Get("pane_dead_status")+" "+m.Get("pane_dead_signal"), " ")
		if signal != "" {
			return -1
		}
		if n, err := strconv.Atoi(code); err == nil {
			return n
		}
		if time.Now().After(end) {
			m.t.Fatalf("the program still runs; its screen:\n%s", framed(m.Capture()))
		}
	}
}
