package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// newTerminal opens a pseudo-terminal: keyboard is typed into, screen gathers what is shown.
func newTerminal(t *testing.T) (tty, keyboard *os.File, screen *buffer) {
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	fd := int(keyboard.Fd())
	n, err := unix.IoctlGetUint32(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	screen = &buffer{}
	read := make(chan struct{})
	go func() {
		defer close(read)
		io.Copy(screen, keyboard)
	}()
	t.Cleanup(func() {
		tty.Close() // ends the copy with EIO
		<-read
		keyboard.Close()
	})
	return tty, keyboard, screen
}

func (b *buffer) await(t *testing.T, text string) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !strings.Contains(b.String(), text); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the screen never shows %q: %q", text, b.String())
		}
	}
}

func cooked(t *testing.T, tty *os.File) bool {
	termios, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return termios.Lflag&unix.ICANON != 0
}

// TestEditorKeepsTheLineWhole: what comes in while one types doesn't tear the line.
func TestEditorKeepsTheLineWhole(t *testing.T) {
	tty, keyboard, screen := newTerminal(t)
	e, err := openEditor(tty, tty)
	if err != nil {
		t.Fatal(err)
	}
	lines := make(chan string)
	go func() {
		defer close(lines)
		for {
			line, err := e.ReadLine()
			if errors.Is(err, io.EOF) {
				return
			}
			lines <- fmt.Sprint(line, err)
		}
	}()
	screen.await(t, "> ")
	keyboard.WriteString("hel")
	screen.await(t, "> hel")
	if _, err := e.Write([]byte("12:00 Bob  hi\n")); err != nil {
		t.Fatal(err)
	}
	screen.await(t, "12:00 Bob  hi\r\n> hel")
	keyboard.WriteString("lo\r")
	if line := <-lines; line != "hello<nil>" {
		t.Errorf("typed %q", line)
	}
	keyboard.WriteString(strings.Repeat("x", 4000))
	keyboard.WriteString(strings.Repeat("x", 4000) + "\r")
	if line := <-lines; line != fmt.Sprint(errLineTooLong) {
		t.Errorf("a line that the editor cut is taken: %d bytes", len(line))
	}
	keyboard.WriteString("\x04") // Ctrl-D
	if line, more := <-lines; more {
		t.Errorf("after the end: %q", line)
	}
	e.close()
	if !cooked(t, tty) {
		t.Error("the terminal is not as it was")
	}
}

// TestEditorInterrupt: Ctrl-C is a signal, and the terminal is itself again before it comes, so that a second
// one ends the process whatever happens.
func TestEditorInterrupt(t *testing.T) {
	tty, keyboard, screen := newTerminal(t)
	e, err := openEditor(tty, tty)
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt)
	defer signal.Stop(signals)
	ended := make(chan error, 1)
	go func() {
		_, err := e.ReadLine()
		ended <- err
	}()
	screen.await(t, "> ")
	keyboard.WriteString("abc\x03")
	<-signals
	if !cooked(t, tty) {
		t.Error("the terminal is not as it was")
	}
	if err := <-ended; !errors.Is(err, io.EOF) {
		t.Errorf("%v", err)
	}
}
