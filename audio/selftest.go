package audio

import (
	"math"
	"sync/atomic"
	"time"

	"parley.lan/room"
)

const (
	testDelay = room.SampleRate // by which one hears oneself late, so that one can speak on
	testTime  = 30 * time.Second
)

// TestMicrophone plays one's own voice back, a second late and as the others would hear it: cleaned, through Opus, a jitter buffer
// and the loudspeaker's mix. Nothing is sent meanwhile, and nobody else is heard; being muted, deaf or not pressed makes no
// difference. It ends with TestMicrophone(false), and by itself 30 s after it was last turned on.
func (e *Engine) TestMicrophone(on bool) {
	t := e.mix.test.Load()
	switch {
	case !on && t != nil:
		t.until.Store(0)
	case !on || e.out == nil:
	case t.going():
		t.until.Store(int64(time.Since(t.began) + testTime))
	default:
		t, err := e.newSelfTest()
		if err != nil {
			e.log.Error("testing the microphone", "err", err)
			return
		}
		e.mix.test.Store(t)
	}
}

// Testing tells whether one's own voice is played back, and not sent.
func (e *Engine) Testing() bool { return e.mix.test.Load().going() }

// silenced tells whether nobody is to hear the microphone, not even this person.
func (e *Engine) silenced() bool { return e.Muted() && !e.Testing() }

// selfTest is one test of the microphone: capturing puts in, the mixer takes out. A new one is made for each test, so that
// nothing of an earlier one is heard.
type selfTest struct {
	began time.Time
	until atomic.Int64 // ns since then

	out   *sender // capturing's
	late  queue   // of what is not yet a second old, capturing's at both ends
	hold  hold
	block [room.BlockSamples]float32

	voice *speaker // the mixer's
	fade  glide
}

func (e *Engine) newSelfTest() (*selfTest, error) {
	enc, err := newOpusEncoder()
	if err != nil {
		return nil, err
	}
	dec, err := e.mix.inbox.newDecoder()
	if err != nil {
		return nil, err
	}
	t := &selfTest{began: time.Now(), out: newSender(enc), voice: newSpeaker(0, dec), fade: holding(1)}
	t.until.Store(int64(testTime))
	t.out.rolls(!e.raw)
	t.out.tune(room.VoicePath{Frame: e.out.path.Load().Frame}) // without copies: nothing is lost
	return t, nil
}

// going is false for nil.
func (t *selfTest) going() bool { return t != nil && int64(time.Since(t.began)) < t.until.Load() }

// hear takes a block of the microphone, and passes on what is a second old. before is the block's power before it was cleaned,
// echo whether the loudspeaker is heard in it.
func (t *selfTest) hear(block []float32, speech bool, before float64, echo bool) {
	copy(t.block[:], block)
	t.hold.process(t.block[:], before, echo)
	for _, f := range t.out.put(t.block[:], speech, false) {
		t.late.put(f)
	}
	t.late.each(func(f room.VoiceFrame) bool {
		if t.out.ts-f.Timestamp < testDelay {
			return false
		}
		t.voice.waiting.put(f)
		return true
	})
}

// play adds the next samples to dst, of the left ones that were asked for. It tells whether anything more will come.
func (t *selfTest) play(now int64, dst []float32, channels int, voice []float32, left int, going bool) (more bool) {
	want := float32(0)
	if going {
		want = 1
	}
	if !t.voice.play(now, voice, left) {
		t.fade = holding(want)
	} else {
		t.fade.apply(voice, 1, want)
		for i := range dst {
			dst[i] += voice[i/channels]
		}
	}
	return going || !t.fade.silent()
}

// hold keeps a voice that is played back into its own microphone from ringing on: where that hears the loudspeaker, what is played
// is no louder than what was heard before any gain, so that a room that makes it quieter makes it ever quieter. Without an
// echo, as with a headset, it changes nothing.
type hold struct {
	before, after float64 // powers, loudest lately
	gain          float64 // dB
}

const holdFall = 0.97 // a block: 15 dB in half a second

func (h *hold) process(block []float32, before float64, echo bool) {
	h.before = max(before, h.before*holdFall)
	h.after = max(power(block), h.after*holdFall)
	want := 0.0
	if echo && h.after > h.before {
		want = 10 * math.Log10(h.before/h.after+1e-12)
	}
	bend(block, h.gain, want)
	h.gain = want
}
