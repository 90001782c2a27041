package audio

import (
	"runtime"
	"testing"
)

// One end writes in blocks of all sizes, the other reads: nothing lost, nothing twice, nothing torn. The race
// detector sees the rest.
func TestRingCarriesEverythingInOrder(t *testing.T) {
	const total = 1 << 18
	r := newRing(1000)
	done := make(chan struct{})
	go func() {
		defer close(done)
		block := make([]float32, 300)
		for sent := 0; sent < total; {
			n := min(1+sent%len(block), total-sent, len(r.buf)-r.len())
			if n == 0 {
				runtime.Gosched()
			}
			for i := range n {
				block[i] = float32((sent + i) & 0xFFFF)
			}
			r.write(block[:n])
			sent += n
		}
	}()
	dst := make([]float32, 257)
	for got := 0; got < total; {
		n := r.take(dst[:1+got%len(dst)])
		if n == 0 {
			runtime.Gosched()
		}
		for i, v := range dst[:n] {
			if v != float32((got+i)&0xFFFF) {
				t.Fatalf("sample %d is %v", got+i, v)
			}
		}
		got += n
	}
	<-done
	if r.dropped.Load() != 0 || r.len() != 0 {
		t.Errorf("dropped %d, %d left", r.dropped.Load(), r.len())
	}
}

func TestRingDropsWhatDoesNotFit(t *testing.T) {
	r := newRing(8)
	r.write([]float32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
	if r.len() != 8 || r.dropped.Load() != 2 {
		t.Errorf("holds %d, dropped %d; want 8 and 2", r.len(), r.dropped.Load())
	}
	r.discard(6)
	dst := []float32{-1, -1, -1}
	if n := r.take(dst); n != 2 || dst[0] != 7 || dst[1] != 8 || dst[2] != -1 {
		t.Errorf("took %d: %v", n, dst)
	}
}
