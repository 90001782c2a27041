package audio

import (
	"slices"

	"parley.lan/room"
)

const (
	trackWait   = room.SampleRate / 2  // for packets out of order
	trackDrift  = room.SampleRate / 10 // by which a talkspurt's place may differ from when it came
	trackLost   = room.SampleRate / 20 // a gap inside a talkspurt up to this is a loss, which the decoder conceals
	trackBound  = 1024                 // packets that wait; more come from somebody who floods
	silenceStep = concealStep
)

// track puts one speaker's packets into their places, without gaps. Places are samples since the recording began.
type track struct {
	out     func(opus []byte, samples int) // takes the packets in order, and what fills the gaps between them
	waiting []trackPacket                  // by place
	offset  int64                          // place of timestamp 0, extended
	last    int64                          // extended timestamp of the newest packet
	begun   bool
	recent  [64]uint16 // sequence numbers seen lately, to know copies
	seen    int
	end     int64 // up to where it is filled
}

type trackPacket struct {
	at      int64
	samples int
	seq     uint16
	opus    []byte
}

// put takes a packet that came at now. Where it belongs is told by its timestamp; when a talkspurt begins, also by when it
// came, for two clocks run apart.
func (t *track) put(now int64, f room.VoiceFrame, samples int) {
	if slices.Contains(t.recent[:min(t.seen, len(t.recent))], f.Seq) || len(t.waiting) >= trackBound {
		return
	}
	t.recent[t.seen%len(t.recent)] = f.Seq
	t.seen++
	came := max(now-int64(samples), 0)
	ts := t.last + int64(int32(f.Timestamp-uint32(t.last)))
	if !t.begun {
		t.begun = true
		ts = int64(f.Timestamp)
		t.offset = came - ts
	} else if apart := came - (ts + t.offset); f.Marker && abs(apart) > trackDrift || abs(apart) > room.SampleRate {
		t.offset += apart
	}
	t.last = max(t.last, ts)
	p := trackPacket{ts + t.offset, samples, f.Seq, slices.Clone(f.Opus)}
	i := len(t.waiting)
	for i > 0 && t.waiting[i-1].at > p.at {
		i--
	}
	t.waiting = slices.Insert(t.waiting, i, p)
}

// settle gives out what belongs before until.
func (t *track) settle(until int64) {
	n := 0
	for ; n < len(t.waiting) && t.waiting[n].at+int64(t.waiting[n].samples) <= until; n++ {
		t.append(t.waiting[n])
	}
	t.waiting = slices.Delete(t.waiting, 0, n)
	if len(t.waiting) == 0 || t.waiting[0].at-t.end > trackLost {
		t.fill(until)
	}
}

// append writes a packet in its place; one that comes after its turn is dropped.
func (t *track) append(p trackPacket) {
	if p.at < t.end-silenceStep {
		return
	}
	if gap := p.at - t.end; gap <= trackLost && t.end > 0 {
		t.conceal(p.opus[0]&^3, gap)
	}
	t.fill(p.at)
	t.write(p.opus, p.samples)
}

// conceal writes for lost packets what makes a decoder bridge them: frames of no bytes (RFC 7845 section 4.1).
func (t *track) conceal(toc byte, gap int64) {
	lost := []byte{toc}
	samples, err := packetSamples(lost)
	for ; err == nil && gap >= int64(samples); gap -= int64(samples) {
		t.write(lost, samples)
	}
}

// fill writes silence up to a place.
func (t *track) fill(until int64) {
	for step := 8 * silenceStep; step >= silenceStep; step /= 2 {
		for until-t.end >= int64(step) {
			t.write(silence(step), step)
		}
	}
}

// silence is an Opus packet (CELT, full band, mono) that plays nothing for 2.5, 5, 10 or 20 ms: its silence flag is set.
func silence(samples int) []byte {
	toc := byte(28 << 3)
	for ; samples > silenceStep; samples /= 2 {
		toc += 1 << 3
	}
	return []byte{toc, 0xff, 0xfe}
}

func (t *track) write(opus []byte, samples int) {
	t.out(opus, samples)
	t.end += int64(samples)
}

// finish gives out all that is left and silence up to now.
func (t *track) finish(now int64) {
	for _, p := range t.waiting {
		t.append(p)
	}
	t.waiting = nil
	t.fill(now)
}

func abs(n int64) int64 { return max(n, -n) }
