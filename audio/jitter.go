package audio

import (
	"math"

	"parley.lan/room"
)

const (
	jitterSlots  = 128        // frames held or remembered for each speaker: 640 ms of 5 ms ones
	jitterFar    = 1000       // a sequence number further off than this is another stream (RFC 3550 appendix A.1)
	jitterJump   = 2000 * ms  // and so is a timestamp this far from its time
	copiesSeen   = 64         // so many frames after one that came twice, the speaker is taken to send copies
	concealMax   = 60 * ms    // concealment goes on for so long, then silence
	startLate    = 40 * ms    // a talkspurt may start this late rather than lose its beginning
	excessJump   = 60 * ms    // more delay than wanted by this: skip at once
	excessQuiet  = ms / 4     // more by this: shrink in silence
	excessClock  = ms         // or by this while the clock is followed
	excessShrink = 5 * ms / 2 // more by this: shrink in speech, a pitch period at a time
	deficitGrow  = 2 * ms     // less than wanted by this: grow; what is less is left to the clock (see drift)
	adjustEvery  = 40 * ms    // in speech; in silence with every frame
	lateRunMax   = 25         // so many late frames on end: the path has become slower for good
)

type frameState uint8

const (
	frameUnknown frameState = iota
	frameQueued             // waits for its turn
	frameMissed             // its turn passed without it: lost, or late if it still comes
	framePlayed             // or dropped for being late: any further copy is a duplicate
)

// frame is one slot of the jitter buffer; its bytes are the slot's own and are used again.
type frame struct {
	state   frameState
	seq, ts int64 // extended to 64 bits
	samples int
	level   uint8
	opus    []byte
}

// jitterBuffer puts one speaker's frames back into order and time. It is a value with no clock: callers pass
// the time, in samples of their output clock, so that a difference between the clocks shows as a delay that
// grows or shrinks and is made good like any other.
//
//	idle ── a frame is due ──▶ playing ── pause, or 60 ms of concealment ──▶ idle
//
// A frame's turn is at its timestamp + the fastest frame's delay + the target (see arrivals). Where nothing has come
// at its turn, playing waits for it under concealment and goes on later by as much; what newer frames prove missing is
// concealed and skipped. A frame may come more than once, as a redundant copy (RFC 2198's idea): the first counts.
// Bounds: at most jitterSlots frames wait; when one comes beyond, the oldest are dropped.
type jitterBuffer struct {
	slots   [jitterSlots]frame
	delays  arrivals
	started bool
	fresh   bool  // nothing of the stream has had its turn
	high    frame // newest frame's seq and ts
	nextSeq int64 // first that hasn't had its turn

	playing   bool
	cursor    int64 // media time of the next sample to play
	samples   int   // in the last frame played: how much to conceal at once
	quiet     bool  // the last frame played was below the gate: what follows may be a pause
	concealed int   // samples concealed since the last frame played,
	waited    int64 // of these without moving on
	adjusted  int64 // when delay was last changed in speech
	lateRun   int
	clock     driftLoop

	stray    uint16 // last sequence number that seemed to be of another stream
	strayed  bool
	copies   int   // frames until the speaker is taken to send none
	firstSeq int64 // of the last frame put, if it was new,
	firstAt  int64 // and when
	transit  int64 // of the last frame, for the interarrival jitter
	jitter   float64
	delay    int64
	counters room.VoiceStats // SSRC, JitterMS, DelayMS unused
	made     uint64          // samples concealed,
	unmade   int             // of these not yet counted as a frame
}

// put takes a frame that came at now. Bad packets, duplicates and strays are dropped; late ones are counted.
func (b *jitterBuffer) put(now int64, f room.VoiceFrame) {
	samples, err := packetSamples(f.Opus)
	if err != nil {
		return
	}
	if !b.started {
		b.start(f)
	}
	seq := b.high.seq + int64(int16(f.Seq-uint16(b.high.seq)))
	ts := b.high.ts + int64(int32(f.Timestamp-uint32(b.high.ts)))
	if b.stranger(now, seq, ts) {
		if !b.strayed || f.Seq-b.stray-1 >= 8 { // not yet followed by another of the same kind
			b.stray, b.strayed = f.Seq, true
			return
		}
		b.start(f)
		seq, ts = b.high.seq, b.high.ts
	}
	b.strayed = false

	slot := &b.slots[seq&(jitterSlots-1)]
	known := slot.state != frameUnknown && slot.seq == seq
	b.copies = max(0, b.copies-1)
	switch {
	case seq < b.nextSeq && known && slot.state == frameMissed:
		slot.state = framePlayed
		b.counters.Lost--
		b.counters.Late++
		b.counters.Received++
		b.measure(now, ts, f.PreRoll)
		return
	case seq < b.nextSeq && b.fresh && b.high.seq-seq < jitterSlots:
		b.nextSeq = seq // the first two came in the wrong order
	case seq < b.nextSeq || known:
		b.copies, b.firstSeq = copiesSeen, 0
		return // a copy, or too old to say
	}
	b.counters.Received++
	b.recovered(now, seq)
	b.measure(now, ts, f.PreRoll)
	if oldest := seq - jitterSlots + 1; oldest > b.nextSeq {
		b.pass(oldest)
		b.playing = false
	}
	slot.state, slot.seq, slot.ts, slot.samples, slot.level = frameQueued, seq, ts, samples, f.Level
	slot.opus = append(slot.opus[:0], f.Opus...)
	if seq > b.high.seq {
		b.high.seq, b.high.ts = seq, ts
	}
}

// recovered counts frames that came only as a copy. A packet's copies precede its newest frame, so where the
// speaker sends copies, a frame's own packet begins with some that came before. Of frames that come in a row without any
// the former ones are copies whose own packet was lost.
func (b *jitterBuffer) recovered(now, seq int64) {
	switch {
	case seq < b.high.seq:
		b.counters.Recovered++
		b.firstSeq = 0
		return
	case b.copies > 0 && b.firstSeq != 0 && b.firstAt == now:
		b.counters.Recovered++
	}
	b.firstSeq, b.firstAt = seq, now
}

// start makes f the first frame of a stream.
func (b *jitterBuffer) start(f room.VoiceFrame) {
	if b.started {
		b.pass(b.high.seq + 1)
	}
	for i := range b.slots {
		b.slots[i].state = frameUnknown
	}
	const middle = 1 << 40 // so that no frame's extended number is ever negative
	b.high.seq, b.high.ts = middle+int64(f.Seq), middle+int64(f.Timestamp)
	b.nextSeq = b.high.seq
	b.started, b.fresh, b.playing, b.strayed, b.lateRun = true, true, false, false, 0
	b.transit = math.MinInt64
	b.copies, b.firstSeq = 0, 0
	b.delays.forget()
}

// stranger tells whether a frame doesn't fit into the stream so far.
func (b *jitterBuffer) stranger(now, seq, ts int64) bool {
	off := seq - b.high.seq
	if off > jitterFar || off < -jitterSlots {
		return true
	}
	early := now - ts - b.delays.base
	return b.delays.n > 0 && (early > jitterJump || early < -jitterJump)
}

// measure notes a frame's delay and the interarrival jitter (RFC 3550 section 6.4.1). What was sent later than its time
// tells nothing of them, but something has to be the first.
func (b *jitterBuffer) measure(now, ts int64, preRoll bool) {
	if preRoll && b.delays.n > 0 {
		return
	}
	b.delays.copies = b.copies > 0
	b.delays.note(now, ts)
	transit := now - ts
	if b.transit != math.MinInt64 {
		b.jitter += (math.Abs(float64(transit-b.transit)) - b.jitter) / 16
	}
	b.transit = transit
}

// pass gives up on everything before seq: what waits is late, what is missing lost.
func (b *jitterBuffer) pass(seq int64) {
	b.fresh = false
	for ; b.nextSeq < seq; b.nextSeq++ {
		slot := &b.slots[b.nextSeq&(jitterSlots-1)]
		if slot.seq == b.nextSeq && slot.state == frameQueued {
			slot.state = framePlayed
			b.counters.Late++
			continue
		}
		slot.seq, slot.state = b.nextSeq, frameMissed
		b.counters.Lost++
	}
}

// stats is what has happened so far.
func (b *jitterBuffer) stats() room.VoiceStats {
	s := b.counters
	s.JitterMS = b.jitter / ms
	s.DelayMS = float64(b.delay) / ms
	return s
}
