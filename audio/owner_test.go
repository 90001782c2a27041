//go:build cgo

package audio

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"parley.lan/room"
)

// fakeBackend fails as often as told, then opens devices that run, then stall.
type fakeBackend struct {
	mu     sync.Mutex
	fail   int           // opens that fail
	runFor time.Duration // how long a device runs before it stalls
	opened []time.Time
	closed int
}

func (b *fakeBackend) signs() string                  { return "" }
func (b *fakeBackend) devices(bool) ([]Device, error) { return nil, nil }
func (b *fakeBackend) shut()                          {}

func (b *fakeBackend) open(a ask) (*session, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.opened = append(b.opened, time.Now())
	if b.fail > 0 {
		b.fail--
		return nil, errors.New("no sound today")
	}
	s := &session{input: "mic", output: "spk", mic: newMicrophone(44100, a.wake), spk: newLoudspeaker(44100, a.pull, a.budget)}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		stall := time.After(b.runFor)
		block := tone(441, 44100, 440, 0.5)
		for {
			select {
			case <-stop:
				return
			case <-stall:
				<-stop
				return
			case <-tick.C:
			}
			s.mic.hear(block, 1)
			s.spk.play(make([]float32, 441), 1)
		}
	}()
	s.close = func() {
		close(stop)
		<-stopped
		b.mu.Lock()
		b.closed++
		b.mu.Unlock()
	}
	return s, nil
}

// A device that isn't there, comes, stalls and comes again: said once each, opened again within a second of a
// stall, and the timestamps keep their place in time.
func TestEngineFollowsItsDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, err := New(Config{Device: "auto"})
		if err != nil {
			t.Fatal(err)
		}
		b := &fakeBackend{fail: 2, runFor: 3 * time.Second}
		e.backend = b
		var said []string
		var last room.VoiceFrame
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		began := time.Now()
		var firstAt time.Time
		var first uint32
		running.Go(func() {
			e.Run(ctx, func(packet []room.VoiceFrame) {
				f := packet[len(packet)-1]
				if firstAt.IsZero() {
					firstAt, first = time.Now(), f.Timestamp
				}
				want := time.Since(firstAt).Seconds() * room.SampleRate
				if off := float64(f.Timestamp-first) - want; off > 1000 || off < -1000 {
					t.Errorf("after %v a timestamp is off by %.0f samples", time.Since(began), off)
				}
				last = f
			}, func(input, output string, err error) { said = append(said, fmt.Sprint(input, output, err)) })
		})
		time.Sleep(10 * time.Second)
		stop()
		running.Wait()
		if want := []string{"no sound today", "micspk<nil>"}; len(said) != 2 || said[0] != want[0] || said[1] != want[1] {
			t.Errorf("said %q, want %q", said, want)
		}
		if len(b.opened) < 4 || b.closed != len(b.opened)-2 {
			t.Fatalf("opened %d times, closed %d", len(b.opened), b.closed)
		}
		if gap := b.opened[3].Sub(b.opened[2]); gap > 3*time.Second+stallAfter+backoffMin*4+2*watchEvery {
			t.Errorf("a stalled device was opened again after %v", gap-b.runFor)
		}
		if len(last.Opus) == 0 {
			t.Error("nothing was captured")
		}
	})
}

// scripted is a backend that a test leads: it opens what it is told, and notes what it is asked.
type scripted struct {
	mu    sync.Mutex
	sign  string
	next  session // what opens, but for its ends, which run by themselves
	asked []ask
	at    []time.Time
	hang  chan struct{} // open waits for its end
	fail  error         // what opening fails with

	there, known []Device // devices there are, and those that were when last looked for
	inUse        bool     // a session is open
	misused      bool     // devices were looked for meanwhile
}

func (b *scripted) devices(rescan bool) ([]Device, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if rescan {
		b.known, b.misused = b.there, b.misused || b.inUse
	}
	return b.known, nil
}

func (b *scripted) signs() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sign
}

func (b *scripted) shut() {}

// opened is what it was asked so far, each time.
func (b *scripted) opened() []ask {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.asked)
}

func (b *scripted) set(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
}

func (b *scripted) open(a ask) (*session, error) {
	if b.hang != nil {
		<-b.hang
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked, b.at = append(b.asked, a), append(b.at, time.Now())
	if a.rescan {
		b.known = b.there
	}
	if b.fail != nil {
		return nil, b.fail
	}
	b.inUse = true
	s := b.next
	s.spk = newLoudspeaker(48000, a.pull, a.budget)
	if s.withheld = s.shy && a.muted; !s.withheld {
		s.mic = newMicrophone(48000, a.wake)
	}
	stop := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		block := make([]float32, 240)
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				if s.mic != nil {
					s.mic.hear(block, 1)
				}
				s.spk.play(block, 1)
			}
		}
	})
	s.close = func() {
		close(stop)
		running.Wait()
		b.set(func() { b.inUse = false })
	}
	return &s, nil
}

// lead runs an engine on b while script goes on.
func (b *scripted) lead(t *testing.T, script func(*Engine)) (said []string) {
	t.Helper()
	e, err := New(Config{Device: "auto", Raw: true})
	if err != nil {
		t.Fatal(err)
	}
	e.backend = b
	var mu sync.Mutex
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		e.Run(ctx, func([]room.VoiceFrame) {}, func(input, output string, err error) {
			mu.Lock()
			defer mu.Unlock()
			said = append(said, fmt.Sprint(input, "|", output, "|", err))
		})
	})
	script(e)
	stop()
	running.Wait()
	mu.Lock()
	defer mu.Unlock()
	return slices.Clone(said) // whoever hangs has not ended
}

// A named headset is pulled out, which ends its stream: the default stands in at once. It comes back: so does the sound. What
// else comes and goes meanwhile interrupts nobody who has what was asked for.
func TestHeadsetGoesAndReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var gone atomic.Bool
		b := &scripted{sign: "headset", next: session{input: "headset", output: "headset", ended: gone.Load}}
		var pulled, returned time.Time
		said := b.lead(t, func(*Engine) {
			time.Sleep(20 * time.Second)
			b.set(func() { b.sign = "headset, camera" })
			time.Sleep(5 * time.Second)
			if len(b.asked) != 1 {
				t.Error("opened again because of a camera")
			}
			pulled = time.Now()
			b.set(func() {
				b.sign, b.next = "", session{input: "built in", output: "built in", instead: true, err: errors.New("no headset")}
			})
			gone.Store(true)
			time.Sleep(20 * time.Second)
			returned = time.Now()
			b.set(func() { b.sign, b.next = "headset", session{input: "headset", output: "headset"} })
			time.Sleep(5 * time.Second)
		})
		if len(b.at) != 3 || b.at[1].Sub(pulled) > 100*time.Millisecond || b.at[2].Sub(returned) > time.Second {
			t.Errorf("opened at %v; pulled out at %v, returned at %v", b.at, pulled, returned)
		}
		if len(b.asked) == 3 && (!b.asked[1].rescan || !b.asked[2].rescan) {
			t.Error("opened without looking for devices anew")
		}
		want := "headset|headset|<nil> built in|built in|no headset headset|headset|<nil>"
		if got := strings.Join(said, " "); got != want {
			t.Errorf("said %s\nwant %s", got, want)
		}
	})
}

// A wireless headset's microphone is closed while muted, and the loudspeaker goes on. Not pressed it stays open, and to be tested
// it is opened.
func TestWirelessMicrophoneIsClosedWhileMuted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &scripted{next: session{input: "AirPods", output: "AirPods", shy: true}}
		b.lead(t, func(e *Engine) {
			for _, muted := range []bool{false, true, false} {
				e.SetMuted(muted)
				time.Sleep(500 * time.Millisecond)
				if s := e.session.Load(); s == nil || (s.mic == nil) != muted || s.spk == nil {
					t.Errorf("muted %v: %+v", muted, s)
				}
			}
			e.SetPushToTalk(true)
			time.Sleep(500 * time.Millisecond)
			if s := e.session.Load(); s == nil || s.mic == nil {
				t.Errorf("not pressed: %+v", s)
			}
			e.SetPushToTalk(false)
			if asked := b.opened(); len(asked) != 3 || asked[1].rescan {
				t.Errorf("opened %d times", len(asked))
			}
			e.SetMuted(true)
			time.Sleep(500 * time.Millisecond)
			for _, testing := range []bool{true, false} {
				e.TestMicrophone(testing)
				time.Sleep(500 * time.Millisecond)
				if s := e.session.Load(); s == nil || (s.mic != nil) != testing {
					t.Errorf("testing %v: %+v", testing, s)
				}
			}
		})
	})
}

// A sound system that hangs is said to, and holds up neither muting nor leaving.
func TestSoundSystemThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &scripted{hang: make(chan struct{})}
		var left time.Time
		said := b.lead(t, func(e *Engine) {
			time.Sleep(10 * time.Second)
			e.SetMuted(true)
			left = time.Now()
		})
		if d := time.Since(left); d > closeWait {
			t.Errorf("left after %v", d)
		}
		if len(said) != 1 || !strings.Contains(said[0], "doesn't answer") {
			t.Errorf("said %q", said)
		}
		close(b.hang)
	})
}
