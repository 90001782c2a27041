package audio

import "sync/atomic"

// ring carries samples from a sound device's callback to the capturing goroutine: one goroutine (or callback) writes,
// another reads, and neither ever locks, allocates or waits. When it is full, what doesn't fit is dropped
// and counted: a writer may not move the reader's end. The reader, who can, skips the oldest instead
// (see discard), so a full ring means a reader that has stopped.
type ring struct {
	buf  []float32 // its length is a power of two
	mask uint64

	// Free-running sample counts. Each end stores its own and loads the other's: the store publishes the
	// samples, the load acquires them. The padding keeps the two ends off one cache line.
	_       [64]byte
	wrote   atomic.Uint64
	dropped atomic.Uint64 // samples that didn't fit
	_       [64]byte
	read    atomic.Uint64
	_       [64]byte
}

// newRing makes a ring that holds at least n samples.
func newRing(n int) *ring {
	size := 1
	for size < n {
		size *= 2
	}
	return &ring{buf: make([]float32, size), mask: uint64(size - 1)}
}

// len is how many samples wait to be read. Seen from the reader it can only grow, from the writer only shrink.
func (r *ring) len() int { return int(r.wrote.Load() - r.read.Load()) }

// write appends samples, or as many of them as fit.
func (r *ring) write(samples []float32) {
	w := r.wrote.Load()
	room := len(r.buf) - int(w-r.read.Load())
	if len(samples) > room {
		r.dropped.Add(uint64(len(samples) - room))
		samples = samples[:room]
	}
	n := copy(r.buf[w&r.mask:], samples)
	copy(r.buf, samples[n:])
	r.wrote.Store(w + uint64(len(samples)))
}

// take fills dst with the oldest samples and returns how many there were.
func (r *ring) take(dst []float32) int {
	at := r.read.Load()
	if have := int(r.wrote.Load() - at); len(dst) > have {
		dst = dst[:have]
	}
	n := copy(dst, r.buf[at&r.mask:])
	copy(dst[n:], r.buf)
	r.read.Store(at + uint64(len(dst)))
	return len(dst)
}

// discard drops the n oldest samples, for a reader that has fallen behind.
func (r *ring) discard(n int) {
	r.read.Store(r.read.Load() + uint64(min(n, r.len())))
}
