//go:build cgo

package audio

import (
	"slices"
	"sync"
	"testing"
	"time"

	"parley.lan/room"
)

// desk is an engine whose microphone and loudspeaker a test holds in its hands, 5 ms at a time. What it decodes is steady.
type desk struct {
	e    *Engine
	c    *capturing
	s    *session
	now  time.Time
	ear  [room.BlockSamples]float32
	sent []sent // each frame the first time
	n    int    // blocks so far
	heed func(packet []room.VoiceFrame)
}

func newDesk(t *testing.T, raw bool) *desk {
	t.Helper()
	e, err := New(Config{Device: "auto", Raw: raw})
	if err != nil {
		t.Fatal(err)
	}
	e.mix.inbox.newDecoder = func() (decoder, error) { return steadyDecoder{}, nil }
	e.Tune(room.VoicePath{Frame: 5 * time.Millisecond})
	d := &desk{e: e, now: time.Now(), s: &session{mic: newMicrophone(room.SampleRate, e.wake), spk: newLoudspeaker(room.SampleRate, e.pull, &e.budget)}}
	e.session.Store(d.s)
	d.c = newCapturing(e, func(packet []room.VoiceFrame) {
		if d.heed != nil {
			d.heed(packet)
			return
		}
		for _, f := range packet {
			f.Opus = slices.Clone(f.Opus)
			d.sent = append(d.sent, sent{d.n, f})
		}
	})
	return d
}

// speak captures a block and plays one.
func (d *desk) speak(mic []float32) (ear []float32) {
	d.s.spk.play(d.ear[:], 1)
	d.now = d.now.Add(5 * time.Millisecond)
	d.s.mic.hear(mic, 1)
	d.c.step(d.now)
	d.n++
	return d.ear[:]
}

// speaks captures n blocks and returns the frames that they made.
func (d *desk) speaks(n int, mic []float32) []sent {
	d.sent = nil
	for range n {
		d.speak(mic)
	}
	return d.sent
}

var (
	aloud  = tone(room.BlockSamples, 48000, 1000, 0.5)
	hushed = make([]float32, room.BlockSamples)
)

// In push-to-talk what is between the pressing and the letting go is sent, whatever it is, from 20 ms before to 150 ms after;
// and nothing else.
func TestPushToTalk(t *testing.T) {
	for name, raw := range map[string]bool{"cleaned": false, "raw": true} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, raw)
			d.e.Press(true)
			d.e.SetPushToTalk(true)
			d.speaks(100, hushed)
			if f := d.speaks(100, aloud); len(f) > 0 {
				t.Errorf("not pressed, %d frames are sent", len(f))
			}
			d.speaks(400, hushed)
			d.speaks(4, aloud) // the word begins before the finger is down
			d.e.Press(true)
			f := d.speaks(200, hushed)
			if len(f) < 200 || f[0].block != d.n-200 || !f[0].Marker || !f[0].PreRoll {
				t.Fatalf("pressed, %d frames are sent, the first %+v", len(f), f[0])
			}
			before := 0
			for i, one := range f {
				if one.PreRoll {
					before++
				}
				if one.Level == room.LevelSilent {
					t.Fatalf("frame %d is the end of a talkspurt", i)
				}
			}
			if before < 3 || before > 4 {
				t.Errorf("%d frames from before the pressing, want 20 ms", before)
			}
			d.e.Press(false)
			f = d.speaks(100, hushed)
			if tail := pressTail / room.BlockSamples; len(f) < tail-1 || len(f) > tail+1 || f[len(f)-1].Level != room.LevelSilent {
				t.Errorf("let go, %d more frames are sent, want %d, the last silent", len(f), tail)
			}
			if f := d.speaks(100, aloud); len(f) > 0 {
				t.Errorf("let go, %d frames of what is said are sent", len(f))
			}
		})
	}
}

// Who is muted sends nothing, pressed or not, and nothing of it comes once he isn't.
func TestMutedWinsOverPressed(t *testing.T) {
	d := newDesk(t, true)
	d.e.SetPushToTalk(true)
	d.e.Press(true)
	if f := d.speaks(20, aloud); len(f) == 0 {
		t.Error("pressed, nothing is sent")
	}
	d.e.SetMuted(true)
	if f := d.speaks(20, aloud); len(f) != 1 || f[0].Level != room.LevelSilent {
		t.Errorf("muted, %+v is sent, want one last frame", f)
	}
	d.e.Press(false)
	d.e.SetMuted(false)
	if f := d.speaks(100, aloud); len(f) > 0 {
		t.Errorf("let go while muted, %d frames are sent", len(f))
	}
	d.e.SetPushToTalk(false)
	if f := d.speaks(20, aloud); len(f) == 0 {
		t.Error("with voice activation again, nothing is sent")
	}
	d.e.SetPushToTalk(true) // a press of before counts for nothing
	if f := d.speaks(100, aloud); len(f) != 1 {
		t.Errorf("with push-to-talk again, %d frames are sent, want one last", len(f))
	}
}

// hears has somebody else say a steady value, a frame each 5 ms, for n blocks, and gives all that is played of it.
func (d *desk) hears(ssrc uint32, n int, value byte) (ear []float32) {
	for range n {
		d.e.Hear(room.VoiceFrame{SSRC: ssrc, Seq: uint16(d.n), Timestamp: uint32(d.n * room.BlockSamples), Level: 20, Opus: []byte{29 << 3, value}})
		ear = append(ear, d.speak(hushed)...)
	}
	return ear
}

// smooth fails where two samples differ by more than a gain moves in one.
func smooth(t *testing.T, pcm []float32) {
	t.Helper()
	for i := 1; i < len(pcm); i++ {
		if step := pcm[i] - pcm[i-1]; step > 2.0/glideTime || step < -2.0/glideTime {
			t.Fatalf("a click: from %v to %v", pcm[i-1], pcm[i])
		}
	}
}

func end[T any](all []T) T { return all[len(all)-1] }

// Who is deaf hears nothing 20 ms later, without a click; the statistics go on, and the echo's canceller knows of the silence.
func TestDeaf(t *testing.T) {
	d := newDesk(t, true)
	loud := d.hears(5, 100, 40)
	d.e.SetDeaf(true)
	fading := d.hears(5, 5, 40)
	smooth(t, append(loud[len(loud)-1:], fading...))
	received := d.e.Stats()[0].Received
	d.s.spk.played.discard(d.s.spk.played.len())
	for _, v := range d.hears(5, 100, 40) {
		if v != 0 {
			t.Fatalf("deaf, hears %v", v)
		}
	}
	played := make([]float32, 100*room.BlockSamples)
	if n := d.s.spk.played.take(played); n < 50*room.BlockSamples || slices.Max(played) > 0 {
		t.Errorf("of %d samples played the loudest is %v, want silence", n, slices.Max(played))
	}
	if more := d.e.Stats()[0].Received - received; more < 95 || more > 105 {
		t.Errorf("deaf, %d frames of 100 were counted", more)
	}
	d.e.SetDeaf(false)
	back := d.hears(5, 20, 40)
	smooth(t, back)
	if end(back) != end(loud) || end(loud) < 0.39 {
		t.Errorf("hears %v again, %v before", end(back), end(loud))
	}
}

// Whoever turns switches, at once and from anywhere, holds up neither microphone nor loudspeaker, nor changes anything under them.
func TestSwitchesFromAnywhere(t *testing.T) {
	d := newDesk(t, true)
	stop := make(chan struct{})
	var running sync.WaitGroup
	for i := range 2 {
		running.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				on := n%2 == i
				d.e.SetMuted(on)
				d.e.SetDeaf(on)
				d.e.SetPushToTalk(n%3 == i)
				d.e.Press(on)
				d.e.SetVolume(5, float64(n%90-65))
				d.e.Microphone()
				d.e.Stats()
				if n%100 == 99 {
					d.e.TestMicrophone(on)
					d.e.Forget(5)
				}
			}
		})
	}
	for _, v := range d.hears(5, 500, 20) {
		if !(v > -1 && v < 1) {
			t.Fatalf("a sample of %v", v)
		}
	}
	close(stop)
	running.Wait()
}
