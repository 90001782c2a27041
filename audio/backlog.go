package audio

import "parley.lan/room"

// backlog is PCM that waits to be taken. It holds hold samples; when more come, all but the newest keep are
// dropped, so that who has fallen behind goes on with what is said now. What is left follows what was taken
// before by a cross-fade.
type backlog struct {
	pcm        []int16
	hold, keep int
	dropped    uint64 // samples
}

const cutFade = room.PlainRate / 200 // samples over which the sound before a cut fades into the sound after it

func newBacklog(hold, keep int) backlog {
	return backlog{pcm: make([]int16, 0, hold), hold: hold, keep: keep}
}

func (b *backlog) put(pcm []int16) {
	for {
		n := min(len(pcm), b.hold-len(b.pcm))
		b.pcm = append(b.pcm, pcm[:n]...)
		if pcm = pcm[n:]; len(pcm) == 0 {
			return
		}
		b.cut(b.hold - b.keep)
	}
}

// cut drops the n oldest samples.
func (b *backlog) cut(n int) {
	n = min(n, len(b.pcm))
	rest := b.pcm[n:]
	fade := min(cutFade, n, len(rest))
	for i := range fade {
		w := float32(i) / float32(fade)
		rest[i] = int16(float32(b.pcm[i])*(1-w) + float32(rest[i])*w)
	}
	b.pcm = b.pcm[:copy(b.pcm, rest)]
	b.dropped += uint64(n)
}

// take moves the oldest samples to dst and returns how many there were.
func (b *backlog) take(dst []int16) int {
	n := copy(dst, b.pcm)
	b.pcm = b.pcm[:copy(b.pcm, b.pcm[n:])]
	return n
}
