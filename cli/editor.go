package cli

import (
	"bytes"
	"io"
	"os"
	"sync"
	"unicode/utf8"

	"golang.org/x/term"
)

// editLimit is where x/term stops taking runes into a line, without a word.
const editLimit = 4096

// keyInterrupt is Ctrl-C, which the terminal doesn't make a signal of while lines are edited.
const keyInterrupt = 3

// editor keeps the line being typed whole, below what comes in. It is a lineReader, and the writer of whatever
// else goes to the terminal.
type editor struct {
	term    *term.Terminal
	out     int
	restore func() // the terminal as it was; may be called again
	mu      sync.Mutex
	w, h    int
}

func openEditor(in, out *os.File) (*editor, error) {
	old, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return nil, err
	}
	e := &editor{
		out:     int(out.Fd()),
		restore: sync.OnceFunc(func() { term.Restore(int(in.Fd()), old) }),
	}
	e.term = term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{keys{in, e}, out}, "> ")
	e.resize()
	return e, nil
}

// ReadLine implements lineReader. At the end the terminal makes signals of keys again.
func (e *editor) ReadLine() (string, error) {
	line, err := e.term.ReadLine()
	if err != nil {
		e.restore()
		return "", err
	}
	if len(line) > maxLine || utf8.RuneCountInString(line) >= editLimit {
		return "", errLineTooLong
	}
	return line, nil
}

// Write puts lines above the one being typed.
func (e *editor) Write(b []byte) (int, error) {
	e.resize()
	return e.term.Write(b)
}

// close takes the prompt away and gives the terminal back.
func (e *editor) close() {
	e.term.SetPrompt("")
	e.term.Write(nil)
	e.restore()
}

// resize follows the window. It is asked at each key and line, which needs no signal.
func (e *editor) resize() {
	w, h, err := term.GetSize(e.out)
	if err != nil || w < 1 || h < 1 {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if w != e.w || h != e.h {
		e.w, e.h = w, h
		e.term.SetSize(w, h)
	}
}

// keys is the keyboard of an editor.
type keys struct {
	r io.Reader
	e *editor
}

func (k keys) Read(b []byte) (int, error) {
	n, err := k.r.Read(b)
	k.e.resize()
	if bytes.IndexByte(b[:n], keyInterrupt) < 0 {
		return n, err
	}
	k.e.restore()
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		self.Signal(os.Interrupt)
	}
	return 0, io.EOF
}
