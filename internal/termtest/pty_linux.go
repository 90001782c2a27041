package termtest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// patience is how long a test waits for what must happen.
const patience = 30 * time.Second

// OpenPTY opens a pseudo-terminal: what is written to keyboard is typed on tty, and what is written to tty is read from it. Both
// are closed at the end of the test.
func OpenPTY(t testing.TB) (tty, keyboard *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatalf("no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { keyboard.Close() })
	var n uint32
	err = control(keyboard, func(fd int) (err error) {
		if n, err = unix.IoctlGetUint32(fd, unix.TIOCGPTN); err != nil {
			return err
		}
		return unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	})
	if err == nil {
		tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tty.Close() })
	return tty, keyboard
}

// control does something to a file's descriptor and leaves the file to the poller, so that Close ends a Read.
func control(f *os.File, do func(fd int) error) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = do(int(fd)) }); err != nil {
		return err
	}
	return failed
}

// SetSize changes the window of a terminal; the program in front gets SIGWINCH.
func SetSize(t testing.TB, keyboard *os.File, cols, rows int) {
	t.Helper()
	if err := control(keyboard, func(fd int) error {
		return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: uint16(rows), Col: uint16(cols)})
	}); err != nil {
		t.Fatal(err)
	}
}

// Follow shows on screen what is written to a terminal, until that is closed on its other side. What makes one character is kept
// together: a terminal's buffer may end in its midst, which an emulator would take for two.
func Follow(screen io.Writer, keyboard *os.File) {
	buf := make([]byte, 64<<10)
	var held []byte
	for {
		if len(held) > 0 {
			keyboard.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		}
		n, err := keyboard.Read(buf)
		keyboard.SetReadDeadline(time.Time{})
		held = append(held, buf[:n]...)
		if len(held) > 0 && (err != nil || held[len(held)-1] < utf8.RuneSelf) {
			screen.Write(held)
			held = held[:0]
		}
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return // EIO, at the end
		}
	}
}

// Terminal is a program in a pseudo-terminal, with the screen that it makes. It is quick, and knows everything that the
// program wrote; Tmux is what people have.
type Terminal struct {
	*Screen
	t        testing.TB
	cmd      *exec.Cmd
	keyboard *os.File
	exited   chan struct{}

	mu  sync.Mutex
	raw bytes.Buffer
}

// Start runs cmd in a pseudo-terminal of its own. At the end of the test it gets SIGHUP, as when a window is closed, and is
// killed when it stays.
func Start(t testing.TB, cols, rows int, cmd *exec.Cmd) *Terminal {
	t.Helper()
	return start(t, cols, rows, cmd, false)
}

// StartKitty is Start in a terminal that speaks the Kitty keyboard protocol.
func StartKitty(t testing.TB, cols, rows int, cmd *exec.Cmd) *Terminal {
	t.Helper()
	return start(t, cols, rows, cmd, true)
}

func start(t testing.TB, cols, rows int, cmd *exec.Cmd, kitty bool) *Terminal {
	t.Helper()
	tty, keyboard := OpenPTY(t)
	p := &Terminal{Screen: NewScreen(t, cols, rows, keyboard), t: t, cmd: cmd, keyboard: keyboard, exited: make(chan struct{})}
	if kitty {
		p.Kitty()
	}
	SetSize(t, keyboard, cols, rows)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append([]string{"TERM=xterm-256color"}, cmd.Env...) // the caller's wins
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setsid, cmd.SysProcAttr.Setctty, cmd.SysProcAttr.Ctty = true, true, 0
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tty.Close() // so that the end of the program is the end of what it writes
	read := make(chan struct{})
	go func() {
		defer close(read)
		Follow(p, keyboard)
	}()
	go func() {
		defer close(p.exited)
		cmd.Wait()
		<-read
	}()
	t.Cleanup(p.finish)
	return p
}

func (p *Terminal) finish() {
	select {
	case <-p.exited:
		return
	default:
	}
	p.cmd.Process.Signal(syscall.SIGHUP)
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Errorf("%s does not end on SIGHUP", p.cmd.Path)
		p.cmd.Process.Kill()
		<-p.exited
	}
}

// Write is the program's output.
func (p *Terminal) Write(b []byte) (int, error) {
	p.mu.Lock()
	p.raw.Write(b)
	p.mu.Unlock()
	return p.Screen.Write(b)
}

// Output is every byte that the program wrote so far, line feeds as the terminal got them (\r\n).
func (p *Terminal) Output() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return bytes.Clone(p.raw.Bytes())
}

// Send types bytes as they are, escape sequences included.
func (p *Terminal) Send(keys string) {
	p.t.Helper()
	p.keyboard.SetWriteDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(p.keyboard, keys); err != nil {
		p.t.Fatalf("the program reads nothing: %v", err)
	}
}

// Resize changes the window; the program gets SIGWINCH.
func (p *Terminal) Resize(cols, rows int) {
	p.t.Helper()
	p.Screen.Resize(cols, rows)
	SetSize(p.t, p.keyboard, cols, rows)
}

// Cooked tells that the terminal edits lines, shows what is typed, and makes signals of keys, as one does that no program has for
// itself.
func (p *Terminal) Cooked() bool {
	p.t.Helper()
	cooked := false
	if err := control(p.keyboard, func(fd int) error {
		termios, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		if err == nil {
			const all = unix.ICANON | unix.ECHO | unix.ISIG
			cooked = termios.Lflag&all == all
		}
		return err
	}); err != nil {
		p.t.Fatal(err)
	}
	return cooked
}

// Signal sends a signal to the program.
func (p *Terminal) Signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Fatal(err)
	}
}

// Close closes the window: the terminal is gone, and the program gets SIGHUP.
func (p *Terminal) Close() { p.keyboard.Close() }

// Exit waits for the program's end and gives its exit code, -1 for a signal.
func (p *Terminal) Exit() int {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Fatalf("the program still runs; its screen:\n%s", framed(p.Text()))
	}
	return p.cmd.ProcessState.ExitCode()
}

// WaitFor waits until text can be read on the screen.
func (p *Terminal) WaitFor(text string) {
	p.t.Helper()
	p.Until(fmt.Sprintf("%q", text), func(screen string) bool { return strings.Contains(screen, text) })
}

// Until waits until the screen is as ok wants it.
func (p *Terminal) Until(what string, ok func(screen string) bool) {
	p.t.Helper()
	until(p.t, what, p.Text, ok)
}

func until(t testing.TB, what string, look func() string, ok func(screen string) bool) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		screen := look()
		if ok(screen) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the screen never shows %s:\n%s", what, framed(screen))
		}
	}
}
