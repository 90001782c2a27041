//go:build cgo

package audio

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"parley.lan/audio/audiotest"
	"parley.lan/room"
)

// hum is n blocks of a tone, each going on where the last one ended.
func (d *desk) hum(n int, amplitude float64) (ear []float32) {
	block := make([]float32, room.BlockSamples)
	for range n {
		for i := range block {
			block[i] = float32(amplitude * math.Sin(2*math.Pi*200*float64(d.n*room.BlockSamples+i)/room.SampleRate))
		}
		ear = append(ear, d.speak(block)...)
	}
	return ear
}

func newTestingDesk(t *testing.T, raw bool) *desk {
	t.Helper()
	d := newDesk(t, raw)
	d.e.mix.inbox.newDecoder = newOpusDecoder
	return d
}

// Who tests the microphone hears himself a second late, through Opus, whatever is turned off; nobody hears him, and he nobody.
func TestOneHearsOneself(t *testing.T) {
	d := newTestingDesk(t, true)
	d.e.SetMuted(true)
	d.e.SetDeaf(true)
	d.e.SetPushToTalk(true)
	d.e.TestMicrophone(true)
	clip := speech(t, "ada")
	var ear []float32
	for at := 0; at+room.BlockSamples <= len(clip)+room.SampleRate*3/2; at += room.BlockSamples {
		d.e.Hear(room.VoiceFrame{SSRC: 9, Seq: uint16(d.n), Timestamp: uint32(d.n * room.BlockSamples), Level: 20, Opus: []byte{29 << 3, 20}})
		mic := hushed
		if at+room.BlockSamples <= len(clip) {
			mic = clip[at : at+room.BlockSamples]
		}
		ear = append(ear, d.speak(mic)...)
	}
	down := func(x []float32) []float64 {
		return wide(newResampler(room.SampleRate, audiotest.Rate).process(nil, x))
	}
	m := audiotest.Find(down(clip[room.SampleRate:]), down(ear[room.SampleRate:])) // once the jitter buffer has settled
	t.Log(m)
	if m.Waveform < 0.95 || m.Delay < time.Second || m.Delay > 1060*time.Millisecond {
		t.Errorf("hears himself with %v, want a second later", m)
	}
	if p := power(ear[:room.SampleRate-480]); p > 0 {
		t.Errorf("before that somebody is heard with a power of %v", p)
	}
	if len(d.sent) > 0 {
		t.Errorf("%d frames were sent", len(d.sent))
	}
	if level, sent := d.e.Microphone(); level == room.LevelSilent || sent {
		t.Errorf("the meter shows %d, sent %v", level, sent)
	}
	if received := d.e.Stats()[0].Received; received < uint64(d.n)-20 {
		t.Errorf("of others %d frames of %d were counted", received, d.n)
	}
}

// The room hears a talkspurt end when a test begins and another one begin when it ends, with nothing lost between; the others are
// heard again, and nothing of the test.
func TestTalkGoesOnAfterATest(t *testing.T) {
	d := newDesk(t, true)
	before := d.speaks(20, aloud)
	d.e.TestMicrophone(true)
	during := d.speaks(300, aloud)
	d.e.TestMicrophone(false)
	after := d.speaks(20, aloud)
	if len(during) != 1 || during[0].Level != room.LevelSilent || during[0].Seq != end(before).Seq+1 {
		t.Errorf("as the test began %+v was sent, want one last frame", during)
	}
	if len(after) != 20 || !after[0].Marker || after[0].Seq != during[0].Seq+1 || after[0].Timestamp != during[0].Timestamp+300*room.BlockSamples {
		t.Errorf("as it ended %+v was sent", after)
	}
	if v := end(d.hears(5, 100, 10)); v < 0.099 || v > 0.101 {
		t.Errorf("somebody else is heard as %v", v)
	}
	d.e.TestMicrophone(true) // nothing of the last one, and its second anew
	for _, v := range d.hears(5, 150, 10)[glideTime+room.BlockSamples:] {
		if v != 0 {
			t.Fatalf("the next test begins with %v", v)
		}
	}
}

func TestSelfTestAllocatesNothing(t *testing.T) {
	d := newTestingDesk(t, true)
	d.heed = func([]room.VoiceFrame) {}
	d.e.TestMicrophone(true)
	d.speaks(600, aloud)
	if n := testing.AllocsPerRun(500, func() { d.speak(aloud) }); n != 0 || !d.e.Testing() {
		t.Errorf("%v allocations a block", n)
	}
}

// A test ends in mid-word without a click, and is gone within 20 ms.
func TestSelfTestEndsWithoutAClick(t *testing.T) {
	d := newTestingDesk(t, true)
	d.e.TestMicrophone(true)
	if loud := d.hum(330, 0.3); end(loud) == 0 && power(loud[len(loud)-480:]) < 0.01 {
		t.Fatal("nothing is heard")
	}
	d.e.TestMicrophone(false)
	ear := d.hum(20, 0.3)
	for i := 1; i < len(ear); i++ {
		if step := math.Abs(float64(ear[i] - ear[i-1])); step > 0.02 {
			t.Errorf("a click of %v after %d samples", step, i)
		}
	}
	if end(ear[:glideTime+2*room.BlockSamples]) != 0 || power(ear[glideTime+room.BlockSamples:]) > 0 || d.e.mix.test.Load() != nil {
		t.Error("it goes on")
	}
}

// A test that nobody ends does so by itself, 30 s after it was last turned on.
func TestSelfTestEndsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, true)
		d.e.TestMicrophone(true)
		time.Sleep(10 * time.Second)
		d.e.TestMicrophone(true)
		time.Sleep(testTime - 1)
		if !d.e.Testing() || len(d.speaks(20, aloud)) > 0 {
			t.Error("it has ended already")
		}
		time.Sleep(1)
		if d.e.Testing() || len(d.speaks(20, aloud)) == 0 || d.e.mix.test.Load() != nil {
			t.Error("it goes on")
		}
		none, err := New(Config{Device: "none"})
		if err != nil {
			t.Fatal(err)
		}
		none.TestMicrophone(true)
		if none.Testing() {
			t.Error("a machine without a microphone tests it")
		}
	})
}

// A loudspeaker that the microphone hears at half its loudness: what is played back dies away, also from somebody whose soft
// voice is made five times as loud, and it does so without a cleaner.
func TestEchoOfASelfTestDies(t *testing.T) {
	for name, c := range map[string]struct {
		raw   bool
		voice float32
	}{"soft voice": {false, 0.2}, "loud voice": {false, 1}, "raw": {true, 1}} {
		t.Run(name, func(t *testing.T) {
			d := newTestingDesk(t, c.raw)
			d.e.SetPushToTalk(true) // no pause stops it
			d.e.TestMicrophone(true)
			const way = 40 * ms
			clip := speech(t, "ada")
			air, mic := make([]float32, way), make([]float32, room.BlockSamples)
			second := make([]float64, 14)
			for n := range 200 * len(second) {
				for i := range mic {
					at := n*room.BlockSamples + i
					mic[i] = 0.5*air[at] + 1e-4*float32(math.Sin(float64(at)*float64(at)*1e-3))
					if at < len(clip) {
						mic[i] += c.voice * clip[at]
					}
				}
				ear := d.speak(mic)
				air = append(air, ear...)
				second[n/200] += power(ear) / 200
			}
			if loud, rest := second[3], second[len(second)-1]; loud < 1e-4 || rest > loud/1000 {
				t.Errorf("the power of each second is %.1e", second)
			}
		})
	}
}
