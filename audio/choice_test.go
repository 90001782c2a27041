//go:build cgo

package audio

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley.lan/room"
)

var (
	builtIn = Device{Name: "Built in", HostAPI: "ALSA", Inputs: 2, Outputs: 2, DefaultInput: true, DefaultOutput: true}
	headset = Device{Name: "USB Headset", HostAPI: "ALSA", Inputs: 1, Outputs: 2}
	webcam  = Device{Name: "USB Webcam", HostAPI: "ALSA", Inputs: 1}
)

// fails tells whether an error says all of that.
func fails(err error, says ...string) bool {
	for _, part := range says {
		if err == nil || !strings.Contains(err.Error(), part) {
			return false
		}
	}
	return true
}

// Other devices are opened at once, also in mid-talk; what fits nothing or several is refused with what there is, and nothing is
// touched for it.
func TestUseOtherDevices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &scripted{sign: "cards", there: []Device{builtIn, headset, webcam}}
		b.lead(t, func(e *Engine) {
			time.Sleep(time.Second)
			if err := e.Use("webcam", "built"); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Second)
			for _, c := range []struct {
				choice
				says []string
			}{
				{choice{"trumpet", ""}, []string{`no microphone is called "trumpet"; there are: "Built in", "USB Headset", "USB Webcam"`}},
				{choice{"", "webcam"}, []string{`no loudspeaker is called "webcam"; there are: "Built in", "USB Headset"`}},
				{choice{"usb", "headset"}, []string{`2 microphones fit "usb": "USB Headset", "USB Webcam"; use more of the name`}},
				{choice{"trumpet", "trumpet"}, []string{"no microphone", "no loudspeaker"}},
			} {
				if err := e.Use(c.input, c.output); !fails(err, c.says...) {
					t.Errorf("%q: %v, want %q", c.choice, err, c.says)
				}
			}
			if err := e.Use("webcam", "built"); err != nil || len(b.opened()) != 2 {
				t.Errorf("asked for what is in use, opened %d times in all, error %v", len(b.opened()), err)
			}
			if err := e.Use("headset", " USB Headset "); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Second)
			if err := e.Use("", ""); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Second)
		})
		var asked []choice
		for _, a := range b.asked {
			asked = append(asked, a.choice)
		}
		want := []choice{{}, {"webcam", "built"}, {"headset", "USB Headset"}, {}}
		if fmt.Sprint(asked) != fmt.Sprint(want) {
			t.Errorf("opened %q, want %q", asked, want)
		}
		for i, at := range b.at[1:] {
			if gap := at.Sub(b.at[i]); gap > time.Second+50*time.Millisecond {
				t.Errorf("opened only %v after the last time", gap)
			}
		}
	})
}

// Devices that come after the start are listed and used. Where the system tells of them the list costs one opening, else only a
// name that isn't known does.
func TestUseDevicesThatCome(t *testing.T) {
	for _, sign := range []string{"cards", ""} {
		t.Run("signs "+sign, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &scripted{sign: sign, there: []Device{builtIn}}
				b.lead(t, func(e *Engine) {
					time.Sleep(time.Second)
					list := func(want, opened int) {
						t.Helper()
						all, err := e.Devices()
						time.Sleep(time.Second)
						if err != nil || len(all) != want || len(b.opened()) != opened {
							t.Errorf("%d devices, opened %d times, error %v; want %d and %d", len(all), len(b.opened()), err, want, opened)
						}
					}
					list(1, 1)
					b.set(func() {
						b.there = []Device{builtIn, headset}
						if sign != "" {
							b.sign += ", headset"
						}
					})
					if sign != "" {
						list(2, 2)
						list(2, 2)
					} else {
						list(1, 1)
					}
					if err := e.Use("headset", ""); err != nil {
						t.Error(err)
					}
					time.Sleep(time.Second)
					opened := b.opened()
					if a := end(opened); a.input != "headset" || len(opened) > 3 {
						t.Errorf("opened %d times, %q last", len(opened), a.choice)
					}
					if err := e.Use("trumpet", ""); !fails(err, "USB Headset") {
						t.Error(err)
					}
					time.Sleep(time.Second)
					if a := end(b.opened()); a.input != "headset" {
						t.Errorf("a name that doesn't exist changed to %q", a.choice)
					}
				})
				if b.misused {
					t.Error("devices were looked for while some were open")
				}
			})
		})
	}
}

// What is chosen before anything runs is what is opened first, whether it's there or not.
func TestUseBeforeRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, err := New(Config{Input: "webcam"})
		if err != nil {
			t.Fatal(err)
		}
		b := &scripted{there: []Device{builtIn}}
		e.backend = b
		if err := e.Use("headset", "built"); err != nil {
			t.Error(err)
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		if err := e.Run(ctx, func([]room.VoiceFrame) {}, func(string, string, error) {}); err != nil {
			t.Error(err)
		}
		if len(b.asked) != 1 || b.asked[0].choice != (choice{"headset", "built"}) {
			t.Errorf("opened %+v", b.asked)
		}
	})
}

// While nothing can be opened, other devices are, at once.
func TestUseWhileNothingWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &scripted{sign: "cards", there: []Device{builtIn, headset}, fail: errors.New("busy")}
		said := b.lead(t, func(e *Engine) {
			time.Sleep(50 * time.Second) // by now it waits long between tries
			tries := len(b.opened())
			b.set(func() { b.fail, b.next = nil, session{input: "USB Headset", output: "USB Headset"} })
			if all, err := e.Devices(); err != nil || len(all) != 2 || len(b.opened()) != tries {
				t.Errorf("%v, %v, opened %d times more", all, err, len(b.opened())-tries)
			}
			if err := e.Use("headset", "headset"); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Second)
		})
		if want := "||busy USB Headset|USB Headset|<nil>"; strings.Join(said, " ") != want {
			t.Errorf("said %q, want %q", said, want)
		}
	})
}

// A sound system that hangs holds up nobody who asks, and what was asked of it in vain doesn't happen later.
func TestUseWhileTheSoundSystemHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &scripted{there: []Device{builtIn, headset}, hang: make(chan struct{})}
		b.lead(t, func(e *Engine) {
			time.Sleep(time.Second)
			began := time.Now()
			if err := e.Use("headset", ""); !errors.Is(err, errHangs) || time.Since(began) > closeWait {
				t.Errorf("after %v: %v", time.Since(began), err)
			}
			began = time.Now()
			if _, err := e.Devices(); !errors.Is(err, errHangs) || time.Since(began) > slowOpen {
				t.Errorf("after %v: %v", time.Since(began), err)
			}
			close(b.hang)
			time.Sleep(10 * time.Second)
		})
		if len(b.asked) != 1 || b.asked[0].input != "" {
			t.Errorf("opened %d times", len(b.asked))
		}
	})
}

func TestNoOtherDevices(t *testing.T) {
	for device, want := range map[string]string{"none": "--audio none", "wav:testdata/ada.wav": "from files"} {
		e, err := New(Config{Device: device})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Use("", ""); !fails(err, want) {
			t.Errorf("%s: %v", device, err)
		}
	}
}

// A monitor is never taken unless it's named, and a default that is one has another stand in.
func TestFallback(t *testing.T) {
	monitor := Device{Name: "Monitor of Built in", Inputs: 2, DefaultInput: true, Monitor: true}
	silent := Device{Name: "HDMI", Outputs: 2}
	for _, c := range []struct {
		all   []Device
		input bool
		want  int
	}{
		{[]Device{webcam, builtIn}, true, 1}, {[]Device{webcam, builtIn}, false, 1}, {[]Device{monitor, silent, webcam}, true, 2},
		{[]Device{monitor}, true, -1}, {[]Device{monitor, silent}, false, 1}, {nil, false, -1},
	} {
		if got := fallback(c.all, c.input); got != c.want {
			t.Errorf("of %+v: %d, want %d", c.all, got, c.want)
		}
	}
	if i, err := named([]Device{webcam, monitor}, "monitor of", true); i != 1 || err != nil {
		t.Errorf("a monitor by name: %d, %v", i, err)
	}
	if _, err := named([]Device{monitor}, "trumpet", true); !fails(err, "no other") || fails(err, "Monitor") {
		t.Errorf("with nothing to offer: %v", err)
	}
	many := make([]Device, 30)
	for i := range many {
		many[i] = Device{Name: fmt.Sprint("card ", i), Outputs: 1}
	}
	if _, err := named(many, "card", false); !fails(err, "30 loudspeakers", `"card 7", and 22 more`) {
		t.Error(err)
	}
}
