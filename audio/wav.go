package audio

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
)

// wavFormat is what a WAV file's "fmt " chunk says.
type wavFormat struct {
	rate     int // Hz
	channels int // 1 or 2
}

// wavReader reads 16-bit PCM, mono or stereo, as mono float32.
type wavReader struct {
	wavFormat
	r    *bufio.Reader
	left int64 // bytes of sound that the header promises yet
	buf  []byte
}

// errWAV is followed by what is wrong with the file.
var errWAV = errors.New("not a WAV file that can be played")

// newWAVReader reads a header up to the first sample. Sizes of 0 and 2³²-1, which programs write that don't know
// the length yet, mean up to the end.
func newWAVReader(src io.Reader) (*wavReader, error) {
	w := &wavReader{r: bufio.NewReader(src)}
	var riff [12]byte
	if _, err := io.ReadFull(w.r, riff[:]); err != nil || string(riff[:4]) != "RIFF" || string(riff[8:]) != "WAVE" {
		return nil, fmt.Errorf("%w: it has no RIFF WAVE header", errWAV)
	}
	for {
		var head [8]byte
		if _, err := io.ReadFull(w.r, head[:]); err != nil {
			return nil, fmt.Errorf("%w: it ends before its sound", errWAV)
		}
		size := int64(binary.LittleEndian.Uint32(head[4:]))
		switch string(head[:4]) {
		case "fmt ":
			if err := w.readFormat(size); err != nil {
				return nil, err
			}
		case "data":
			if w.rate == 0 {
				return nil, fmt.Errorf("%w: its sound comes before its format", errWAV)
			}
			if size == 0 || size == math.MaxUint32 {
				size = math.MaxInt64
			}
			w.left = size
			return w, nil
		default:
			if _, err := io.CopyN(io.Discard, w.r, size+size%2); err != nil {
				return nil, fmt.Errorf("%w: it ends before its sound", errWAV)
			}
		}
	}
}

func (w *wavReader) readFormat(size int64) error {
	if size < 16 || size > 1024 {
		return fmt.Errorf("%w: its format has %d bytes", errWAV, size)
	}
	b := make([]byte, size+size%2)
	if _, err := io.ReadFull(w.r, b); err != nil {
		return fmt.Errorf("%w: it ends in its format", errWAV)
	}
	tag := binary.LittleEndian.Uint16(b)
	if tag == 0xFFFE && size >= 26 { // extensible: the tag proper begins the sub-format
		tag = binary.LittleEndian.Uint16(b[24:])
	}
	channels := int(binary.LittleEndian.Uint16(b[2:]))
	rate := binary.LittleEndian.Uint32(b[4:])
	bits := binary.LittleEndian.Uint16(b[14:])
	if tag != 1 || bits != 16 || channels < 1 || channels > 2 || rate < 8000 || rate > 192000 {
		return fmt.Errorf("%w: format %d, %d bits, %d channels, %d Hz; it must be 16-bit PCM, mono or stereo, "+
			"8 to 192 kHz (ffmpeg -i FILE -c:a pcm_s16le -ac 1 -ar 48000 NEW.wav makes one)", errWAV, tag, bits, channels, rate)
	}
	w.rate, w.channels = int(rate), channels
	return nil
}

// read fills pcm and returns how many samples the file still had; stereo is averaged.
func (w *wavReader) read(pcm []float32) int {
	width := 2 * w.channels
	want := int(min(int64(len(pcm)*width), w.left/int64(width)*int64(width)))
	if cap(w.buf) < want {
		w.buf = make([]byte, want)
	}
	got, _ := io.ReadFull(w.r, w.buf[:want])
	if got < want {
		w.left = 0
	} else {
		w.left -= int64(got)
	}
	n := got / width
	for i := range n {
		v := float32(int16(binary.LittleEndian.Uint16(w.buf[i*width:]))) / 32768
		if w.channels == 2 {
			v = (v + float32(int16(binary.LittleEndian.Uint16(w.buf[i*width+2:])))/32768) / 2
		}
		pcm[i] = v
	}
	return n
}

const (
	wavHeader   = 44
	wavMaxBytes = math.MaxUint32 - wavHeader - 1 // 12 hours; what comes later is not written
)

// wavWriter writes 16-bit mono PCM. flush leaves a file that is valid up to there.
type wavWriter struct {
	f     *os.File
	rate  int
	buf   []byte
	bytes int64 // of sound in the file
}

func createWAV(path string, rate int) (*wavWriter, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	w := &wavWriter{f: f, rate: rate}
	if err := w.flush(); err != nil {
		f.Close()
		return nil, err
	}
	return w, nil
}

// write appends pcm, which lies in ±1, to what the next flush writes.
func (w *wavWriter) write(pcm []float32) {
	w.buf = appendPCM(w.buf, pcm)
}

// appendPCM appends samples in ±1 as 16-bit PCM.
func appendPCM(dst []byte, pcm []float32) []byte {
	for _, v := range pcm {
		dst = binary.LittleEndian.AppendUint16(dst, uint16(int16(math.RoundToEven(float64(v)*32767))))
	}
	return dst
}

// wavUnknown is the size of a stream whose end isn't known.
const wavUnknown = math.MaxUint32

// wavHead is the header before size bytes of 16-bit mono PCM.
func wavHead(rate int, size uint32) []byte {
	h := make([]byte, wavHeader)
	copy(h[0:], "RIFF")
	binary.LittleEndian.PutUint32(h[4:], size+min(wavHeader-8, math.MaxUint32-size))
	copy(h[8:], "WAVEfmt ")
	binary.LittleEndian.PutUint32(h[16:], 16)
	binary.LittleEndian.PutUint16(h[20:], 1) // PCM
	binary.LittleEndian.PutUint16(h[22:], 1) // mono
	binary.LittleEndian.PutUint32(h[24:], uint32(rate))
	binary.LittleEndian.PutUint32(h[28:], uint32(2*rate))
	binary.LittleEndian.PutUint16(h[32:], 2)
	binary.LittleEndian.PutUint16(h[34:], 16)
	copy(h[36:], "data")
	binary.LittleEndian.PutUint32(h[40:], size)
	return h
}

// flush writes what is buffered, then the header that counts it.
func (w *wavWriter) flush() error {
	buf := w.buf[:min(int64(len(w.buf)), wavMaxBytes-w.bytes)]
	if _, err := w.f.WriteAt(buf, wavHeader+w.bytes); err != nil {
		return err
	}
	w.bytes += int64(len(buf))
	w.buf = w.buf[:0]
	_, err := w.f.WriteAt(wavHead(w.rate, uint32(w.bytes)), 0)
	return err
}

func (w *wavWriter) close() error {
	return errors.Join(w.flush(), w.f.Close())
}
