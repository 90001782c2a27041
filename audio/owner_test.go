//go:build cgo

package audio

import (
	"context"
	"errors"
	"fmt"
	"sync"
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

func (b *fakeBackend) open() (*session, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.opened = append(b.opened, time.Now())
	if b.fail > 0 {
		b.fail--
		return nil, errors.New("no sound today")
	}
	s := &session{input: "mic", output: "spk", mic: newRing(24000), spk: newRing(24000), micRate: 44100, spkRate: 44100}
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
			s.mic.write(block)
			s.spk.play(make([]float32, 441))
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
