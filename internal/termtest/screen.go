// Package termtest looks at terminal programs from outside: it runs them in tmux or in a pseudo-terminal, keeps the screen that
// their output makes, tells what they did to the terminal besides, and draws screens as SVG pictures.
package termtest

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"
)

// Screen is an emulated terminal: what is written to it changes its cells, and what else a program asked of its terminal is
// counted. Its methods may be called from any goroutine.
type Screen struct {
	mu       sync.Mutex
	emulator *vt.Emulator
	deeds    Deeds
	modes    map[int]bool // private modes that the program turned on or off last
	kitty    []int        // the stack of the keyboard protocol's flags; nil where the terminal doesn't know it
}

// Deeds are what a program did to its terminal other than showing text.
type Deeds struct {
	Bells     int
	Titles    []string // of the window and of its icon
	Clipboard []string // what OSC 52 asked for, as it came
	Redraws   int      // sequences that move the cursor, erase, or scroll
	AltScreen int      // how often the alternate screen was entered
	Modes     []int    // private modes that were set, such as 1006 for the mouse, each as often as it was
}

// NewScreen makes a screen of cols × rows cells. What the terminal answers to questions goes to answers, nil for nowhere.
func NewScreen(t testing.TB, cols, rows int, answers io.Writer) *Screen {
	t.Helper()
	s := &Screen{emulator: vt.NewEmulator(cols, rows), modes: make(map[int]bool)}
	s.emulator.SetCallbacks(vt.Callbacks{
		Bell:      func() { s.deeds.Bells++ },
		Title:     func(title string) { s.deeds.Titles = append(s.deeds.Titles, title) },
		IconName:  func(name string) { s.deeds.Titles = append(s.deeds.Titles, name) },
		AltScreen: func(on bool) { s.deeds.AltScreen += btoi(on) },
		EnableMode: func(m ansi.Mode) {
			if dec, ok := m.(ansi.DECMode); ok {
				s.deeds.Modes = append(s.deeds.Modes, int(dec))
				s.modes[int(dec)] = true
			}
		},
		DisableMode: func(m ansi.Mode) {
			if dec, ok := m.(ansi.DECMode); ok {
				s.modes[int(dec)] = false
			}
		},
	})
	s.emulator.RegisterOscHandler(52, func(data []byte) bool {
		s.deeds.Clipboard = append(s.deeds.Clipboard, string(data))
		return true
	})
	// Handlers are asked newest first; one that returns false leaves the work to the emulator's own.
	for _, final := range "ABCDEFGHIJKLMPSTXZ@`adefrsu" {
		s.emulator.RegisterCsiHandler(int(final), func(ansi.Params) bool { s.deeds.Redraws++; return false })
	}
	for _, final := range "78DEMc" {
		s.emulator.RegisterEscHandler(int(final), func() bool { s.deeds.Redraws++; return false })
	}
	s.keyboard()

	if answers == nil {
		answers = io.Discard
	}
	done := make(chan struct{})
	go func() { // the emulator waits for a reader of its answers
		defer close(done)
		if _, err := io.Copy(answers, s.emulator); err != nil {
			io.Copy(io.Discard, s.emulator) // the program is gone; what is left on the screen is still of interest
		}
	}()
	t.Cleanup(func() {
		s.emulator.InputPipe().(io.Closer).Close()
		<-done
	})
	return s
}

// keyboard keeps the flags of the Kitty keyboard protocol, and answers what they are, once Kitty was called.
func (s *Screen) keyboard() {
	csi := func(prefix byte, do func(p ansi.Params)) {
		s.emulator.RegisterCsiHandler(ansi.Command(prefix, 0, 'u'), func(p ansi.Params) bool {
			if s.kitty != nil {
				do(p)
			}
			return true
		})
	}
	first := func(p ansi.Params, otherwise int) int {
		n, _, _ := p.Param(0, otherwise)
		return n
	}
	csi('>', func(p ansi.Params) { s.kitty = append(s.kitty, first(p, 0)) })
	csi('=', func(p ansi.Params) { s.kitty[len(s.kitty)-1] = first(p, 0) })
	csi('<', func(p ansi.Params) { s.kitty = s.kitty[:max(1, len(s.kitty)-first(p, 1))] })
	csi('?', func(ansi.Params) {
		io.WriteString(s.emulator.InputPipe(), fmt.Sprintf("\x1b[?%du", s.kitty[len(s.kitty)-1]))
	})
}

// Kitty makes the terminal one that speaks the Kitty keyboard protocol. Call it before the program asks.
func (s *Screen) Kitty() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kitty = []int{0}
}

// KittyFlags are the enhancements that the program asked for: 1 to tell keys apart, 2 to report releases.
func (s *Screen) KittyFlags() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kitty == nil {
		return 0
	}
	return s.kitty[len(s.kitty)-1]
}

// Left tells what a program left behind that a terminal doesn't have by itself; empty: nothing.
func (s *Screen) Left() (left []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, mode := range slices.Sorted(maps.Keys(s.modes)) {
		if on := s.modes[mode]; on != (mode == 7 || mode == 25) { // wrapping, and the cursor
			left = append(left, fmt.Sprintf("mode %d is %v", mode, on))
		}
	}
	if len(s.kitty) > 1 || s.kitty != nil && s.kitty[0] != 0 {
		left = append(left, fmt.Sprintf("the keyboard's flags are %v", s.kitty))
	}
	if s.emulator.IsAltScreen() {
		left = append(left, "the alternate screen")
	}
	return left
}

// Write shows what a program writes.
func (s *Screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.emulator.Write(p)
}

// Show shows lines as they come from a function rather than a terminal: each ends in a line feed alone. The last one may lack it.
func (s *Screen) Show(lines []byte) {
	s.Write([]byte(strings.ReplaceAll(string(lines), "\n", "\r\n")))
}

// Resize changes the number of cells.
func (s *Screen) Resize(cols, rows int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.emulator.Resize(cols, rows)
}

// Size gives columns and rows.
func (s *Screen) Size() (cols, rows int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.emulator.Width(), s.emulator.Height()
}

// Cursor is where the cursor stands, from 0, and whether it can be seen.
func (s *Screen) Cursor() (x, y int, visible bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.emulator.CursorPosition()
	return at.X, at.Y, !s.emulator.CursorHidden()
}

// Deeds tells what the program did to its terminal so far.
func (s *Screen) Deeds() Deeds {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.deeds
}

// Cell is the cell in column x of row y, from 0. The second column of a wide character has a Width of 0.
func (s *Screen) Cell(x, y int) uv.Cell {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cell(x, y)
}

func (s *Screen) cell(x, y int) uv.Cell {
	if c := s.emulator.CellAt(x, y); c != nil {
		return *c
	}
	return uv.EmptyCell
}

// Text is what can be read on the screen: its rows without the blanks at their ends, each ended by a line feed.
func (s *Screen) Text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for y := range s.emulator.Height() {
		var row strings.Builder
		for x := range s.emulator.Width() {
			switch c := s.cell(x, y); {
			case c.Content == "" && c.Width != 0:
				row.WriteByte(' ')
			default:
				row.WriteString(c.Content)
			}
		}
		b.WriteString(strings.TrimRight(row.String(), " ") + "\n")
	}
	return b.String()
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// framed shows a screen in a test's message, each row between bars so that blanks count.
func framed(text string) string {
	var b strings.Builder
	for i, row := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		b.WriteString(fmt.Sprintf("%3s|", strconv.Itoa(i)) + row + "\n")
	}
	return b.String()
}
