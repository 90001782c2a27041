package audio

import (
	"fmt"
	"testing"

	"parley.lan/audio/audiotest"
)

// Echo return loss of the whole cleaner and of its canceller alone, and what is left of a voice over the echo. The second
// half of each recording is what counts; how fast the echo goes is seen in the third second.
func TestLabEcho(t *testing.T) {
	type scene struct {
		audiotest.Room
		loss, voice, quick float64 // goals: dB, ESTOI, dB; 0: none
	}
	scenes := []scene{
		{audiotest.Room{Decay: 0.2, Delay: 20, Level: -6}, 35, 0, 20},
		{audiotest.Room{Decay: 0.4, Delay: 150, Level: 0}, 26, 0.87, 20},
		{audiotest.Room{Decay: 0.2, Delay: 20, Level: -6, Clip: true}, 17, 0, 0},
		{audiotest.Room{Decay: 0.2, Delay: 20, Level: -6, Drift: 100}, 25, 0, 0},
	}
	seconds := 10
	if audiotest.Lab() {
		seconds = 36
		scenes = nil
		for _, room := range []audiotest.Room{{Decay: 0.2, Level: -6}, {Decay: 0.4, Level: 0}} {
			goal := map[float64]float64{0.2: 35, 0.4: 26}[room.Decay]
			for _, room.Delay = range []float64{5, 40, 150} {
				scenes = append(scenes, scene{room, goal, 0.87, 20})
			}
			clips := room
			clips.Delay, clips.Clip = 20, true
			scenes = append(scenes, scene{clips, 17, 0.87, 0})
			room.Delay = 40
			for _, room.Drift = range []float64{20, 100, -100} {
				scenes = append(scenes, scene{room, 25, 0.87, 0})
			}
		}
	}
	near, far := wide(speech(t, "long-a")), wide(speech(t, "long-b"))
	n := min(seconds*48000, len(near), len(far)) / cleanBlock * cleanBlock
	near, far = near[:n], far[:n]
	for _, s := range scenes {
		echo := s.Echo(far)
		loss := func(out []float64, from, to int) float64 {
			return decibels(audiotest.Power(echo[from:to]) / audiotest.Power(out[from:to]))
		}
		out, _ := testCleaner(t).run(echo, far)
		whole, quick := loss(out, n/2, n), loss(out, 2*48000, 3*48000)
		c := testCleaner(t)
		c.keepNoise = true
		out, _ = c.run(echo, far)
		alone := loss(out, n/2, n)

		what := fmt.Sprintf("Echo: RT60 %.1f s, %3.0f ms, %2.0f dB", s.Decay, s.Delay, s.Level)
		if s.Clip {
			what += ", clipping"
		}
		if s.Drift != 0 {
			what += fmt.Sprintf(", clocks %+.0f ppm apart", s.Drift)
		}
		goal := fmt.Sprintf("loss ≥ %.0f dB", s.loss)
		seen := fmt.Sprintf("%.1f dB (canceller alone %.1f), in the third second %.1f", whole, alone, quick)
		if whole < s.loss {
			t.Errorf("%s: echo return loss is %.1f dB", what, whole)
		}
		if s.Drift != 0 && alone < 20 { // the suppressor would hide clocks that aren't followed
			t.Errorf("%s: echo return loss of the canceller alone is %.1f dB", what, alone)
		}
		if quick < s.quick {
			t.Errorf("%s: echo return loss in the third second is %.1f dB", what, quick)
		}
		if s.voice > 0 {
			mic := sum(echo, near)
			out, _ := testCleaner(t).run(mic, far)
			before, after := audiotest.ESTOI(near[n/2:], mic[n/2:], 48000), audiotest.ESTOI(near[n/2:], out[n/2:], 48000)
			goal += fmt.Sprintf(", voice ≥ %.2f", s.voice)
			seen += fmt.Sprintf("; voice over it %.3f → %.3f", before, after)
			if after < s.voice {
				t.Errorf("%s: the voice over the echo comes out with ESTOI %.3f", what, after)
			}
		}
		audiotest.Report(t, what, goal, "%s", seen)
	}
}

// The echo's delay is found up to 400 ms, and again when it jumps.
func TestEchoDelayJumps(t *testing.T) {
	far := wide(speech(t, "long-b"))[:10*48000]
	const jump = 5 * 48000
	for _, delays := range [][2]float64{{60, 310}, {310, 60}} {
		echo := audiotest.Room{Decay: 0.2, Delay: delays[0], Level: -6}.Echo(far)
		copy(echo[jump:], audiotest.Room{Decay: 0.2, Delay: delays[1], Level: -6}.Echo(far)[jump:])
		c := testCleaner(t)
		c.keepNoise = true
		out, _ := c.run(echo, far)
		for _, to := range []int{jump, len(echo)} {
			from := to - 48000
			if loss := decibels(audiotest.Power(echo[from:to]) / audiotest.Power(out[from:to])); loss < 15 {
				t.Errorf("%v ms: the canceller alone takes away %.1f dB in the second before %d s", delays, loss, to/48000)
			}
		}
	}
}

// Who wears a headset is heard as if nothing were played, and the clocks are left alone.
func TestHeadset(t *testing.T) {
	near, far := wide(speech(t, "long-a"))[:10*48000], wide(speech(t, "long-b"))[:10*48000]
	mic := sum(near, audiotest.White.Behind(near, 40))
	c := testCleaner(t)
	c.keepNoise = true
	out, _ := c.run(mic, far)
	if is := audiotest.ESTOI(mic, out, 48000); is < 0.98 {
		t.Errorf("the canceller alone changes a voice without echo to ESTOI %.3f", is)
	}
	if ppm := c.echo.clock.ppm; ppm < -20 || ppm > 20 {
		t.Errorf("the clocks are thought to be %.0f ppm apart", ppm)
	}
}
