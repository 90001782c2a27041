package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"parley.lan/node"
	"parley.lan/room"
)

const (
	redrawEvery = 100 * time.Millisecond // on a terminal
	tellEvery   = time.Second            // line by line
	silentTime  = 2 * time.Second        // without any sound, before that is said
	nothing     = 100                    // -dBov, below the last bit of what any sound card gives: there is no sound at all
	tooLoud     = 3                      // -dBov, where speech is cut off
	softest     = 60                     // -dBov, where the bar begins
)

const silentHint = "Nothing at all is heard. Is the microphone muted, in the system or by a switch of its own? Is this the right device? " +
	"node devices lists them; --input chooses one."

// levelTold is a line of the meter in JSON.
type levelTold struct {
	Input  string `json:"input"`
	Level  uint8  `json:"level"` // the loudest since the line before, in -dBov
	Silent bool   `json:"silent"`
	Hint   string `json:"hint,omitempty"`
}

func (levelTold) Type() string { return "level" }

// heardInput is which microphone is open, or why none is.
type heardInput struct {
	input string
	err   error
}

// meter is node devices --meter: it shows the microphone's level until it is ended.
func (p *program) meter(c *urfave.Context) error {
	if c.Bool("plain") && c.Bool("json") {
		return usage("leave out one of them", "--plain and --json exclude each other")
	}
	sound, err := p.OpenSound(SoundConfig{Device: "auto", Input: c.String("input"), Raw: true, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return failed("text works without sound", "can't listen to the microphone: %v", err)
	}
	ctx, stop := context.WithCancel(c.Context)
	defer stop()
	inputs, ended := make(chan heardInput), make(chan error, 1)
	go func() {
		ended <- sound.Run(ctx, func([]room.VoiceFrame) {}, func(input, _ string, err error) {
			select {
			case inputs <- heardInput{input, err}:
			case <-ctx.Done():
			}
		})
		stop()
	}()
	m := &meter{out: p.stdout, json: c.Bool("json")}
	m.columns = lookFor(p.stdin, p.stdout, c.Bool("plain") || m.json).columns
	err = m.run(ctx, inputs, func() uint8 { level, _ := sound.Microphone(); return level })
	stop()
	if e := <-ended; err == nil {
		err = e
	}
	return err
}

// meter shows levels.
type meter struct {
	out     io.Writer
	json    bool
	columns func() int // of the terminal on which one line is redrawn; nil: a line each second

	input   string
	quiet   time.Duration // for so long there has been no sound
	written error
}

// run shows what level gives until ctx ends, or there is no microphone to begin with.
func (m *meter) run(ctx context.Context, inputs <-chan heardInput, level func() uint8) error {
	every := tellEvery
	if m.columns != nil {
		every = redrawEvery
	}
	var tick <-chan time.Time // nil until a microphone is open
	for m.written == nil {
		select {
		case <-ctx.Done():
			m.end()
			return m.written
		case now := <-inputs:
			if tick == nil && now.input == "" {
				return noMicrophone(now.err)
			}
			m.changed(now)
			if tick == nil {
				t := time.NewTicker(every)
				defer t.Stop()
				tick = t.C
				level() // what came before tells of nothing that was shown
			}
		case <-tick:
			m.show(level(), every)
		}
	}
	return m.written
}

func noMicrophone(err error) error {
	if err == nil {
		return failed("plug one in; node devices lists what there is", "there is no microphone")
	}
	return failed("node devices lists what there is", "no microphone: %v", err)
}

// changed tells which microphone is open now.
func (m *meter) changed(now heardInput) {
	m.input, m.quiet = now.input, 0
	reason := ""
	if now.err != nil {
		reason = room.CleanText(now.err.Error())
	}
	switch {
	case m.json:
		m.answer(node.Audio{Input: now.input, Error: reason})
	case now.input == "":
		m.line("The microphone is gone: " + reason)
	default:
		if reason != "" {
			m.line(reason)
		}
		m.line("Listening to " + room.CleanText(now.input) + ". Ctrl-C ends it.")
	}
}

// show tells the loudest level of the time since the one before.
func (m *meter) show(level uint8, since time.Duration) {
	before := m.quiet
	if m.quiet += since; level < nothing {
		m.quiet = 0
	}
	hint := ""
	if m.quiet >= silentTime && before < silentTime {
		hint = silentHint
	}
	switch {
	case m.json:
		m.answer(levelTold{m.input, level, m.quiet >= silentTime, hint})
	case m.columns == nil:
		m.print(levelWords(level) + "\n")
		if hint != "" {
			m.line(hint)
		}
	default:
		if hint != "" {
			m.line(hint)
		}
		m.print("\r\x1b[K" + levelBar(level, min(40, m.columns()-20)) + " " + levelWords(level))
	}
}

// line prints a line of words, on a terminal in place of the bar, which comes again below.
func (m *meter) line(text string) {
	if m.columns != nil {
		text = "\r\x1b[K" + wrap(text, max(m.columns()-1, minText), "")
	}
	m.print(text + "\n")
}

// end leaves the bar where it is.
func (m *meter) end() {
	if m.columns != nil && m.input != "" {
		m.print("\n")
	}
}

func (m *meter) answer(e node.Event) {
	if m.written == nil {
		m.written = printJSON(m.out, e)
	}
}

func (m *meter) print(s string) {
	if m.written == nil {
		_, m.written = io.WriteString(m.out, s)
	}
}

func levelWords(level uint8) string {
	switch {
	case level >= nothing:
		return "nothing"
	case level <= tooLoud:
		return fmt.Sprintf("%d dB, too loud", -int(level))
	}
	return fmt.Sprintf("%d dB", -int(level))
}

// levelBar draws a level in n cells.
func levelBar(level uint8, n int) string {
	if n <= 0 {
		return ""
	}
	full := n * (softest - min(int(level), softest)) / softest
	return "▕" + strings.Repeat("█", full) + strings.Repeat(" ", n-full) + "▏"
}
