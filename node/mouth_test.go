package node

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"parley.lan/room"
)

// TestMouthIsOneStream: what the microphone and a speech send in turn is numbered as from one speaker, whose clock goes on
// with the time, and no number means two frames.
func TestMouthIsOneStream(t *testing.T) {
	var m mouth
	now := time.Now()
	var sent []room.VoiceFrame
	seen := map[uint16]uint32{}
	put := func(from source, seq uint16, ts uint32, copies int) {
		var packet []room.VoiceFrame
		for i := copies; i >= 0; i-- {
			packet = append(packet, room.VoiceFrame{Seq: seq - uint16(i), Timestamp: ts - uint32(480*i)})
		}
		given := slices.Clone(packet)
		out := m.renumber(from, packet, now)
		for i := range given {
			if given[i].Seq != packet[i].Seq || given[i].Timestamp != packet[i].Timestamp {
				t.Fatal("the caller's frames were changed")
			}
		}
		for _, f := range out {
			if at, ok := seen[f.Seq]; ok && at != f.Timestamp {
				t.Fatalf("number %d is two frames, at %d and %d", f.Seq, at, f.Timestamp)
			}
			seen[f.Seq] = f.Timestamp
		}
		sent = append(sent, out[len(out)-1])
		now = now.Add(10 * time.Millisecond)
	}
	for i := range 100 {
		put(microphone, uint16(65500+i), uint32(480*i), 2)
	}
	for i := range 40000 { // over the wrap of sequence numbers
		put(speech, uint16(7+i), uint32(1<<31+480*i), 1)
	}
	for i := range 100 {
		put(microphone, uint16(65600+i), uint32(99+480*i), 2)
	}
	for i := 1; i < len(sent); i++ {
		a, b := sent[i-1], sent[i]
		if b.Seq != a.Seq+1 || b.Timestamp-a.Timestamp-475 > 10 {
			t.Fatalf("frame %d: %d at %d, after %d at %d", i, b.Seq, b.Timestamp, a.Seq, a.Timestamp)
		}
		if turn := i == 100 || i == 40100; b.Marker != turn {
			t.Errorf("frame %d: marker %v", i, b.Marker)
		}
	}
	if sent[0].Seq != 65500 || sent[0].Timestamp != 0 {
		t.Error("the microphone alone is renumbered")
	}
	if got := m.frame.Load(); got != 480 {
		t.Errorf("a frame of %d samples", got)
	}
}

// TestTap: in order, the oldest lost when nobody takes them, and without allocating.
func TestTap(t *testing.T) {
	p := newPipes()
	s := &speaker{Member: room.Member{Name: "Ada"}}
	f := room.VoiceFrame{Opus: make([]byte, 100)}
	if n := testing.AllocsPerRun(100, func() { p.overhear(s, f) }); n != 0 {
		t.Errorf("%v allocations without a tap", n)
	}
	tap := p.tap(true)
	if !p.recording() {
		t.Error("nobody records")
	}
	if n := testing.AllocsPerRun(100, func() { p.overhear(s, f) }); n != 0 {
		t.Errorf("%v allocations with one", n)
	}
	for i := range tapSize + 3 {
		f.Seq = uint16(i)
		p.overhear(s, f)
	}
	var buf [room.MaxOpus]byte
	for i := range tapSize {
		h, err := tap.Next(t.Context(), &buf)
		if err != nil || h.Frame.Seq != uint16(i+3) || h.From.Name != "Ada" || h.Lost < 3 {
			t.Fatalf("%+v, %v, want %d", h, err, i+3)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := tap.Next(ended, &buf); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	tap.Close()
	tap.Close()
	if p.recording() || len(*p.taps.Load()) != 0 {
		t.Error("a closed tap goes on")
	}
}

// TestSpeechTakesTheWord: while it lasts the microphone is not sent.
func TestSpeechTakesTheWord(t *testing.T) {
	p := newPipes()
	var sent int
	s, err := p.speak(func([]room.VoiceFrame) { sent++ })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.speak(nil); !errors.Is(err, ErrSpeaking) {
		t.Errorf("a second speech: %v", err)
	}
	s.Send([]room.VoiceFrame{{Opus: []byte{1}}})
	n := &Node{pipes: p}
	n.speak([]room.VoiceFrame{{Opus: []byte{1}}}) // would panic without connections, had it the word
	s.Close()
	if sent != 1 {
		t.Errorf("%d packets sent", sent)
	}
}
