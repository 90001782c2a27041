package audio

import (
	"math/rand/v2"
	"sync/atomic"
	"time"

	"parley.lan/room"
)

const (
	preRoll    = 20 * ms                                       // by which speech may be noticed late:                                      // kept while silent, for the start of the next talkspurt
	frameFirst = 10 * ms                                       // until the path asks for another duration
	maxWaiting = preRoll + room.BlockSamples                   // samples that may make frames at once
	maxAtOnce  = maxWaiting / room.BlockSamples                // frames of them
	maxEncoded = (room.MaxPacket-1)/maxAtOnce - room.FrameHead // bytes of a frame: so many always fit in a packet
	hushAbove  = 4                                             // times the pause's power: what is louder may be a word's beginning
	hushRise   = 1.002                                         // a block: 3 dB in less than two seconds
	hushLeast  = 1e-11                                         // -110 dBov
	keptFrames = 16                                            // for copies: of the last packets, one of which has maxAtOnce
)

// sender turns a voice into the frames of packets (RFC 3550's sequence number, timestamp and marker, both starting at
// random; RFC 6464's level). The timestamp goes on through what isn't sent. put and skip have one caller, tune any.
//
//	silent ── speech ──▶ a talkspurt: what was kept, then frame by frame ── none, or muted ──▶ a last frame, silent
//
// A frame's copies in later packets are the frame itself, once more (see redundancy).
type sender struct {
	enc  encoder
	keep int // samples kept while silent
	path atomic.Pointer[room.VoicePath]
	red  redundancy
	seq  uint16
	ts   uint32  // of the next sample to come
	hush float64 // power of what isn't speech, the quietest lately
	open bool    // in a talkspurt

	waiting [maxWaiting]float32 // no frame yet; while silent the last of what came
	n       int

	kept   [keptFrames]keptFrame // the last frames of the talkspurt, as a ring
	made   int                   // frames of it
	packet int                   // packets of it
	out    [keptFrames]room.VoiceFrame
	failed uint64 // frames that the encoder refused
	left   uint64 // packets in which not all copies found room
}

// keptFrame is a frame sent, its bytes its own.
type keptFrame struct {
	room.VoiceFrame
	packet int // in which it went first
	bytes  [maxEncoded]byte
}

func newSender(enc encoder) *sender {
	s := &sender{enc: enc, keep: preRoll, hush: 1, seq: uint16(rand.Uint32()), ts: rand.Uint32()}
	s.tune(room.VoicePath{})
	return s
}

// newGatedSender makes one for a voice whose speech a gate tells, which opens with the first loud block: nothing is kept for it.
func newGatedSender(enc encoder) *sender {
	s := newSender(enc)
	s.rolls(false)
	return s
}

// rolls says whether talkspurts begin with what came before they were noticed. It is for put's caller.
func (s *sender) rolls(on bool) {
	s.keep = 0
	if on {
		s.keep = preRoll
	}
}

// tune tells what the path asks for. What makes no sense is taken for nothing.
func (s *sender) tune(p room.VoicePath) {
	switch p.Frame {
	case 5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond:
	default:
		p.Frame = frameFirst * time.Second / room.SampleRate
	}
	if !(p.Loss >= 0 && p.Loss <= 1) {
		p.Loss = 0
	}
	s.path.Store(&p)
}

// put takes the next block, room.BlockSamples samples, and returns the frames of a packet to send, or nil: copies of
// earlier frames first, the newest last, valid until the next call. Muted, nothing of the block is heard but its fading.
func (s *sender) put(block []float32, speech, muted bool) []room.VoiceFrame {
	path := s.path.Load()
	back := s.red.next(*path, len(block))
	frame := int(path.Frame * room.SampleRate / time.Second)
	speech = speech && !muted
	if muted && !s.open {
		s.n = 0
		s.ts += uint32(len(block))
		return nil
	}
	s.wait(block)
	late := 0 // samples that are: what waited until now, when a talkspurt begins
	switch {
	case s.open:
	case !speech:
		s.hush = min(s.hush*hushRise+hushLeast, power(block))
		return nil
	default:
		s.open, s.made, s.packet = true, 0, 0
		late = s.trim(s.n - len(block))
	}
	if !speech {
		s.open = false
		frame = room.BlockSamples // so that nothing waits to be full
		fadeOut(s.waiting[s.n-len(block) : s.n])
	}
	first := s.made
	used := 0
	for ; s.n-used >= frame; used += frame {
		s.make(used, frame, used+frame <= late, !speech && s.n-used == frame)
	}
	s.n = copy(s.waiting[:], s.waiting[used:s.n])
	if s.made == first {
		return nil
	}
	s.packet++
	return s.pack(first, back)
}

// wait adds a block to what waits; while silent the oldest makes room.
func (s *sender) wait(block []float32) {
	if over := s.n - s.keep; over > 0 && !s.open {
		s.n = copy(s.waiting[:], s.waiting[over:s.n])
	}
	s.n += copy(s.waiting[s.n:], block)
	s.ts += uint32(len(block))
}

// trim drops what is no louder than the pause was from the front of what was kept, in blocks, since whoever hears it would hear all
// that follows later; it returns how much is left of late samples.
func (s *sender) trim(late int) int {
	used := 0
	for ; late-used >= room.BlockSamples && power(s.waiting[used:used+room.BlockSamples]) <= hushAbove*s.hush; used += room.BlockSamples {
	}
	s.n = copy(s.waiting[:], s.waiting[used:s.n])
	return late - used
}

// make encodes one frame of what waits, beginning at a sample.
func (s *sender) make(at, samples int, late, last bool) {
	k := &s.kept[s.made%keptFrames]
	pcm := s.waiting[at : at+samples]
	n, err := s.enc.encode(pcm, k.bytes[:])
	if err != nil || n <= 0 || n > len(k.bytes) {
		s.failed++
		return
	}
	k.packet = s.packet
	k.VoiceFrame = room.VoiceFrame{
		Seq: s.seq, Timestamp: s.ts - uint32(s.n-at), Level: min(level(pcm), room.LevelSilent-1), Marker: s.made == 0, PreRoll: late, Opus: k.bytes[:n],
	}
	if last {
		k.Level = room.LevelSilent
	}
	s.made++
	s.seq++
}

// pack puts the frames from the given one on behind copies of earlier ones. Copies that don't fit are left out, those of the
// oldest packets first.
func (s *sender) pack(first int, back []int) []room.VoiceFrame {
	size := 1
	for i := first; i < s.made; i++ {
		size += room.FrameHead + len(s.kept[i%keptFrames].Opus)
	}
	oldest := max(0, s.made-keptFrames)
	var with [farthest + 1]bool // how many packets back, to be copied
	for _, k := range back {
		more := 0
		for i := oldest; i < first; i++ {
			if f := &s.kept[i%keptFrames]; f.packet == s.packet-1-k {
				more += room.FrameHead + len(f.Opus)
			}
		}
		if size+more > room.MaxPacket {
			s.left++
			break
		}
		size += more
		with[k] = true
	}
	out := s.out[:0]
	for i := oldest; i < s.made; i++ {
		f := &s.kept[i%keptFrames]
		if ago := s.packet - 1 - f.packet; i >= first || ago <= farthest && with[ago] {
			out = append(out, f.VoiceFrame)
		}
	}
	return out
}

// skip tells that n samples were never captured, so that the timestamps keep their place in time. What came before them can't
// be part of a frame with what comes after.
func (s *sender) skip(n int) {
	s.ts += uint32(n)
	s.n = 0
}
