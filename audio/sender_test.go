package audio

import (
	"testing"

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

// Half a second of hang-over, then nothing; the clock runs on and the numbers don't.
func TestSenderGate(t *testing.T) {
	s := newSender(fakeEncoder{})
	loud, quiet := tone(480, 48000, 1000, 0.5), tone(480, 48000, 1000, 0.0005)
	first, ts := s.seq, s.ts
	type sent struct {
		at     int
		marker bool
	}
	var got []sent
	for i := range 300 {
		pcm := quiet
		if i == 10 || i == 200 {
			pcm = loud
		}
		f, ok := s.next(pcm, false)
		if !ok {
			continue
		}
		if f.Seq != first+uint16(len(got)) || f.Timestamp != ts+uint32(i*480) {
			t.Fatalf("frame %d has number %d and time %d", i, f.Seq-first, f.Timestamp-ts)
		}
		got = append(got, sent{i, f.Marker})
	}
	if len(got) != 2*(1+gateFrames) || got[0] != (sent{10, true}) || got[1] != (sent{11, false}) ||
		got[gateFrames] != (sent{10 + gateFrames, false}) || got[gateFrames+1] != (sent{200, true}) {
		t.Errorf("sent %v", got)
	}
}

func TestSenderMuted(t *testing.T) {
	s := newSender(fakeEncoder{})
	loud := tone(480, 48000, 1000, 0.5)
	s.next(loud, false)
	f, ok := s.next(loud, true)
	if !ok || f.Level != room.LevelSilent {
		t.Errorf("the first muted frame: sent %v, level %d; want one last silent frame", ok, f.Level)
	}
	for range 3 {
		if _, ok := s.next(loud, true); ok {
			t.Error("a muted frame was sent")
		}
	}
	if f, ok := s.next(loud, false); !ok || !f.Marker {
		t.Error("no new talkspurt after muting")
	}
}
