package audio

// reference is what the loudspeaker plays, as spectra of a block each, at the microphone's clock.
//
// The sound is resampled by as much as the clocks differ, which makes a little more or less than a block of each block.
// So the place read from, once a block, moves against the newest, just as the echo itself comes ever later or earlier.
type reference struct {
	clock  *resampler
	fft    *fourier
	pcm    []float32 // resampled, from echoFFT-echoBlock before the next block on
	blocks [echoRing]farBlock
	newest int // block, counted from the start
	read   int // the block that goes with the microphone's newest
	zero   [echoBlock]float32
}

// farBlock is the spectrum of a block and what goes before it.
type farBlock struct {
	spectrum
	silent bool
}

const (
	clockTaps  = 16 // keeps what is below 15 kHz
	clockSlack = 16 // samples by which the reference is late at first, so that a fast clock may gain on it
)

func newReference() *reference {
	r := &reference{clock: newDriftResampler(48000, 48000, clockTaps), fft: newFourier(echoFFT), newest: -1, read: -1,
		pcm: make([]float32, 0, echoFFT+3*echoBlock)}
	r.pcm = r.pcm[:echoFFT-echoBlock+clockTaps/2+clockSlack]
	for i := range r.blocks {
		r.blocks[i] = farBlock{newSpectrum(echoFFT/2 + 1), true}
	}
	return r
}

// push takes the next block that was played; nil is silence. It reports how many blocks the reading place had to step
// back, because the reference isn't there yet: 0 or 1.
func (r *reference) push(played []float32) int {
	if played == nil {
		played = r.zero[:]
	}
	r.pcm = r.clock.process(r.pcm, played)
	at := 0
	for ; at+echoFFT <= len(r.pcm); at += echoBlock {
		r.newest++
		b := &r.blocks[r.newest%echoRing]
		x := r.pcm[at : at+echoFFT]
		sum := float32(0)
		for _, v := range x {
			sum += v * v
		}
		b.silent = sum < echoSilent*echoFFT
		if !b.silent {
			r.fft.forward(b.spectrum, x)
		}
	}
	r.pcm = r.pcm[:copy(r.pcm, r.pcm[at:])]
	r.read++
	if r.read > r.newest {
		r.read--
		return 1
	}
	return 0
}

// block returns the one that was played n blocks before the microphone's newest, as far as is known.
func (r *reference) block(n int) *farBlock { return &r.blocks[(r.read-n+2*echoRing)%echoRing] }

// back returns the one that was played n blocks before the newest.
func (r *reference) back(n int) *farBlock { return &r.blocks[(r.newest-n+2*echoRing)%echoRing] }

// late is how many blocks the reading place is behind the newest.
func (r *reference) late() int { return r.newest - r.read }
