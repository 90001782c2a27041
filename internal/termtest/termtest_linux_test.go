package termtest_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/term"

	"parley.lan/internal/termtest"
)

// TestMain is also the program under observation: it tells what it reads, byte for byte, and each new size.
func TestMain(m *testing.M) {
	if ask, ok := os.LookupEnv("TERMTEST_PROGRAM"); ok {
		program(ask)
		return
	}
	goleak.VerifyTestMain(m)
}

func program(ask string) {
	sizes := make(chan os.Signal, 1)
	signal.Notify(sizes, syscall.SIGWINCH)
	go func() {
		for range sizes {
			w, h, _ := term.GetSize(0)
			fmt.Printf("size %d×%d\r\n", w, h)
		}
	}()
	if _, err := term.MakeRaw(0); err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	fmt.Print(strings.NewReplacer(`\e`, "\x1b", `\a`, "\a").Replace(ask) + "ready\r\n")
	buf := make([]byte, 64<<10)
	for {
		n, err := os.Stdin.Read(buf)
		if err != nil {
			os.Exit(1)
		}
		if string(buf[:n]) == "q" {
			os.Exit(7)
		}
		if n > 100 {
			fmt.Printf("%d bytes\r\n", n)
			continue
		}
		fmt.Printf("%q\r\n", buf[:n])
	}
}

// asking is the program, which first writes what ask says, \e for escape and \a for the bell.
func asking(ask string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "TERMTEST_PROGRAM="+ask)
	return cmd
}

func TestTmux(t *testing.T) {
	m := termtest.StartTmux(t, 60, 20, asking(`\e[?u`))
	m.WaitFor("ready")
	m.SendText("héllo")
	m.WaitFor(`"héllo"`)
	m.SendKeys("Enter", "Up")
	m.WaitFor(`\r`)
	m.WaitFor(`\x1b[A`)
	for _, bytes := range []string{"\x1b[32;1:1u", "\x1b[32;1:3u", "\x1b[?11u", "日"} {
		m.SendBytes(bytes)
		m.WaitFor(fmt.Sprintf("%q\n", bytes))
	}
	m.Mouse(termtest.WheelUp, 0, 2)
	m.WaitFor(`"\x1b[<64;1;3M"`)
	m.Paste("pasted")
	m.WaitFor(`"pasted"`)
	m.Resize(30, 10)
	m.WaitFor("size 30×10")
	if x, y := m.Cursor(); x != 0 || y == 0 {
		t.Errorf("the cursor is at %d, %d", x, y)
	}
	m.SendText("q")
	if code := m.Exit(); code != 7 {
		t.Errorf("exit code %d", code)
	}
}

func TestTmuxAnswersAndColours(t *testing.T) {
	t.Parallel()
	m := termtest.StartTmux(t, 60, 20, asking(`\e[?2004h\e[?1006h\e[c\e[1;31mred\e[0m`))
	m.WaitFor("ready")
	m.WaitFor(`"\x1b[?1;2`) // tmux itself says what it is
	if got := m.CaptureANSI(); !strings.Contains(got, "\x1b[1m\x1b[31mred") {
		t.Errorf("the colours are %q", got)
	}
	if m.Get("mouse_sgr_flag") != "1" {
		t.Error("tmux does not know that the program wants the mouse")
	}
	m.Paste("pasted")
	m.WaitFor(`\x1b[200~pasted\x1b[201~`)
	m.Kill()
	if code := m.Exit(); code != -1 {
		t.Errorf("exit code %d of a killed program", code)
	}
}

func TestTerminal(t *testing.T) {
	p := termtest.StartKitty(t, 40, 10, asking(`\e[>3u\e[?u\e[6n\e]2;title\a\a\e]52;c;Zm9v\a\e[?1049h\e[?1006h\e[2;5H\e[1;31m日本\e[0m`))
	p.WaitFor("日本ready")
	p.WaitFor(`\x1b[?3u`) // the emulator answers
	p.WaitFor(`\x1b[1;1R`)
	if p.Cooked() {
		t.Error("raw is cooked")
	}
	if p.KittyFlags() != 3 {
		t.Errorf("the keyboard's flags are %d", p.KittyFlags())
	}
	if c := p.Cell(4, 1); c.Content != "日" || c.Width != 2 || c.Style.Fg == nil {
		t.Errorf("the cell is %+v", c)
	}
	if c := p.Cell(5, 1); c.Width != 0 {
		t.Errorf("the second column of a wide character is %+v", c)
	}
	p.Send("\x1b[32;1:3u")
	p.WaitFor(`"\x1b[32;1:3u"`)
	p.Resize(50, 12)
	p.WaitFor("size 50×12")
	d := p.Deeds()
	if d.Bells != 1 || len(d.Titles) != 1 || d.Titles[0] != "title" || len(d.Clipboard) != 1 || d.Redraws == 0 || d.AltScreen != 1 {
		t.Errorf("the program did %+v", d)
	}
	if left := p.Left(); len(left) != 4 { // two modes, the keyboard, the alternate screen
		t.Errorf("it left behind %q", left)
	}
	p.Screen.Write([]byte("\x1b[<u\x1b[?1006l\x1b[?1049l"))
	if left := p.Left(); len(left) != 0 {
		t.Errorf("it left behind %q", left)
	}
	if !strings.Contains(string(p.Output()), "\x1b[6n") {
		t.Errorf("it wrote %q", p.Output())
	}
	p.Send("q")
	if code := p.Exit(); code != 7 {
		t.Errorf("exit code %d", code)
	}
}

func TestScreenShowsLines(t *testing.T) {
	s := termtest.NewScreen(t, 10, 3, io.Discard)
	s.Show([]byte("one\ntwo\n\x1b[c3"))
	if got := s.Text(); got != "one\ntwo\n3\n" {
		t.Errorf("the screen is %q", got)
	}
	if x, y, _ := s.Cursor(); x != 1 || y != 2 {
		t.Errorf("the cursor is at %d, %d", x, y)
	}
}
