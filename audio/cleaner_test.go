package audio

import (
	"math"
	"math/rand/v2"
	"testing"

	"parley.lan/audio/audiotest"
)

func decibels(ratio float64) float64 { return 10 * math.Log10(ratio+1e-20) }

// run cleans a recording block by block; far is what the loudspeaker plays, nil nothing.
func (c *cleaner) run(mic, far []float64) (out []float64, speech []bool) {
	block, played := make([]float32, cleanBlock), make([]float32, cleanBlock)
	for i := 0; i+cleanBlock <= len(mic); i += cleanBlock {
		for k := range block {
			block[k] = float32(mic[i+k])
		}
		var p []float32
		if far != nil {
			for k := range played {
				played[k] = float32(far[i+k])
			}
			p = played
		}
		speech = append(speech, c.process(block, p))
		out = append(out, wide(block)...)
	}
	return out, speech
}

func testCleaner(t testing.TB) *cleaner {
	t.Helper()
	return newCleaner()
}

// sum is a sample for sample over b, as long as the shorter.
func sum(a, b []float64) []float64 {
	out := make([]float64, min(len(a), len(b)))
	for i := range out {
		out[i] = a[i] + b[i]
	}
	return out
}

func scaled(x []float64, dB float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = v * math.Pow(10, dB/20)
	}
	return out
}

// Whatever a driver delivers, what comes out can be sent, and some seconds later the cleaner works as before.
func TestCleanerHostile(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	noise := func(int) float32 { return float32(random.NormFloat64()) }
	kinds := []struct {
		name        string
		mic, played func(i int) float32
		nothing     func(block int) bool // is played
	}{
		{"NaN", func(int) float32 { return nan }, func(int) float32 { return nan }, nil},
		{"infinite", func(i int) float32 { return inf * float32(1-2*(i%2)) }, func(int) float32 { return -inf }, nil},
		{"huge", func(int) float32 { return 1e30 * noise(0) }, func(int) float32 { return -1e30 }, nil},
		{"constant", func(int) float32 { return 1 }, func(int) float32 { return 1 }, nil},
		{"silent", func(int) float32 { return 0 }, func(int) float32 { return 0 }, nil},
		{"tiny", func(int) float32 { return 1e-40 * noise(0) }, func(int) float32 { return 1e-40 * noise(0) }, nil},
		{"loud noise", noise, noise, nil},
		{"loudspeaker on and off", noise, noise, func(block int) bool { return block/7%2 == 0 }},
		{"silent microphone", func(int) float32 { return 0 }, noise, nil},
	}
	voice, far := wide(speech(t, "long-a"))[:2*48000], wide(speech(t, "long-b"))[:6*48000]
	echo := audiotest.Room{Decay: 0.2, Delay: 20, Level: -6}.Echo(far)
	c := testCleaner(t)
	block, played := make([]float32, cleanBlock), make([]float32, cleanBlock)
	for _, kind := range kinds {
		for n := range 300 {
			for i := range block {
				block[i], played[i] = kind.mic(i), kind.played(i)
			}
			p := played
			if kind.nothing != nil && kind.nothing(n) {
				p = nil
			}
			c.process(block, p)
			for _, v := range block {
				if !(v >= -1 && v <= 1) {
					t.Fatalf("%s: block %d holds %v", kind.name, n, v)
				}
			}
		}
		out, _ := c.run(echo, far)
		const from = 5 * 48000
		if loss := decibels(audiotest.Power(echo[from:]) / audiotest.Power(out[from:])); loss < 15 {
			t.Errorf("%s: five seconds later an echo comes back only %.1f dB quieter", kind.name, loss)
		}
		_, heard := c.run(voice, nil)
		open := 0
		for _, h := range heard {
			if h {
				open++
			}
		}
		if open < len(heard)*3/4 {
			t.Errorf("%s: speech is heard in %d of %d blocks", kind.name, open, len(heard))
		}
	}
}

// A block comes out when it goes in: a click is at its place, and nothing of it before.
func TestCleanerAddsNoDelay(t *testing.T) {
	voice := wide(speech(t, "ada"))
	c := testCleaner(t)
	c.keepLevel = true
	out, _ := c.run(voice, nil)
	best, most := 0, 0.0
	for lag := -48; lag <= 480; lag++ {
		dot := 0.0
		for i := 48000; i < 96000; i++ {
			dot += voice[i] * out[i+lag]
		}
		if dot > most {
			best, most = lag, dot
		}
	}
	if best < -5 || best > 5 {
		t.Errorf("what comes out is %d samples late", best)
	}
}

func TestCleanerAllocatesNothing(t *testing.T) {
	c := testCleaner(t)
	l := &leveller{}
	far := wide(speech(t, "long-b"))[:10*48000]
	mic := audiotest.Room{Decay: 0.2, Delay: 20, Level: -6, Drift: 50}.Echo(far)
	block, played := make([]float32, cleanBlock), make([]float32, cleanBlock)
	at := 0
	if n := testing.AllocsPerRun(1900, func() {
		for i := range block {
			block[i], played[i] = float32(mic[at+i]), float32(far[at+i])
		}
		c.process(block, played)
		l.process(block)
		at += cleanBlock
	}); n != 0 {
		t.Errorf("a block allocates %v times", n)
	}
}

// At worst: the loudspeaker plays all the time.
func BenchmarkCleaner(b *testing.B) {
	for _, playing := range []bool{true, false} {
		name := "nothing played"
		if playing {
			name = "played"
		}
		b.Run(name, func(b *testing.B) {
			c := testCleaner(b)
			random := rand.New(rand.NewPCG(1, 2))
			far := make([]float32, 100*cleanBlock)
			for i := range far {
				far[i] = float32(random.NormFloat64()) * 0.1
			}
			block := make([]float32, cleanBlock)
			at := 0
			b.ReportAllocs()
			for b.Loop() {
				at = (at + cleanBlock) % len(far)
				copy(block, far[at:])
				if playing {
					c.process(block, far[at:at+cleanBlock])
				} else {
					c.process(block, nil)
				}
			}
		})
	}
}
