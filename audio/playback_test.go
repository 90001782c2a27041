package audio

import (
	"math"
	"testing"

	"parley.lan/room"
)

// Whatever a device wants, in bites of any size, it gets all of the sound in its rate and channels.
func TestLoudspeakerGivesEveryDeviceItsSound(t *testing.T) {
	for _, rate := range []int{48000, 44100, 16000, 96000} {
		for _, channels := range []int{1, 2, 6} {
			at := 0
			pull := func(dst []float32, wide int) {
				for i := 0; i < len(dst); i += wide {
					for c := range wide {
						dst[i+c] = float32(0.5 * math.Sin(2*math.Pi*440*float64(at)/room.SampleRate))
					}
					at++
				}
			}
			l := newLoudspeaker(rate, pull, &budget{})
			var left []float64
			for k := 0; len(left) < rate; k++ {
				out := make([]float32, channels*[]int{0, 1, 441, 64, 2000, 3}[k%6])
				for i := range out {
					out[i] = float32(math.NaN()) // what the driver left there
				}
				l.play(out, channels)
				for i := 0; i < len(out); i += channels {
					left = append(left, float64(out[i]))
					if wide := min(channels, 2); out[i+wide-1] != out[i] || channels == 6 && out[i+5] != 0 {
						t.Fatalf("%d Hz, %d channels: a frame is %v", rate, channels, out[i:i+channels])
					}
				}
			}
			var wrong float64
			var dot, quad float64
			for i, v := range left[rate/2:] {
				s, c := math.Sincos(2 * math.Pi * 440 * float64(i) / float64(rate))
				dot, quad = dot+v*s, quad+v*c
			}
			n := float64(len(left) - rate/2)
			dot, quad = 2*dot/n, 2*quad/n
			for i, v := range left[rate/2:] {
				s, c := math.Sincos(2 * math.Pi * 440 * float64(i) / float64(rate))
				wrong += (v - dot*s - quad*c) * (v - dot*s - quad*c)
			}
			if rms := math.Sqrt(wrong / n); math.Hypot(dot, quad) < 0.49 || rms > 0.002 {
				t.Errorf("%d Hz, %d channels: amplitude %.3f, other than the tone %.5f", rate, channels, math.Hypot(dot, quad), rms)
			}
			if want := float64(len(left)) * room.SampleRate / float64(rate); math.Abs(float64(at)-want) > 2*playBlock {
				t.Errorf("%d Hz, %d channels: took %d samples for %.0f", rate, channels, at, want)
			}
		}
	}
}

// What a driver leaves in a buffer hurts nobody: no channels, no samples, half a frame.
func TestMicrophoneTakesAnything(t *testing.T) {
	wake := make(chan struct{}, 1)
	m := newMicrophone(48000, wake)
	m.hear(nil, 1)
	m.hear([]float32{1}, 0)
	m.hear([]float32{1}, 2)
	if m.len() != 0 || len(wake) != 0 {
		t.Errorf("took %d samples of nothing", m.len())
	}
	m.hear(make([]float32, 2*1000+1), 2)
	if m.len() != 1000 || m.whole() != 960 || len(wake) != 1 {
		t.Errorf("took %d samples of 1000, %d of 960 in blocks, woke %d", m.len(), m.whole(), len(wake))
	}
	m.closed.Store(true)
	m.hear(make([]float32, 100), 1)
	if m.len() != 1000 {
		t.Error("hears after its end")
	}
}
