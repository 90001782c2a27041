package audio

// The jitter buffer's other half: what to play when.

// action is what to play next.
type action uint8

const (
	playSilence action = iota // samples of silence; 0: nothing in sight
	playFrame                 // decode frame
	playConceal               // samples of concealment
)

// step is the jitter buffer's answer: what to play from now on.
type step struct {
	do      action
	samples int
	frame   *frame // valid until the next put
	// adjust asks to play the frame longer (more than 0) or shorter by up to so many samples; must tells
	// that it is worth a flaw.
	adjust int
	must   bool
	joint  bool // doesn't follow from what was played before: join it without a click
	last   bool // the concealment ends here: fade out
}

// head is the first frame that waits.
func (b *jitterBuffer) head() *frame {
	for seq := b.nextSeq; seq <= b.high.seq; seq++ {
		if slot := &b.slots[seq&(jitterSlots-1)]; slot.seq == seq && slot.state == frameQueued {
			return slot
		}
	}
	return nil
}

// excess is by how much a sample of media time ts, played at now, has more delay than wanted.
func (b *jitterBuffer) excess(now, ts int64) int64 { return now - ts - b.delays.point() }

// next says what to play at now, which is where the last step's samples ended. The loudspeaker asks for wanted more
// samples before anything can come: so much is concealed at once.
func (b *jitterBuffer) next(now int64, wanted int) step {
	head := b.head()
	if b.playing {
		// Behind by much after a stall, or a frame whose turn was concealed: what is too old goes.
		for head != nil && (head.ts < b.cursor || b.excess(now, head.ts) > excessJump) {
			if head.ts >= b.cursor {
				b.playing = false
			}
			b.pass(head.seq + 1)
			b.lateRun++
			head = b.head()
		}
	}
	if b.playing {
		if s, ok := b.goOn(now, head, wanted); ok {
			return s
		}
		b.playing = false
	}
	return b.begin(now, head)
}

// goOn continues a talkspurt; ok is false where it ends.
func (b *jitterBuffer) goOn(now int64, head *frame, wanted int) (s step, ok bool) {
	if head != nil && head.seq != b.nextSeq && head.ts > b.cursor && b.waited > 0 {
		skip := min(b.waited, head.ts-b.cursor) // what was waited for is lost: its time has been filled
		b.cursor += skip
		b.waited -= skip
	}
	n := b.samples
	switch {
	case head != nil && head.ts == b.cursor:
		if b.waited > 0 {
			b.counters.Late++
		}
		return b.play(now, head), true
	case head == nil && b.quiet, head != nil && head.seq == b.nextSeq:
		return s, false // a pause: nothing is missing
	case b.concealed >= concealMax:
		return s, false
	case head == nil:
		n = min(n, (wanted+concealStep-1)/concealStep*concealStep)
	default:
		n = min(n, int(min(head.ts-b.cursor, concealMax))/concealStep*concealStep)
	}
	if n < concealStep {
		return s, false
	}
	if head == nil {
		b.waited += int64(n)
	} else {
		b.cursor += int64(n)
	}
	b.concealed += n
	b.made += uint64(n)
	for b.unmade += n; b.unmade >= b.samples; b.unmade -= b.samples {
		b.counters.Concealed++
	}
	return step{do: playConceal, samples: n, last: b.concealed >= concealMax}, true
}

// begin starts a talkspurt when its first frame is due.
func (b *jitterBuffer) begin(now int64, head *frame) step {
	for head != nil {
		late := b.excess(now, head.ts)
		if late < 0 {
			return step{do: playSilence, samples: int(-late)}
		}
		if late <= startLate {
			b.playing = true
			b.cursor = head.ts
			s := b.play(now, head)
			s.joint = true
			return s
		}
		b.pass(head.seq + 1)
		if b.lateRun++; b.lateRun > lateRunMax {
			b.lateRun = 0
			b.delays.forget()
			b.delays.note(now, head.ts)
		}
		head = b.head()
	}
	return step{do: playSilence}
}

// play hands out head and says whether to stretch it.
func (b *jitterBuffer) play(now int64, head *frame) step {
	b.take(head)
	b.delay = now - head.ts - b.delays.base
	excess := b.excess(now, head.ts)
	b.clock.note(excess, head.samples)

	s := step{do: playFrame, frame: head, samples: head.samples}
	enough, quiet := max(excessShrink, b.delays.grain*5/4), int64(excessQuiet)
	if b.clock.on { // which keeps some delay to spare, and makes good what is small
		excess -= driftSpare
		quiet = excessClock
	}
	switch {
	case b.quiet && (excess <= -deficitGrow || excess >= quiet):
		s.adjust, s.must = int(-excess), true
	case now-b.adjusted < adjustEvery:
	case excess <= -deficitGrow || excess >= enough:
		b.adjusted = now
		s.adjust = int(-excess)
	}
	return s
}

// take moves on behind head.
func (b *jitterBuffer) take(head *frame) {
	b.pass(head.seq)
	b.nextSeq++
	head.state = framePlayed
	b.cursor = head.ts + int64(head.samples)
	b.samples = min(head.samples, concealMax)
	b.quiet = head.level > gateLevel
	b.concealed, b.waited, b.lateRun = 0, 0, 0
}

// ahead hands out the frame that follows what was just played, if it is there.
func (b *jitterBuffer) ahead() *frame {
	head := b.head()
	if head == nil || head.seq != b.nextSeq || head.ts != b.cursor {
		return nil
	}
	b.take(head)
	return head
}
