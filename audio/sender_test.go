package audio

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"parley.lan/room"
)

// fakeEncoder makes packets that are valid and say nothing.
type fakeEncoder struct{}

func (fakeEncoder) encode(pcm []float32, buf []byte) (int, error) { return copy(buf, opus10), nil }

func TestLevel(t *testing.T) {
	for _, c := range []struct {
		pcm  []float32
		want uint8
	}{
		{nil, 127}, {make([]float32, 480), 127}, {tone(480, 48000, 1000, 1), 3}, {tone(480, 48000, 1000, 0.001), 63},
		{[]float32{1, -1, 1, -1}, 0}, {[]float32{2, -2}, 0}, {[]float32{1e-9}, 127},
	} {
		if got := level(c.pcm); got != c.want {
			t.Errorf("level of %d samples is %d, want %d", len(c.pcm), got, c.want)
		}
	}
}

// sent is a frame that a test's sender made in a block.
type sent struct {
	block int
	room.VoiceFrame
}

// says has a sender take n blocks, speech where speech says so, and returns the frames, each the first time. What is spoken is
// loud from 20 ms before it is noticed; all else is silent.
func says(t *testing.T, s *sender, n int, speech func(block int) bool) (frames []sent, packets int) {
	t.Helper()
	loud, silent := tone(room.BlockSamples, 48000, 1000, 0.5), make([]float32, room.BlockSamples)
	for i := range n {
		block := silent
		for k := range 5 {
			if speech(i + k) {
				block = loud
			}
		}
		packet := s.put(block, speech(i), false)
		if packet == nil {
			continue
		}
		packets++
		size := 1
		for j, f := range packet {
			size += room.FrameHead + len(f.Opus)
			if j > 0 && f.Seq-packet[j-1].Seq-1 >= 1<<15 {
				t.Fatalf("block %d: number %d comes after %d", i, f.Seq, packet[j-1].Seq)
			}
			if len(frames) == 0 || int16(f.Seq-frames[len(frames)-1].Seq) > 0 {
				frames = append(frames, sent{i, f})
			}
		}
		if size > room.MaxPacket {
			t.Fatalf("block %d: a packet of %d bytes", i, size)
		}
	}
	return frames, packets
}

func always(int) bool { return true }

// The level gate: half a second of hang-over, then no speech.
func TestGate(t *testing.T) {
	var g gate
	loud, quiet := tone(room.BlockSamples, 48000, 1000, 0.5), tone(room.BlockSamples, 48000, 1000, 0.0005)
	if g.speech(quiet) {
		t.Error("quiet is speech")
	}
	for range 2 {
		if !g.speech(loud) {
			t.Error("loud is no speech")
		}
		n := 0
		for g.speech(quiet) {
			n++
		}
		if want := gateHang/room.BlockSamples - 1; n != want {
			t.Errorf("%d blocks of hang-over, want %d", n, want)
		}
	}
}

// A talkspurt begins with what was said before it was noticed, and ends silent; its clock runs on and its numbers don't.
func TestTalkspurts(t *testing.T) {
	for _, ms5 := range []int{1, 2, 4} { // blocks in a frame
		s := newSender(fakeEncoder{})
		s.tune(room.VoicePath{Frame: time.Duration(ms5) * 5 * time.Millisecond})
		seq, ts := s.seq, s.ts
		frames, _ := says(t, s, 300, func(i int) bool { return i >= 40 && i < 80 || i >= 201 && i < 202 })
		var starts, ends, covered int
		for i, f := range frames {
			if f.Seq != seq+uint16(i) {
				t.Fatalf("frame %d has number %d", i, f.Seq-seq)
			}
			from := int(f.Timestamp-ts) / room.BlockSamples
			to := f.block + 1
			if last := i+1 == len(frames); !last && frames[i+1].Marker || last {
				ends++
				if f.Level != room.LevelSilent {
					t.Errorf("the last frame of a talkspurt has level %d", f.Level)
				}
				covered += to
			} else if f.Level == room.LevelSilent {
				t.Errorf("frame %d is marked silent", i)
			}
			if f.Marker {
				starts++
				covered -= from
				if want := [...]int{40 - 4, 201 - 4}[starts-1]; from != want {
					t.Errorf("talkspurt %d begins at block %d, want %d", starts, from, want)
				}
			}
			if f.PreRoll != (from+ms5 <= 40 || from >= 197 && from+ms5 <= 201) {
				t.Errorf("frame at %d: pre-roll %v", from, f.PreRoll)
			}
		}
		if starts != 2 || ends != 2 || covered != 45+6 {
			t.Errorf("frames of %d blocks: %d starts, %d ends, %d blocks sent", ms5, starts, ends, covered)
		}
	}
}

// The frames' duration changes at once, in mid-talk, and no sample is lost or said twice.
func TestFrameDurationChanges(t *testing.T) {
	s := newSender(sizedEncoder{})
	next := s.ts
	r := rand.New(rand.NewPCG(1, 2))
	loud := tone(room.BlockSamples, 48000, 1000, 0.5)
	seen := map[int]int{}
	for i := range 2000 {
		if i%7 == 0 {
			s.tune(room.VoicePath{Frame: []time.Duration{5, 10, 20}[r.IntN(3)] * time.Millisecond})
		}
		for _, f := range s.put(loud, true, false) {
			n := int(f.Opus[0]) * room.BlockSamples
			if f.Timestamp != next {
				t.Fatalf("block %d: a frame at %d, want %d", i, f.Timestamp, next)
			}
			seen[n]++
			next += uint32(n)
		}
	}
	if len(seen) != 3 {
		t.Errorf("durations seen: %v", seen)
	}
}

// sizedEncoder tells how many blocks it was given.
type sizedEncoder struct{}

func (sizedEncoder) encode(pcm []float32, buf []byte) (int, error) {
	buf[0] = byte(len(pcm) / room.BlockSamples)
	return 1, nil
}

func TestSkippedTimeIsNoPreRoll(t *testing.T) {
	s := newSender(fakeEncoder{})
	says(t, s, 10, func(int) bool { return false })
	s.skip(480)
	ts := s.ts
	frames, _ := says(t, s, 4, always)
	if len(frames) == 0 || frames[0].Timestamp != ts || frames[0].PreRoll {
		t.Errorf("begins with %+v, want time %d", frames, ts)
	}
}

func TestSenderMuted(t *testing.T) {
	s := newSender(fakeEncoder{})
	loud := tone(room.BlockSamples, 48000, 1000, 0.5)
	for range 3 {
		s.put(loud, true, false)
	}
	ts := s.ts
	packet := s.put(loud, true, true)
	if len(packet) == 0 || packet[len(packet)-1].Level != room.LevelSilent {
		t.Fatalf("the first muted block made %+v; want one last silent frame", packet)
	}
	for range 30 {
		if s.put(loud, true, true) != nil {
			t.Error("a muted frame was sent")
		}
	}
	frames, _ := says(t, s, 4, always)
	if len(frames) == 0 || !frames[0].Marker || frames[0].Timestamp != ts+31*room.BlockSamples {
		t.Errorf("after muting: %+v; want a new talkspurt with nothing of what was said before", frames)
	}
}

// fatEncoder fills whatever it is given.
type fatEncoder struct{}

func (fatEncoder) encode(pcm []float32, buf []byte) (int, error) { return len(buf), nil }

// Whatever Opus makes of a frame, what is new always fits; copies are left out.
func TestPacketsHaveASize(t *testing.T) {
	s := newSender(fatEncoder{})
	for _, d := range []time.Duration{5, 10, 20} {
		s.tune(room.VoicePath{Frame: d * time.Millisecond, Loss: 1, Burst: 60})
		before := s.seq
		frames, _ := says(t, s, 400, func(i int) bool { return i%20 > 3 && i < 390 })
		if len(frames) != int(s.seq-before) {
			t.Errorf("%d frames of %d came", len(frames), s.seq-before)
		}
	}
	if s.left == 0 {
		t.Error("everything found room")
	}
}

// What a path may ask: anything.
func TestTuneTakesNonsense(t *testing.T) {
	s := newSender(fakeEncoder{})
	nan := math.NaN()
	for _, p := range []room.VoicePath{
		{Frame: -1, Loss: nan, Burst: nan}, {Frame: 1 << 62, Loss: math.Inf(1), Burst: -1}, {Frame: time.Nanosecond, Loss: -5},
		{Loss: 1, Burst: math.Inf(1)},
	} {
		s.tune(p)
		if frames, _ := says(t, s, 50, always); len(frames) < 20 {
			t.Errorf("%+v: %d frames", p, len(frames))
		}
	}
}

// Copies are earlier frames of the talkspurt as they were, at the offsets of the rung, and none of another talkspurt.
func TestCopies(t *testing.T) {
	s := newSender(&countingEncoder{})
	s.tune(room.VoicePath{Frame: 5 * time.Millisecond, Loss: 0.05, Burst: 1})
	loud := tone(room.BlockSamples, 48000, 1000, 0.5)
	var all []room.VoiceFrame
	for i := range 100 {
		block := loud
		if i%50 < 7 {
			block = make([]float32, room.BlockSamples)
		}
		packet := s.put(block, i%50 > 10, false)
		if packet == nil {
			continue
		}
		newest := packet[len(packet)-1]
		if newest.Marker && len(packet) > 1 {
			t.Fatal("a talkspurt begins with a copy")
		}
		for _, f := range packet {
			f.Opus = slices.Clone(f.Opus)
			if k := slices.IndexFunc(all, func(o room.VoiceFrame) bool { return o.Seq == f.Seq }); k < 0 {
				all = append(all, f)
			} else if !reflect.DeepEqual(all[k], f) {
				t.Fatalf("the copy of %+v is %+v", all[k], f)
			}
		}
		if i == 30 && len(packet) != 3 || i == 30 && (packet[0].Seq != newest.Seq-3 || packet[1].Seq != newest.Seq-1) {
			t.Errorf("in mid-talk a packet has %+v", packet)
		}
		if i == 12 { // the second packet: all of the pre-roll once more
			if len(packet) != 6 {
				t.Errorf("the second packet has %d frames", len(packet))
			}
		}
	}
}

// countingEncoder makes no two frames alike.
type countingEncoder struct{ n byte }

func (e *countingEncoder) encode(pcm []float32, buf []byte) (int, error) {
	e.n++
	return copy(buf, []byte{opus10[0], e.n}), nil
}

func TestSenderAllocatesNothing(t *testing.T) {
	s := newSender(fakeEncoder{})
	s.tune(room.VoicePath{Frame: 5 * time.Millisecond, Loss: 0.2, Burst: 3})
	loud := tone(room.BlockSamples, 48000, 1000, 0.5)
	i := 0
	if n := testing.AllocsPerRun(500, func() { s.put(loud, i%30 > 5, false); i++ }); n != 0 {
		t.Errorf("%v allocations a block", n)
	}
}

// Of what was kept, only what is louder than the pause goes before a talkspurt: the rest would make all of it later.
func TestPreRollBeginsWhereTheWordDoes(t *testing.T) {
	s := newSender(fakeEncoder{})
	s.tune(room.VoicePath{Frame: 5 * time.Millisecond})
	noise, faint, loud := tone(room.BlockSamples, 48000, 400, 0.001), tone(room.BlockSamples, 48000, 400, 0.01), tone(room.BlockSamples, 48000, 400, 0.3)
	for range 100 {
		s.put(noise, false, false)
	}
	if packet := s.put(loud, true, false); len(packet) != 1 || packet[0].PreRoll || !packet[0].Marker {
		t.Errorf("a word out of the pause: %+v", packet)
	}
	s = newSender(fakeEncoder{})
	s.tune(room.VoicePath{Frame: 5 * time.Millisecond})
	for range 100 {
		s.put(noise, false, false)
	}
	ts := s.ts
	s.put(faint, false, false)
	s.put(noise, false, false)
	packet := s.put(loud, true, false)
	if len(packet) != 3 || !packet[0].PreRoll || !packet[1].PreRoll || packet[2].PreRoll || packet[0].Timestamp != ts {
		t.Errorf("a faint beginning: %+v, want three frames from %d on", packet, ts)
	}
}
