//go:build cgo

package audio

import (
	"context"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley.lan/audio/audiotest"
	"parley.lan/room"
)

// party is some engines on files that hear one another, in the virtual time of a synctest bubble.
type party struct {
	t       *testing.T
	engines []*Engine
	outs    []string
	began   []time.Time // when each engine opened its files
	stop    context.CancelFunc
	ctx     context.Context
	running sync.WaitGroup
	mu      sync.Mutex
	random  *rand.Rand
	loss    float64
	spread  time.Duration // each frame takes up to this long, so that they overtake one another
}

func newParty(t *testing.T, loss float64, spread time.Duration) *party {
	p := &party{t: t, loss: loss, spread: spread, random: rand.New(rand.NewPCG(3, 4))}
	p.ctx, p.stop = context.WithCancel(context.Background())
	return p
}

// add makes an engine whose microphone is the given clip of testdata, or silent.
func (p *party) add(clip string) {
	p.t.Helper()
	in := ""
	if clip != "" {
		in = filepath.Join("testdata", clip+".wav")
	}
	out := filepath.Join(p.t.TempDir(), "out.wav")
	e, err := New(Config{Device: "wav:" + in + "," + out})
	if err != nil {
		p.t.Fatal(err)
	}
	p.engines, p.outs = append(p.engines, e), append(p.outs, out)
	p.began = append(p.began, time.Time{})
}

// run lets all talk for d.
func (p *party) run(d time.Duration) {
	for i, e := range p.engines {
		send := func(packet []room.VoiceFrame) { p.carry(i, packet) }
		status := func(input, output string, err error) {
			if err != nil {
				p.t.Errorf("engine %d: %v", i, err)
			}
			p.began[i] = time.Now()
		}
		p.running.Go(func() {
			if err := e.Run(p.ctx, send, status); err != nil {
				p.t.Error(err)
			}
		})
		time.Sleep(7 * time.Millisecond) // their clocks have nothing to do with one another
	}
	time.Sleep(d)
	p.stop()
	p.running.Wait()
}

// carry is the network.
func (p *party) carry(from int, packet []room.VoiceFrame) {
	packet = slices.Clone(packet)
	for i, f := range packet {
		packet[i].SSRC, packet[i].Opus = uint32(100+from), slices.Clone(f.Opus)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.random.Float64() < p.loss {
		return
	}
	delay := time.Millisecond
	if p.spread > 0 {
		delay += time.Duration(p.random.Int64N(int64(p.spread)))
	}
	time.AfterFunc(delay, func() {
		for i, e := range p.engines {
			for _, f := range packet {
				if i != from {
					e.Hear(f)
				}
			}
		}
	})
}

// find looks for a clip in what an engine played. The delay is from the speaker's clip to the listener's ear.
func (p *party) find(clip string, from, at int) audiotest.Match {
	p.t.Helper()
	return p.findAfter(0, clip, from, at)
}

// findAfter looks for what of a clip comes after its first part: until then a playout delay that nothing is known of yet
// may shrink, by time-scaling, which waveforms show.
func (p *party) findAfter(first time.Duration, clip string, from, at int) audiotest.Match {
	p.t.Helper()
	original, err := audiotest.Load(filepath.Join("testdata", clip+".wav"))
	if err != nil {
		p.t.Fatal(err)
	}
	recording, err := audiotest.Load(p.outs[at])
	if err != nil {
		p.t.Fatal(err)
	}
	n := int(first * audiotest.Rate / time.Second)
	m := audiotest.Find(original[n:], recording)
	m.Delay += p.began[at].Sub(p.began[from]) - first
	return m
}

const settling = 6 * time.Second

// One talks, one listens: speech comes out as it went in, soon, on a perfect line and on a bad one.
func TestSpeechFromFileToFile(t *testing.T) {
	for _, c := range []struct {
		name     string
		loss     float64
		spread   time.Duration
		waveform float64
	}{{"perfect line", 0, 0, 0.95}, {"2 % lost, out of order", 0.02, 15 * time.Millisecond, 0.7}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newParty(t, c.loss, c.spread)
				p.add("long-a")
				p.add("")
				p.run(37 * time.Second)
				m, settled := p.find("long-a", 0, 1), p.findAfter(settling, "long-a", 0, 1)
				t.Logf("%v, once settled %v; %+v", m, settled, p.engines[1].Stats())
				if m.Envelope < 0.9 || settled.Waveform < c.waveform {
					t.Errorf("heard with %v, once settled %v", m, settled)
				}
				if m.Delay < 10*time.Millisecond || m.Delay > 60*time.Millisecond {
					t.Errorf("heard after %v", m.Delay)
				}
			})
		})
	}
}

// Three at once: each hears the other two and not itself.
func TestThreeTalkAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParty(t, 0, 5*time.Millisecond)
		clips := []string{"ada", "grace", "alan"}
		for _, clip := range clips {
			p.add(clip)
		}
		p.run(4 * time.Second)
		for at := range clips {
			for from, clip := range clips {
				m := p.find(clip, from, at)
				t.Logf("%s at %s: %v", clip, clips[at], m)
				if from == at && m.Waveform > 0.2 {
					t.Errorf("%s hears itself: %v", clip, m)
				}
				// Two voices as loud as one another, and no other error, give .71 each; the quieter one, stretched
				// to follow the jitter, has been seen at .47. Who isn't there has never been seen above .13.
				if from != at && m.Waveform < 0.35 {
					t.Errorf("%s doesn't hear %s: %v", clips[at], clip, m)
				}
			}
		}
	})
}

// Eight at once, each as loud as it can: nothing clips, and each is still in there.
func TestEightTalkersDoNotClip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParty(t, 0, 0)
		clips := []string{"ada", "grace", "alan", "ada", "grace", "alan", "ada", "grace"}
		for _, clip := range clips {
			p.add(clip)
		}
		p.add("")
		p.run(3500 * time.Millisecond)
		recording, err := audiotest.Load(p.outs[8])
		if err != nil {
			t.Fatal(err)
		}
		peak := 0.0
		for _, v := range recording {
			peak = max(peak, math.Abs(v))
		}
		if peak > 1 || peak < 0.5 {
			t.Errorf("peak %v", peak)
		}
		for from, clip := range clips[:3] {
			// One of eight equals has .35, the quietest here .25, one that isn't there .05.
			if m := p.findAfter(1500*time.Millisecond, clip, from, 8); m.Waveform < 0.15 {
				t.Errorf("%s isn't heard: %v", clip, m)
			}
		}
	})
}

func TestMutedEngineSendsNothingAndHears(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newParty(t, 0, 0)
		p.add("ada")
		p.add("grace")
		p.engines[1].SetMuted(true)
		p.run(4 * time.Second)
		if m := p.find("ada", 0, 1); m.Envelope < 0.9 {
			t.Errorf("the muted one hears with %v", m)
		}
		if n := len(p.engines[0].Stats()); n != 0 {
			t.Errorf("%d voices came from the muted one", n)
		}
	})
}

// A plain member at each end: PCM at 44.1 kHz through Talker and Listener.
func TestPlainBridge(t *testing.T) {
	talker, err := NewTalker()
	if err != nil {
		t.Fatal(err)
	}
	listener, err := NewListener()
	if err != nil {
		t.Fatal(err)
	}
	in := newResampler(room.SampleRate, room.PlainRate).process(nil, speech(t, "alan"))
	var out []float32
	block, ear := make([]int16, room.PlainSamples), make([]int16, room.PlainSamples)
	heard := make([]float32, room.PlainSamples)
	now := time.Unix(0, 0)
	hear := func(packet []room.VoiceFrame) {
		for _, f := range packet {
			f.SSRC = 9
			listener.Hear(f)
		}
	}
	tick := func() {
		talker.Put(now, block)
		talker.Next(now, hear)
		listener.Mix(0)
		if n := listener.Take(ear); n != len(ear) {
			t.Fatalf("%d samples", n)
		}
		now = now.Add(room.FrameTime)
	}
	for at := 0; at+len(block) < len(in)+room.PlainRate/2; at += len(block) {
		clear(block)
		if at+len(block) < len(in) {
			toInt16(block, in[at:at+len(block)])
		}
		tick()
		fromInt16(heard, ear)
		out = append(out, heard...)
	}
	down := func(x []float32) []float64 { return wide(newResampler(room.PlainRate, audiotest.Rate).process(nil, x)) }
	m := audiotest.Find(down(in), down(out))
	t.Log(m)
	if m.Waveform < 0.9 || m.Envelope < 0.9 || m.Delay > 50*time.Millisecond {
		t.Errorf("heard with %v", m)
	}
	if n := testing.AllocsPerRun(300, tick); n != 0 {
		t.Errorf("%v allocations each 10 ms", n)
	}
}

// What goes on all the time allocates nothing: microphone to packet, packet to loudspeaker, in both callbacks, at odd rates.
func TestSoundAllocatesNothing(t *testing.T) {
	e, err := New(Config{Device: "auto"})
	if err != nil {
		t.Fatal(err)
	}
	s := &session{mic: newMicrophone(44100, e.wake), spk: newLoudspeaker(44100, e.pull, &e.budget)}
	e.session.Store(s)
	c := newCapturing(e, func(packet []room.VoiceFrame) {
		for _, f := range packet {
			f.SSRC = 1
			e.Hear(f)
		}
	})
	e.Tune(room.VoicePath{Frame: 5 * time.Millisecond, Loss: 0.3, Burst: 3})
	voice := newResampler(room.SampleRate, 44100).process(nil, speech(t, "alan"))
	both, ear := make([]float32, 2*441), make([]float32, 2*441)
	at := 0
	now := time.Now()
	turns := 0
	step := func() {
		now = now.Add(10 * time.Millisecond)
		turns++
		e.SetDeaf(turns%40 > 30)
		e.SetPushToTalk(turns%80 > 40)
		e.Press(turns%7 > 2)
		e.SetMuted(turns%100 > 90)
		e.SetVolume(1, float64(turns%30-20))
		e.Microphone()
		for i, v := range voice[at : at+441] {
			both[2*i], both[2*i+1] = v, v
		}
		s.mic.hear(both, 2)
		c.step(now)
		s.spk.play(ear, 2)
		at = (at + 441) % (len(voice) - 441)
	}
	for range 300 {
		step()
	}
	if n := testing.AllocsPerRun(500, step); n != 0 {
		t.Errorf("%v allocations each 10 ms", n)
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	dir := t.TempDir()
	for device, want := range map[string]string{
		"loud":                                  "use auto, none or wav:",
		"wav:":                                  "names no file",
		"wav:" + dir + "/none.wav,":             "no such file",
		"wav:engine_test.go,":                   "not a WAV file",
		"wav:," + dir + "/none/x.wav":           "there is no folder",
		"wav:," + dir:                           "is a folder",
		"wav:testdata/ada.wav,testdata/ada.wav": "same file",
	} {
		if _, err := New(Config{Device: device}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", device, err, want)
		}
	}
}

// An engine without sound still counts what it is sent.
func TestEngineWithoutSoundCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, err := New(Config{Device: "none", Muted: true})
		if err != nil || !e.Muted() {
			t.Fatal(err, e.Muted())
		}
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() {
			e.Run(ctx, func([]room.VoiceFrame) { t.Error("sent a frame") }, func(in, out string, err error) {
				if in+out != "" || err != nil {
					t.Errorf("status %q %q %v", in, out, err)
				}
			})
		})
		for i := range 100 {
			if i != 50 {
				e.Hear(room.VoiceFrame{SSRC: 5, Seq: uint16(i), Timestamp: uint32(480 * i), Opus: opus10})
			}
			time.Sleep(room.FrameTime)
		}
		stop()
		running.Wait()
		if s := e.Stats(); len(s) != 1 || s[0].Received != 99 || s[0].Lost != 1 {
			t.Errorf("%+v", s)
		}
		ctx, stop = context.WithCancel(t.Context()) // it may run again, as under a new key
		stop()
		if err := e.Run(ctx, func([]room.VoiceFrame) {}, func(string, string, error) {}); err != nil {
			t.Errorf("the second run: %v", err)
		}
	})
}
