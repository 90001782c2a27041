package audio

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"

	"parley.lan/room"
)

// oggWriter writes one mono Opus stream as RFC 7845 has it: pages of RFC 3533. What flush has written is a valid file; the
// newest packet waits for the next one, or for close, which marks it as the last.
type oggWriter struct {
	w       io.Writer
	serial  uint32
	page    uint32 // number of the next one
	lacing  []byte // of the packets that wait, and their bytes
	body    []byte
	granule int64 // samples in all packets so far, those that wait included
	paged   int64 // and up to the last of lacing
	began   int64 // where the page at work begins
	last    []byte
	head    []byte // scratch
	err     error  // the first; nothing is written after it
}

const (
	oggPreSkip = 120 // samples that the encoder looks ahead: restricted low delay at 48 kHz
	oggLacings = 255 // segments of a page
	oggFirst   = 2   // header type flags
	oggLast    = 4
)

// newOggWriter writes the two headers. The comment names whose voice it is.
func newOggWriter(w io.Writer, title string) *oggWriter {
	o := &oggWriter{w: w, serial: rand.Uint32()}
	id := append([]byte("OpusHead"), 1, 1) // version, channels
	id = binary.LittleEndian.AppendUint16(id, oggPreSkip)
	id = binary.LittleEndian.AppendUint32(id, room.SampleRate)
	id = append(id, 0, 0, 0) // gain, mapping family
	o.queue(id)
	o.write(oggFirst, 0)
	tags := comment([]byte("OpusTags"), "parley")
	tags = binary.LittleEndian.AppendUint32(tags, 1)
	o.queue(comment(tags, "TITLE="+title))
	o.write(0, 0)
	return o
}

func comment(dst []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint32(dst, uint32(len(s))), s...)
}

// packet appends one packet, which plays for samples. Its bytes are copied.
func (o *oggWriter) packet(opus []byte, samples int) {
	if o.last != nil {
		o.queue(o.last)
		if o.paged = o.granule; o.paged-o.began >= room.SampleRate { // longer pages make seeking slow
			o.write(0, o.paged)
		}
	}
	o.last = append(o.last[:0], opus...)
	o.granule += int64(samples)
}

// queue puts a packet onto the page at work; packets never span pages.
func (o *oggWriter) queue(b []byte) {
	segments := len(b)/255 + 1
	if len(o.lacing)+segments > oggLacings {
		o.write(0, o.paged)
	}
	for range segments - 1 {
		o.lacing = append(o.lacing, 255)
	}
	o.lacing = append(o.lacing, byte(len(b)%255))
	o.body = append(o.body, b...)
}

// flush writes all packets but the newest.
func (o *oggWriter) flush() error {
	if len(o.lacing) > 0 {
		o.write(0, o.paged)
	}
	return o.err
}

// close writes the rest and the end of the stream.
func (o *oggWriter) close() error {
	if o.last != nil {
		o.queue(o.last)
		o.last = nil
	}
	o.write(oggLast, o.granule)
	return o.err
}

// write puts the page at work out. Its granule position counts the samples up to the end of its last packet.
func (o *oggWriter) write(flags byte, granule int64) {
	h := append(o.head[:0], "OggS\x00"...)
	h = append(h, flags)
	h = binary.LittleEndian.AppendUint64(h, uint64(granule))
	h = binary.LittleEndian.AppendUint32(h, o.serial)
	h = binary.LittleEndian.AppendUint32(h, o.page)
	h = append(h, 0, 0, 0, 0, byte(len(o.lacing)))
	h = append(append(h, o.lacing...), o.body...)
	binary.LittleEndian.PutUint32(h[22:], oggCRC(h))
	o.page++
	o.began = granule
	o.lacing, o.body, o.head = o.lacing[:0], o.body[:0], h
	if o.err == nil {
		if _, err := o.w.Write(h); err != nil {
			o.err = fmt.Errorf("writing the recording: %w", err)
		}
	}
}

// oggCRC is RFC 3533's: polynomial 0x04C11DB7, not reflected, from zero, with no final inversion.
func oggCRC(b []byte) (sum uint32) {
	for _, v := range b {
		sum = sum<<8 ^ oggTable[byte(sum>>24)^v]
	}
	return sum
}

var oggTable = func() (t [256]uint32) {
	for i := range t {
		r := uint32(i) << 24
		for range 8 {
			if r&(1<<31) != 0 {
				r = r<<1 ^ 0x04c11db7
			} else {
				r <<= 1
			}
		}
		t[i] = r
	}
	return t
}()
