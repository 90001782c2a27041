//go:build cgo

package audio

import (
	"sync"
	"testing"

	"parley.lan/room"
)

// The meter shows the loudest since it was last read, also of what isn't sent, and what is.
func TestMicrophoneMeter(t *testing.T) {
	d := newDesk(t, true)
	soft := tone(room.BlockSamples, 48000, 1000, 0.05)
	want := func(what string, level uint8, sent bool) {
		t.Helper()
		if l, s := d.e.Microphone(); l != level || s != sent {
			t.Errorf("%s: level %d, sent %v; want %d, %v", what, l, s, level, sent)
		}
	}
	want("at first", room.LevelSilent, false)
	d.speaks(3, soft)
	d.speak(aloud)
	d.speaks(3, soft)
	want("loud for a moment", level(aloud), true)
	want("at once again", room.LevelSilent, false)
	d.speaks(3, soft)
	want("soft", level(soft), true)
	d.e.SetMuted(true)
	d.speaks(1, aloud)
	want("a last frame", level(aloud), true)
	d.speaks(3, aloud)
	want("muted", level(aloud), false)
	d.e.SetMuted(false)
	d.e.SetPushToTalk(true)
	d.speaks(3, aloud)
	want("not pressed", level(aloud), false)
	d.e.session.Store(nil)
	d.speaks(3, aloud)
	want("no microphone", room.LevelSilent, false)
}

// Whoever reads while it is written loses nothing: the loudest comes out once.
func TestMeterFromAnywhere(t *testing.T) {
	var l loudest
	var running sync.WaitGroup
	var mu sync.Mutex
	loud, sent := 0, 0
	stop := make(chan struct{})
	read := func() {
		level, was := l.take()
		mu.Lock()
		defer mu.Unlock()
		if level == 3 {
			loud++
		}
		if was {
			sent++
		}
	}
	for range 2 {
		running.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					read()
				}
			}
		})
	}
	for range 20000 {
		l.note(90, false)
	}
	l.note(3, true)
	for range 20000 {
		l.note(90, false)
	}
	close(stop)
	running.Wait()
	read()
	if loud != 1 || sent != 1 {
		t.Errorf("the loudest was read %d times, the sending %d times", loud, sent)
	}
}
