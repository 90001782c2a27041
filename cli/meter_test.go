package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley.lan/node"
	"parley.lan/room"
)

// hearing runs a meter in virtual time while the microphone gives levels, one each time it is asked, and gives what is printed.
func hearing(t *testing.T, m *meter, levels []uint8, inputs ...heardInput) (printed string, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var out buffer
		m.out = &out
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		told := make(chan heardInput, len(inputs))
		for _, i := range inputs {
			told <- i
		}
		asked := 0
		err = m.run(ctx, told, func() uint8 {
			if asked++; asked == 1 {
				return 0 // of before
			}
			if asked == len(levels)+1 {
				stop()
			}
			return levels[asked-2]
		})
		printed = out.String()
	})
	return printed, err
}

var silence = slices.Repeat([]uint8{room.LevelSilent}, 3)

func TestMeterLineByLine(t *testing.T) {
	got, err := hearing(t, &meter{}, append([]uint8{23, 2, 0, 60, 23}, silence...), heardInput{input: "Mic\x1b[1m"})
	want := "Listening to Mic[1m. Ctrl-C ends it.\n-23 dB\n-2 dB, too loud\n0 dB, too loud\n-60 dB\n-23 dB\nnothing\nnothing\n" + silentHint + "\nnothing\n"
	if err != nil || got != want {
		t.Errorf("%v, prints\n%s\nwant\n%s", err, got, want)
	}
}

func TestMeterInJSON(t *testing.T) {
	got, err := hearing(t, &meter{json: true}, append([]uint8{23}, silence...), heardInput{input: "Mic", err: errors.New("no Headset; Mic stands in")})
	lines := strings.Split(got, "\n")
	want := []string{
		`"type":"audio","input":"Mic","output":"","error":"no Headset; Mic stands in"}`,
		`"type":"level","input":"Mic","level":23,"silent":false}`,
		`"type":"level","input":"Mic","level":127,"silent":false}`,
		`"type":"level","input":"Mic","level":127,"silent":true,"hint":"Nothing at all`,
		`"type":"level","input":"Mic","level":127,"silent":true}`,
		``,
	}
	if err != nil || !slices.EqualFunc(lines, want, strings.Contains) {
		t.Errorf("%v, prints\n%s", err, got)
	}
}

// TestMeterOnATerminal: one line is drawn over and over, ten times a second, and never wider than the screen; words come above it.
func TestMeterOnATerminal(t *testing.T) {
	for _, columns := range []int{80, 30, 0} {
		levels := append([]uint8{0, 30, 60, 99}, slices.Repeat([]uint8{room.LevelSilent}, 25)...)
		got, err := hearing(t, &meter{columns: func() int { return columns }}, levels, heardInput{input: "Mic"})
		if err != nil || strings.Count(got, "\r\x1b[K") != len(levels)+2 || !strings.HasSuffix(got, "nothing\n") {
			t.Errorf("%d columns: %v, prints %q", columns, err, got)
		}
		if n := strings.Count(strings.Join(strings.Fields(got), " "), silentHint); n != 1 {
			t.Errorf("%d columns: that nothing is heard is said %d times", columns, n)
		}
		for _, drawn := range strings.FieldsFunc(got, func(r rune) bool { return r == '\r' || r == '\n' }) {
			if n := cells(strings.TrimPrefix(drawn, "\x1b[K")); columns > minText && n >= columns {
				t.Errorf("%d columns: %d cells in %q", columns, n, drawn)
			}
		}
	}
	for _, c := range []struct {
		level uint8
		full  int
	}{{0, 40}, {15, 30}, {30, 20}, {60, 0}, {127, 0}} {
		if bar := levelBar(c.level, 40); cells(bar) != 42 || strings.Count(bar, "█") != c.full {
			t.Errorf("level %d is drawn as %q", c.level, bar)
		}
	}
}

// TestMeterFollowsTheDevice: one that goes is said to be gone, and what stands in is named.
func TestMeterFollowsTheDevice(t *testing.T) {
	got, err := hearing(t, &meter{}, []uint8{50}, heardInput{input: "Headset"}, heardInput{err: errors.New("unplugged")}, heardInput{input: "Mic", err: errors.New("Headset isn't there")})
	want := "Listening to Headset. Ctrl-C ends it.\nThe microphone is gone: unplugged\nHeadset isn't there\nListening to Mic. Ctrl-C ends it.\n-50 dB\n"
	if err != nil || got != want {
		t.Errorf("%v, prints\n%s", err, got)
	}
}

// fakeMicrophone is a sound of which a meter uses little.
type fakeMicrophone struct {
	node.Sound
	input string
	err   error
}

func (f *fakeMicrophone) Run(ctx context.Context, _ func([]room.VoiceFrame), status func(string, string, error)) error {
	status(f.input, "Ear", f.err)
	<-ctx.Done()
	return nil
}

func (f *fakeMicrophone) Microphone() (uint8, bool) { return 42, true }

func TestMeterWithoutAMicrophone(t *testing.T) {
	for _, c := range []struct {
		mic  node.Sound
		says string
	}{
		{nil, "can't listen to the microphone: no sound in this build"},
		{&fakeMicrophone{}, "there is no microphone"},
		{&fakeMicrophone{err: fmt.Errorf("nothing is called %q", "Kazoo")}, `no microphone: nothing is called "Kazoo"`},
	} {
		s := (&start{microphone: c.mic}).run(t, "", "devices", "--meter", "--input", "Kazoo")
		if s.code != exitFailed || s.stdout != "" || !strings.Contains(s.stderr, c.says) {
			t.Errorf("%+v", s)
		}
		if want := (SoundConfig{Device: "auto", Input: "Kazoo", Raw: true, Log: s.sound.Log}); *s.sound != want {
			t.Errorf("opened %+v", *s.sound)
		}
	}
}

// TestMeterWhoseReaderLeaves ends.
func TestMeterWhoseReaderLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := make(chan heardInput, 1)
		told <- heardInput{input: "Mic"}
		m := &meter{out: leaving{}}
		begun := time.Now()
		if err := m.run(t.Context(), told, func() uint8 { return 1 }); err == nil || time.Since(begun) > tellEvery {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
	})
}

type leaving struct{}

func (leaving) Write([]byte) (int, error) { return 0, errors.New("nobody reads") }
