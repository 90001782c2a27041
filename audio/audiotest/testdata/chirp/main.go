//go:build cgo

// Command chirp measures sound's way out of the machine and back in: it plays a chirp every so often on one sound device,
// listens on another, and prints for each chirp after how many milliseconds it came back, or "lost". On one device for both
// (-duplex) it counts samples, and is exact; on two it goes by the clock.
package main

import (
	"flag"
	"fmt"
	"log"
	"math"
	"strings"
	"time"

	"github.com/gordonklaus/portaudio"
)

const (
	rate = 48000
	warm = 2 // seconds at the start that don't count
	seen = 0.4
)

var (
	in      = flag.String("in", "ALSA default", "microphone: words of its sound system's and its own name")
	out     = flag.String("out", "ALSA default", "loudspeaker")
	duplex  = flag.Bool("duplex", false, "one stream for both")
	latency = flag.Duration("latency", 10*time.Millisecond, "asked of each device")
	frames  = flag.Int("frames", 240, "samples in a callback")
	every   = flag.Duration("every", 500*time.Millisecond, "from chirp to chirp; no delay may be longer")
	count   = flag.Int("count", 20, "chirps")
)

func main() {
	flag.Parse()
	if err := portaudio.Initialize(); err != nil {
		log.Fatal(err)
	}
	defer portaudio.Terminate()
	r := newRig(int(every.Seconds() * rate))
	mic := portaudio.StreamDeviceParameters{Device: device(*in, true), Channels: 1, Latency: *latency}
	spk := portaudio.StreamDeviceParameters{Device: device(*out, false), Channels: 1, Latency: *latency}
	p := portaudio.StreamParameters{SampleRate: rate, FramesPerBuffer: *frames}
	var streams []*portaudio.Stream
	open := func(p portaudio.StreamParameters, callback any) {
		s, err := portaudio.OpenStream(p, callback)
		if err != nil {
			log.Fatal(err)
		}
		streams = append(streams, s)
	}
	if *duplex {
		p.Input, p.Output = mic, spk
		open(p, func(in, out []float32) { r.hear(in); r.play(out) })
	} else {
		listen, speak := p, p
		listen.Input, speak.Output = mic, spk
		open(listen, r.hear)
		open(speak, r.play)
	}
	for _, s := range streams {
		if err := s.Start(); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("ready")
	time.Sleep(warm*time.Second + time.Duration(*count+1)**every)
	for _, s := range streams {
		s.Abort()
		s.Close()
	}
	for k := warm * rate / r.period; k < warm*rate/r.period+*count; k++ {
		if delay, ok := r.delay(k*r.period, *duplex); ok {
			fmt.Printf("%.3f\n", delay)
		} else {
			fmt.Println("lost")
		}
	}
}

// device finds the first one with channels whose sound system's and own name have all of the words.
func device(words string, input bool) *portaudio.DeviceInfo {
	all, err := portaudio.Devices()
	if err != nil {
		log.Fatal(err)
	}
next:
	for _, d := range all {
		if input && d.MaxInputChannels == 0 || !input && d.MaxOutputChannels == 0 {
			continue
		}
		for _, w := range strings.Fields(words) {
			if !strings.Contains(d.HostApi.Name+" "+d.Name, w) {
				continue next
			}
		}
		return d
	}
	log.Fatalf("no device %q", words)
	return nil
}

// rig is what the callbacks share; each has its own half.
type rig struct {
	chirp  []float32
	period int // samples from chirp to chirp

	played  int
	playing []stamp
	heard   []float32
	hearing []stamp
}

// stamp says when a callback came whose buffer begins at a sample's number.
type stamp struct {
	at   int
	when time.Time
}

func newRig(period int) *rig {
	const n = rate / 50
	r := &rig{chirp: make([]float32, n), period: period}
	for i := range r.chirp { // from 500 Hz to 6 kHz in 20 ms
		t := float64(i) / rate
		window := 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/(n-1))
		r.chirp[i] = float32(0.5 * window * math.Sin(2*math.Pi*(500*t+5500*t*t/(2*float64(n)/rate))))
	}
	most := (warm+5)*rate + (*count+2)*period
	r.heard = make([]float32, 0, most)
	r.playing, r.hearing = make([]stamp, 0, most/16), make([]stamp, 0, most/16)
	return r
}

func (r *rig) hear(in []float32) {
	if len(r.heard)+len(in) > cap(r.heard) || len(r.hearing) == cap(r.hearing) {
		return
	}
	r.hearing = append(r.hearing, stamp{len(r.heard), time.Now()})
	r.heard = append(r.heard, in...)
}

func (r *rig) play(out []float32) {
	if len(r.playing) < cap(r.playing) {
		r.playing = append(r.playing, stamp{r.played, time.Now()})
	}
	for i := range out {
		out[i] = 0
		if k := (r.played + i) % r.period; k < len(r.chirp) {
			out[i] = r.chirp[k]
		}
	}
	r.played += len(out)
}

// delay finds in ms how much later the chirp was heard whose first sample was the played'th.
func (r *rig) delay(played int, exact bool) (float64, bool) {
	from, spoken := played, time.Time{}
	if !exact {
		spoken = last(r.playing, func(s stamp) bool { return s.at <= played }).when
		from = last(r.hearing, func(s stamp) bool { return s.when.Before(spoken) }).at
	}
	var energy float64
	for _, v := range r.chirp {
		energy += float64(v) * float64(v)
	}
	best, at := 0.0, 0
	for i := from; i < from+r.period && i+len(r.chirp) <= len(r.heard); i++ {
		var dot, own float64
		for k, v := range r.heard[i : i+len(r.chirp)] {
			dot += float64(v) * float64(r.chirp[k])
			own += float64(v) * float64(v)
		}
		if c := math.Abs(dot) / math.Sqrt(energy*own+1e-6); c > best {
			best, at = c, i
		}
	}
	if best < seen {
		return 0, false
	}
	if exact {
		return 1000 * float64(at-played) / rate, true
	}
	came := last(r.hearing, func(s stamp) bool { return s.at <= at })
	return 1000 * came.when.Sub(spoken).Seconds(), true
}

func last(all []stamp, ok func(stamp) bool) (found stamp) {
	for _, s := range all {
		if ok(s) {
			found = s
		}
	}
	return found
}
