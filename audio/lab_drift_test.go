package audio

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"testing"

	"parley.lan/audio/audiotest"
	"parley.lan/room"
)

// toneDecoder plays a tone of 1 kHz: each packet says which piece of it.
type toneDecoder struct{}

func (toneDecoder) decode(packet []byte, pcm []float32) (int, error) {
	at := int(binary.LittleEndian.Uint32(packet[1:])) * labFrame
	for i := range labFrame {
		pcm[i] = toneTable[(at+i)%len(toneTable)]
	}
	return labFrame, nil
}

func (toneDecoder) conceal(pcm []float32) error { clear(pcm); return nil }

var toneTable = tone(48, 48000, 1000, toneLoud)

const toneLoud = 0.5

// drifting is what was heard of a tone whose clock runs by ppm slower than the listener's.
type drifting struct {
	underruns float64 // ms concealed
	off       float64 // most that the delay from speaker to listener differed from its mean, for what it is to be doesn't change, ms
	click     float64 // most that a sample differed from what a tone's next one must be, part of its amplitude
	delay     float64 // mean, added to the fastest way, ms
}

func drift(ppm float64, seconds, ask int, jitter float64) drifting {
	const warm = 30 * room.SampleRate
	m := newMixer(func() (decoder, error) { return toneDecoder{}, nil }, slog.New(slog.DiscardHandler))
	r := rand.New(rand.NewPCG(uint64(ask), 3))
	next := func(i int) float64 {
		return float64(i+1)*labFrame*(1+ppm*1e-6) + 300 + jitter*ms*r.Float64()
	}
	buf := make([]float32, ask)
	packet := make([]byte, 5)
	packet[0] = opus5[0]
	i, at := 0, next(0)
	var before, last, least, most float64
	var d drifting
	made := uint64(0)
	blocks := 0
	turn := 2 * math.Cos(2*math.Pi*1000/48000)
	for m.now < int64(seconds)*room.SampleRate {
		for float64(m.now) >= at {
			binary.LittleEndian.PutUint32(packet[1:], uint32(i))
			m.inbox.put(room.VoiceFrame{Seq: uint16(i), Timestamp: uint32(i * labFrame), Level: 20, Opus: packet})
			i++
			at = max(at, next(i))
		}
		m.mix(buf, 1)
		for _, v := range buf {
			v := float64(v)
			if m.now > warm {
				d.click = max(d.click, math.Abs(v-turn*last+before)/toneLoud)
			}
			before, last = last, v
		}
		if i == 0 {
			continue
		}
		b := &m.inbox.all()[0].jitter
		if m.now <= warm {
			made = b.made
			continue
		}
		const middle = 1 << 40
		delay := (float64(b.delay+b.delays.base+middle) - float64(m.now)*ppm*1e-6 - labFrame - 300) / ms
		if blocks == 0 {
			least, most = delay, delay
		}
		least, most = min(least, delay), max(most, delay)
		d.delay += delay
		blocks++
	}
	d.underruns = float64(m.inbox.all()[0].jitter.made-made) / ms
	d.delay /= float64(blocks)
	d.off = max(most-d.delay, d.delay-least)
	return d
}

// An hour of a tone with clocks 200 ppm apart: a frame that is missing, a jump or a click would each break its line.
func TestLabDrift(t *testing.T) {
	seconds := 150
	if audiotest.Lab() {
		seconds = 3600
	}
	for _, ppm := range []float64{-200, 200} {
		for _, c := range []struct {
			ask    int
			jitter float64
		}{{120, 1}, {480, 1}, {240, 0}} {
			d := drift(ppm, seconds, c.ask, c.jitter)
			audiotest.Report(t, fmt.Sprintf("drift, %d s at %+.0f ppm, jitter %.0f ms, %d samples at once", seconds, ppm, c.jitter, c.ask),
				"no under-run, no click, ±3 ms", "%.1f ms concealed, worst step %.0f dB, off by %.1f ms at most, delay %.1f ms",
				d.underruns, 20*math.Log10(d.click), d.off, d.delay)
			if d.underruns > 0 || d.click > 0.003 || d.off > 3 {
				t.Errorf("%+v ppm: %+v", ppm, d)
			}
		}
	}
}
