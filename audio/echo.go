package audio

import "parley.lan/room"

const (
	echoLead  = 2                                 // blocks that the filter begins before the echo's direct path, for the clocks' drift and what is heard early
	echoHarm  = 1.1                               // times the microphone's power: where subtracting the estimate makes so much of it, it is left alone
	echoGood  = 0.4                               // of it: where it makes so little, there is an echo, found or not
	echoSeen  = 10 * room.SampleRate / cleanBlock // blocks with something played, that an echo once found is believed in
	echoSlack = 2                                 // partitions that the direct path may be off its place
	echoFar   = 8                                 // partitions; a filter moved by more starts anew, for it expects little so far back and would adapt slowly
)

// echoCanceller takes from a microphone's sound what the loudspeaker played: it finds the echo's delay, follows the clocks,
// and subtracts the canceller's estimate.
type echoCanceller struct {
	filter *canceller
	delay  echoDelay
	clock  *echoClock
	fft    *fourier

	mic        spectrum
	recent     []float32 // the microphone's last echoFFT samples
	far        []float32 // power of what is played, line by line, over the last second
	before     float32   // power of the microphone's sound and of what is left of it, lately
	after      float32
	share      float32 // of the estimate that is subtracted: 0 or 1, and between while it changes
	seen       int     // blocks that the echo found last is believed in yet
	sinceHeard int     // blocks since anything was played
}

func newEchoCanceller() *echoCanceller {
	return &echoCanceller{filter: newCanceller(), clock: newEchoClock(), fft: newFourier(echoFFT),
		mic: newSpectrum(echoFFT/2 + 1), recent: make([]float32, echoFFT), far: make([]float32, echoFFT/2+1)}
}

// process takes the echo of what was played from the block mic, and puts its estimate of the echo into echo.
func (e *echoCanceller) process(echo, mic, played []float32) {
	far := e.filter.far
	if back := far.push(played); back > 0 {
		e.move(back)
	}
	copy(e.recent, e.recent[echoBlock:])
	copy(e.recent[echoFFT-echoBlock:], mic)
	if x := far.back(0); !x.silent {
		e.sinceHeard = 0
		for k := range e.far {
			e.far[k] = 0.995*e.far[k] + x.re[k]*x.re[k] + x.im[k]*x.im[k]
		}
	} else {
		e.sinceHeard++
	}
	if e.sinceHeard < searchBlocks+echoParts {
		e.fft.forward(e.mic, e.recent)
		e.delay.note(&e.mic, far)
		if at, ok := e.delay.found(); ok {
			e.seen = echoSeen
			e.seek(at - far.late())
		}
	}
	if !e.filter.process(echo, mic) {
		return
	}
	far.clock.drift(e.clock.follow(e.filter.path[:], e.far))
	e.subtract(echo, mic)
}

// subtract takes the estimate from the microphone's sound as long as there is an echo and that makes it quieter. To somebody
// with a headset it does nothing.
func (e *echoCanceller) subtract(echo, mic []float32) {
	var before, after float32
	for i, v := range mic {
		before += v * v
		after += (v - echo[i]) * (v - echo[i])
	}
	e.before += 0.1 * (before - e.before)
	e.after += 0.1 * (after - e.after)
	e.seen = max(e.seen-1, 0)
	want := e.share
	switch {
	case e.after < echoGood*e.before || e.seen > 0 && e.after < e.before:
		want = 1
	case e.seen == 0 || e.after > echoHarm*e.before:
		want = 0
	}
	step := (want - e.share) / echoBlock
	for i := range mic {
		e.share += step
		echo[i] *= e.share
		mic[i] -= echo[i]
	}
	e.share = want
}

// heard tells whether there is an echo, or was one within ten seconds of sound played.
func (e *echoCanceller) heard() bool { return e.seen > 0 }

// seek is told that the direct path was seen in partition at, give or take one. Where that is the wrong place for it, the
// reference moves so that it lies echoLead after the filter's beginning. Where the filter doesn't know the echo there yet,
// it starts anew.
func (e *echoCanceller) seek(at int) {
	by := max(at-echoLead, -e.filter.far.late())
	if by >= -echoSlack && by <= echoSlack {
		return
	}
	off := e.filter.peak() - at
	known := off >= -echoSlack && off <= echoSlack && by >= -echoFar && by <= echoFar
	e.filter.far.read -= by
	e.move(by)
	if !known {
		e.filter.reset()
	}
}

// move follows the reference's reading place back by n blocks.
func (e *echoCanceller) move(n int) {
	e.filter.advance(n)
	e.clock.forget()
}
