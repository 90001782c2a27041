package audio

import (
	"encoding/binary"
	"math/rand/v2"
	"sort"
	"testing"

	"parley.lan/room"
)

// arrival is a frame and when it comes, in samples of the listener's clock.
type arrival struct {
	at int64
	f  room.VoiceFrame
}

// opus10 is a valid 10 ms CELT packet as far as its table of contents goes.
var opus10 = []byte{30 << 3, 1, 2, 3}

// talk is n frames of 10 ms that need delay(i) samples each on their way.
func talk(n int, delay func(i int) int64) []arrival {
	all := make([]arrival, n)
	for i := range all {
		all[i] = arrival{
			at: int64(i)*room.FrameSamples + 5000 + delay(i),
			f:  room.VoiceFrame{Seq: uint16(65000 + i), Timestamp: uint32(i*room.FrameSamples) - 77, Level: 20, Opus: opus10},
		}
	}
	all[n-1].f.Level = room.LevelSilent // so that what follows is a pause
	return all
}

func steady(int) int64 { return 0 }

// heard is what a listener would have got.
type heard struct {
	order     []uint16  // sequence numbers as they were played
	concealed int       // frames' worth of concealment
	delays    []float64 // of each frame played, over the fastest, ms
	at        []int64   // when each was played
}

// listen plays arrivals in virtual time, 2.5 ms at a time, and stretches and resamples as well as one could.
func listen(b *jitterBuffer, all []arrival) heard {
	sort.SliceStable(all, func(i, j int) bool { return all[i].at < all[j].at })
	var h heard
	concealed, owed := 0, 0.0
	pos := int64(0)
	end := all[len(all)-1].at + room.SampleRate/2
	for now := int64(0); now < end; now += mixBlock {
		for len(all) > 0 && all[0].at <= now {
			b.put(now, all[0].f)
			all = all[1:]
		}
		for pos = max(pos, now); pos < now+mixBlock; {
			s := b.next(pos, int(now+mixBlock-pos))
			switch s.do {
			case playSilence:
				if s.samples == 0 {
					pos = now + mixBlock
				}
				pos += int64(min(s.samples, int(now+mixBlock-pos)))
				continue
			case playConceal:
				concealed += s.samples
			case playFrame:
				h.order = append(h.order, uint16(s.frame.seq))
				h.delays = append(h.delays, float64(b.delay)/ms)
				h.at = append(h.at, pos)
				if s.adjust > 0 {
					pos += int64(min(s.adjust, s.samples/2))
				} else if s.must {
					pos -= int64(min(-s.adjust, s.samples/2))
				} else if s.adjust < 0 {
					pos -= concealStep // speech allows one pitch period now and then
				}
			}
			if b.clock.on {
				owed -= float64(s.samples) * b.clock.ppm() * 1e-6
				pos += int64(owed)
				owed -= float64(int64(owed))
			}
			pos += int64(s.samples)
		}
	}
	h.concealed = (concealed + room.FrameSamples - 1) / room.FrameSamples
	return h
}

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

func inOrder(t *testing.T, h heard) {
	t.Helper()
	for i := 1; i < len(h.order); i++ {
		if int16(h.order[i]-h.order[i-1]) <= 0 {
			t.Fatalf("frame %d was played after %d", h.order[i], h.order[i-1])
		}
	}
}

func TestJitterBufferOnAPerfectLine(t *testing.T) {
	var b jitterBuffer
	h := listen(&b, talk(2000, steady))
	inOrder(t, h)
	if len(h.order) != 2000 || h.concealed != 0 || b.counters.Lost+b.counters.Late != 0 {
		t.Errorf("played %d of 2000, %d concealed, %+v", len(h.order), h.concealed, b.counters)
	}
	if last := mean(h.delays[1000:]); last > 0.5 {
		t.Errorf("adds %.1f ms where nothing jitters", last)
	}
}

// Delay added and frames too late, with arrivals spread evenly over a range (the goals are those of a LAN, of
// Wi-Fi and of bad Wi-Fi).
func TestJitterBufferFollowsTheJitter(t *testing.T) {
	for _, c := range []struct {
		spread   int64 // ms
		delay    float64
		latePart float64
	}{{0, 0.5, 0.001}, {5, 6, 0.003}, {20, 22, 0.003}, {60, 63, 0.003}} {
		r := rand.New(rand.NewPCG(7, uint64(c.spread)))
		var b jitterBuffer
		h := listen(&b, talk(6000, func(int) int64 { return r.Int64N(c.spread*ms + 1) }))
		inOrder(t, h)
		added := mean(h.delays[2000:])
		late := float64(b.counters.Late) / 6000
		t.Logf("%2d ms of jitter: %.1f ms added, %.2f %% late, measured jitter %.1f ms", c.spread, added, 100*late, b.jitter/ms)
		if added > c.delay || late > c.latePart || b.counters.Lost != 0 {
			t.Errorf("%d ms of jitter: %.1f ms added, want at most %.0f; late %.3f, want at most %.3f; lost %d",
				c.spread, added, c.delay, late, c.latePart, b.counters.Lost)
		}
	}
}

func TestJitterBufferReordersAndDropsDuplicates(t *testing.T) {
	all := talk(500, steady)
	for i := 3; i+1 < len(all); i += 10 {
		all[i].at, all[i+1].at = all[i+1].at-ms, all[i].at+ms // each pair the wrong way round
	}
	for i := 0; i < 500; i += 7 {
		all = append(all, arrival{all[i].at + int64(i%3)*900, all[i].f}, arrival{all[i].at + 40*ms, all[i].f})
	}
	var b jitterBuffer
	h := listen(&b, all)
	inOrder(t, h)
	if b.counters.Received != 500 || b.counters.Lost != 0 || len(h.order) < 495 {
		t.Errorf("played %d, %+v; want 500 received, none lost", len(h.order), b.counters)
	}
}

func TestJitterBufferCountsLossAndConcealsIt(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 5))
	var kept []arrival
	for i, a := range talk(3000, steady) {
		if i == 0 || i == 2999 || r.IntN(100) >= 5 {
			kept = append(kept, a)
		}
	}
	var b jitterBuffer
	h := listen(&b, kept)
	inOrder(t, h)
	lost := uint64(3000 - len(kept))
	if b.counters.Lost != lost || b.counters.Late != 0 || len(h.order) != len(kept) {
		t.Errorf("lost %d, late %d, played %d; want %d, 0, %d", b.counters.Lost, b.counters.Late, len(h.order), lost, len(kept))
	}
	if uint64(h.concealed) < lost || uint64(h.concealed) > lost+8 {
		t.Errorf("%d frames concealed for %d lost", h.concealed, lost)
	}
}

func TestJitterBufferCountsALateFrameOnce(t *testing.T) {
	all := talk(500, steady)
	all[250].at += 300 * ms
	var b jitterBuffer
	h := listen(&b, all)
	inOrder(t, h)
	if c := b.counters; c.Late != 1 || c.Lost != 0 || c.Received != 500 || len(h.order) != 499 {
		t.Errorf("played %d, %+v; want one late and none lost", len(h.order), c)
	}
}

// A second of nothing, then all of it at once: what was concealed is not played later, and the delay comes back.
func TestJitterBufferForgetsAStall(t *testing.T) {
	var b jitterBuffer
	h := listen(&b, talk(2000, func(i int) int64 {
		if i >= 1000 && i < 1100 {
			return int64(1100-i) * room.FrameSamples
		}
		return 0
	}))
	inOrder(t, h)
	if after := mean(h.delays[len(h.delays)-400:]); after > 5 {
		t.Errorf("%.1f ms of delay 5 s after the stall", after)
	}
	if len(h.order) < 1895 || h.concealed > 12 {
		t.Errorf("played %d of 1900, %d concealed", len(h.order), h.concealed)
	}
}

// The path takes 150 ms more from now on: speech is back within a second and nothing more is lost later.
func TestJitterBufferFollowsASlowerPath(t *testing.T) {
	var b jitterBuffer
	h := listen(&b, talk(4000, func(i int) int64 {
		if i >= 1000 {
			return 150 * ms
		}
		return 0
	}))
	inOrder(t, h)
	if missed := 4000 - len(h.order); missed > 60 {
		t.Errorf("%d frames missed when the path became slower", missed)
	}
	if after := mean(h.delays[len(h.delays)-400:]); after > 6 {
		t.Errorf("%.1f ms added on the slower path", after)
	}
}

// Clocks 200 ppm apart for ten minutes: a millisecond every five seconds, made good before anything is missed.
func TestJitterBufferFollowsDrift(t *testing.T) {
	for _, ppm := range []int64{-200, 200} {
		var b jitterBuffer
		h := listen(&b, talk(60000, func(i int) int64 { return int64(i) * room.FrameSamples * ppm / 1e6 }))
		inOrder(t, h)
		if len(h.order) < 59990 || h.concealed > 10 {
			t.Errorf("%d ppm: played %d of 60000, %d concealed", ppm, len(h.order), h.concealed)
		}
		if d := mean(h.delays[10000:]); d > 7 {
			t.Errorf("%d ppm: %.1f ms added", ppm, d)
		}
	}
}

// A talkspurt's end is no loss, and its next beginning is not cut.
func TestJitterBufferWaitsThroughPauses(t *testing.T) {
	var all []arrival
	for i, a := range talk(1000, steady) {
		pause := int64(i / 100)
		a.at += pause * 24000
		a.f.Timestamp += uint32(pause * 24000)
		a.f.Marker = i%100 == 0
		if i%100 >= 50 {
			a.f.Level = 70 // the hang-over
		}
		all = append(all, a)
	}
	var b jitterBuffer
	h := listen(&b, all)
	inOrder(t, h)
	if len(h.order) != 1000 || h.concealed != 0 || b.counters.Lost != 0 || b.counters.Late != 0 {
		t.Errorf("played %d of 1000, %d concealed, %+v", len(h.order), h.concealed, b.counters)
	}
	// The pauses last as long here as they did there, but for what the delay shrank.
	if took, want := h.at[999]-h.at[0], int64(999*480+9*24000); took < want-10*ms || took > want+10*ms {
		t.Errorf("took %d samples, want %d", took, want)
	}
}

// A speaker that starts anew with other numbers is heard again at once; a single stray frame changes nothing.
func TestJitterBufferTellsAStrayFromANewStream(t *testing.T) {
	all := talk(300, steady)
	all = append(all, arrival{all[100].at + 5, room.VoiceFrame{Seq: 12345, Timestamp: 99, Opus: opus10}})
	for i, a := range talk(300, steady) {
		a.at += 300*room.FrameSamples + 7000
		a.f.Seq += 20000
		a.f.Timestamp += 1 << 31
		_ = i
		all = append(all, a)
	}
	var b jitterBuffer
	h := listen(&b, all)
	if len(h.order) != 599 { // the first of the new stream only raises suspicion
		t.Errorf("played %d, want 599", len(h.order))
	}
}

func TestJitterBufferTakesAnyFrameDuration(t *testing.T) {
	for _, config := range []byte{28, 29, 30, 31, 2, 3} { // CELT 2.5, 5, 10, 20 ms; SILK 40, 60 ms
		packet := []byte{config << 3, 0}
		n, err := packetSamples(packet)
		if err != nil {
			t.Fatal(err)
		}
		var all []arrival
		for i := range 200 {
			all = append(all, arrival{int64(i * n), room.VoiceFrame{Seq: uint16(i), Timestamp: uint32(i * n), Level: 20, Opus: packet}})
		}
		all[199].f.Level = room.LevelSilent
		var b jitterBuffer
		if h := listen(&b, all); len(h.order) != 200 || h.concealed > 0 {
			t.Errorf("frames of %d samples: played %d of 200, %d concealed", n, len(h.order), h.concealed)
		}
	}
}

// Whatever comes, next gives an answer that leads on, and numbers stay sane.
func FuzzJitterBuffer(f *testing.F) {
	f.Add([]byte("a few frames of 12 bytes each, whatever they may mean to the buffer"))
	f.Add(make([]byte, 600))
	f.Fuzz(func(t *testing.T, script []byte) {
		var b jitterBuffer
		now := int64(0)
		for ; len(script) >= 12; script = script[12:] {
			seq, ts := binary.LittleEndian.Uint16(script), binary.LittleEndian.Uint32(script[2:])
			if script[6]&1 == 0 { // near the last one
				seq, ts = uint16(b.high.seq)+seq%300, uint32(b.high.ts)+ts%5000
			}
			b.put(now, room.VoiceFrame{Seq: seq, Timestamp: ts, Level: script[7], Opus: script[8:10]})
			end := now + int64(script[10])*int64(script[11])
			for steps := 0; now < end; steps++ {
				s := b.next(now, int(end-now))
				if s.samples < 0 || s.samples > maxDecoded && s.do != playSilence || steps > 1+int(end) {
					t.Fatalf("step %+v", s)
				}
				if s.do == playSilence && s.samples == 0 {
					break
				}
				if s.do != playSilence && s.samples == 0 {
					t.Fatalf("nothing to play: %+v", s)
				}
				now += int64(s.samples)
			}
			now = max(now, end)
		}
		c := b.stats()
		if c.Lost > 1<<40 || c.Late > c.Received || c.JitterMS < 0 {
			t.Fatalf("%+v", c)
		}
	})
}

func TestPacketSamples(t *testing.T) {
	for _, c := range []struct {
		packet []byte
		want   int // 0: refused
	}{
		{nil, 0}, {[]byte{30 << 3}, 480}, {[]byte{28 << 3}, 120}, {[]byte{3 << 3}, 2880}, {[]byte{12 << 3}, 480},
		{[]byte{31<<3 | 1}, 1920}, {[]byte{31<<3 | 3}, 0}, {[]byte{31<<3 | 3, 6}, 5760}, {[]byte{31<<3 | 3, 7}, 0},
		{[]byte{31<<3 | 3, 0}, 0}, {[]byte{3<<3 | 2}, 5760}, {make([]byte, 1275), 480}, {make([]byte, 1276), 0},
	} {
		if got, err := packetSamples(c.packet); got != c.want || (err == nil) != (c.want > 0) {
			t.Errorf("% x: %d, %v; want %d", c.packet[:min(4, len(c.packet))], got, err, c.want)
		}
	}
}
