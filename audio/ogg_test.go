//go:build cgo

package audio

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"math/bits"
	"slices"
	"testing"

	"parley.lan/audio/audiotest"
	"parley.lan/room"
)

// oggFile is what a reader of RFC 3533 and RFC 7845 makes of a file.
type oggFile struct {
	head, tags []byte
	packets    [][]byte
	granules   []int64 // of each page of sound
	ended      bool
}

// readOgg takes whole pages until the file ends; what breaks a rule is an error.
func readOgg(b []byte) (f oggFile, err error) {
	var total int64
	for n := uint32(0); len(b) > 0; n++ {
		if len(b) < 27 || string(b[:5]) != "OggS\x00" {
			return f, fmt.Errorf("page %d: no page begins here", n)
		}
		head := 27 + int(b[26])
		size := head
		for _, l := range b[27:head] {
			size += int(l)
		}
		page := slices.Clone(b[:size])
		b = b[size:]
		sum := binary.LittleEndian.Uint32(page[22:])
		clear(page[22:26])
		if got := referenceCRC(page); got != sum {
			return f, fmt.Errorf("page %d: CRC %08x, want %08x", n, sum, got)
		}
		if got := binary.LittleEndian.Uint32(page[18:]); got != n {
			return f, fmt.Errorf("page %d is numbered %d", n, got)
		}
		if f.ended {
			return f, fmt.Errorf("page %d comes after the last", n)
		}
		if first := page[5]&oggFirst != 0; first != (n == 0) {
			return f, fmt.Errorf("page %d: flags %d", n, page[5])
		}
		f.ended = page[5]&oggLast != 0
		body := page[head:]
		var packet []byte
		for _, l := range page[27:head] {
			packet = append(packet, body[:l]...)
			body = body[l:]
			if l == 255 {
				continue
			}
			switch {
			case n == 0:
				f.head = packet
			case n == 1:
				f.tags = packet
			default:
				f.packets = append(f.packets, packet)
				samples, err := packetSamples(packet)
				if err != nil {
					return f, err
				}
				total += int64(samples)
			}
			packet = nil
		}
		if packet != nil {
			return f, fmt.Errorf("page %d: a packet goes on", n)
		}
		granule := int64(binary.LittleEndian.Uint64(page[6:]))
		if len(f.granules) > 0 && granule-f.granules[len(f.granules)-1] > 2*room.SampleRate {
			return f, fmt.Errorf("page %d lasts from %d to %d", n, f.granules[len(f.granules)-1], granule)
		}
		if n < 2 && granule != 0 || n >= 2 && granule != total {
			return f, fmt.Errorf("page %d ends at %d, its packets at %d", n, granule, total)
		}
		if n >= 2 {
			f.granules = append(f.granules, granule)
		}
	}
	return f, nil
}

// referenceCRC gets RFC 3533's sum from the standard library's reflected one, whose register begins and ends inverted.
func referenceCRC(b []byte) uint32 {
	mirrored := make([]byte, len(b))
	for i, v := range b {
		mirrored[i] = bits.Reverse8(v)
	}
	return bits.Reverse32(^crc32.Update(^uint32(0), crc32.IEEETable, mirrored))
}

// decodeOgg plays a file as a player does: all packets, less the pre-skip.
func decodeOgg(t *testing.T, b []byte) []float32 {
	t.Helper()
	f, err := readOgg(b)
	if err != nil {
		t.Fatal(err)
	}
	dec, err := newOpusDecoder()
	if err != nil {
		t.Fatal(err)
	}
	var pcm []float32
	buf := make([]float32, maxDecoded)
	for _, p := range f.packets {
		n, err := packetSamples(p)
		if len(p) == 1 && err == nil {
			err = dec.conceal(buf[:n])
		} else if err == nil {
			n, err = dec.decode(p, buf)
		}
		if err != nil {
			t.Fatal(err)
		}
		pcm = append(pcm, buf[:n]...)
	}
	return pcm[min(len(pcm), int(binary.LittleEndian.Uint16(f.head[10:]))):]
}

func TestOggRoundTrip(t *testing.T) {
	var file bytes.Buffer
	o := newOggWriter(&file, "Ada")
	enc, err := newOpusEncoder()
	if err != nil {
		t.Fatal(err)
	}
	said := speech(t, "ada")
	var packet [room.MaxOpus]byte
	for i := 0; i+recordFrame <= len(said); i += recordFrame {
		n, err := enc.encode(said[i:i+recordFrame], packet[:])
		if err != nil {
			t.Fatal(err)
		}
		o.packet(packet[:n], recordFrame)
		if i%(50*recordFrame) == 0 {
			if err := o.flush(); err != nil {
				t.Fatal(err)
			}
			if _, err := readOgg(file.Bytes()); err != nil {
				t.Fatalf("not valid after a flush: %v", err)
			}
		}
	}
	if err := o.close(); err != nil {
		t.Fatal(err)
	}
	f, err := readOgg(file.Bytes())
	if err != nil || !f.ended {
		t.Fatalf("ended %v, %v", f.ended, err)
	}
	if want := "OpusHead\x01\x01\x78\x00\x80\xbb\x00\x00\x00\x00\x00"; string(f.head) != want {
		t.Errorf("head %q, want %q", f.head, want)
	}
	if want := "OpusTags\x06\x00\x00\x00parley\x01\x00\x00\x00\x09\x00\x00\x00TITLE=Ada"; string(f.tags) != want {
		t.Errorf("tags %q, want %q", f.tags, want)
	}
	m := audiotest.Find(audiotest.Decimate(wide(said), 3), audiotest.Decimate(wide(decodeOgg(t, file.Bytes())), 3))
	if m.Envelope < 0.99 || m.Delay.Abs().Milliseconds() > 1 {
		t.Errorf("decoded with %v", m)
	}
}

// TestOggLacing: lengths around multiples of 255, and more packets than a page has segments.
func TestOggLacing(t *testing.T) {
	var file bytes.Buffer
	o := newOggWriter(&file, "")
	var want [][]byte
	for i := range 700 {
		b := bytes.Repeat([]byte{byte(i)}, []int{1, 254, 255, 256, 510, 1275, 3}[i%7])
		b[0] = 31 << 3 // 20 ms, one frame
		want = append(want, b)
		o.packet(b, 960)
	}
	if err := o.close(); err != nil {
		t.Fatal(err)
	}
	f, err := readOgg(file.Bytes())
	if err != nil || !f.ended {
		t.Fatalf("ended %v, %v", f.ended, err)
	}
	if !slices.EqualFunc(f.packets, want, bytes.Equal) {
		t.Errorf("%d packets came back, not the %d written", len(f.packets), len(want))
	}
}

// memFile stands in for a track's file.
type memFile struct{ bytes.Buffer }

func (*memFile) Close() error { return nil }

// TestTrackKeepsItsPlace: what is said at a moment is in the file at that moment, through lost, late, doubled and
// disordered packets, through pauses and through a clock that jumps.
func TestTrackKeepsItsPlace(t *testing.T) {
	said := speech(t, "ada")
	const begin, pause = 700 * ms, 1500 * ms
	for _, c := range []struct {
		name string
		jump uint32                                 // of the timestamps in the pause
		send func(frames []timedFrame) []timedFrame // what comes of what was sent
	}{
		{"as sent", 0, func(f []timedFrame) []timedFrame { return f }},
		{"a clock that jumps", 1 << 30, func(f []timedFrame) []timedFrame { return f }},
		{"every packet twice", 0, func(f []timedFrame) (out []timedFrame) {
			for i := range f {
				out = append(out, f[i], f[max(0, i-1)])
			}
			return out
		}},
		{"one in forty lost", 0, func(f []timedFrame) (out []timedFrame) {
			for i := range f {
				if i%40 != 7 {
					out = append(out, f[i])
				}
			}
			return out
		}},
		{"pairs in disorder", 0, func(f []timedFrame) []timedFrame {
			f = slices.Clone(f)
			for i := 2; i+1 < len(f); i += 2 {
				f[i], f[i+1] = f[i+1], f[i]
			}
			return f
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var file memFile
			tr := newTrackFile(&file, "Ada")
			enc, err := newOpusEncoder()
			if err != nil {
				t.Fatal(err)
			}
			var frames []timedFrame
			var buf [room.MaxOpus]byte
			ts, at := uint32(math.MaxUint32-9999), int64(begin)
			for twice := range 2 {
				for i := 0; i+480 <= len(said); i += 480 {
					n, err := enc.encode(said[i:i+480], buf[:])
					if err != nil {
						t.Fatal(err)
					}
					f := room.VoiceFrame{Seq: uint16(65500 + len(frames)), Timestamp: ts, Marker: i == 0, Opus: slices.Clone(buf[:n])}
					ts, at = ts+480, at+480
					frames = append(frames, timedFrame{at + int64(twice*20*ms), f})
				}
				ts, at = ts+pause+c.jump, at+pause
			}
			flushed := int64(0)
			for _, f := range c.send(frames) {
				if f.at-flushed > room.SampleRate {
					flushed = f.at
					tr.settle(f.at - trackWait)
				}
				tr.put(f.at, f.VoiceFrame, 480)
			}
			if err := tr.close(at); err != nil {
				t.Fatal(err)
			}
			heard := decodeOgg(t, file.Bytes())
			if got := int64(len(heard)) + oggPreSkip; at-got > silenceStep || got > at {
				t.Errorf("%d samples, want %d", got, at)
			}
			second := begin + len(said)/480*480 + pause
			for name, part := range map[string]struct {
				pcm []float32
				at  int
			}{"the first": {heard[:second-pause/2], begin}, "the second": {heard[second-pause/2:], pause / 2}} {
				m := audiotest.Find(audiotest.Decimate(wide(said), 3), audiotest.Decimate(wide(part.pcm), 3))
				if off := m.Delay.Seconds() - float64(part.at)/room.SampleRate; m.Envelope < 0.95 || math.Abs(off) > 0.025 {
					t.Errorf("%s is found with %v, %.4f s off", name, m, off)
				}
			}
		})
	}
}

type timedFrame struct {
	at int64 // when it came
	room.VoiceFrame
}

// FuzzTrack: whatever comes, the file stays valid and no longer than the time that went by.
func FuzzTrack(f *testing.F) {
	f.Add([]byte{0, 1, 0xf8, 9, 1, 2, 0xf0, 100, 255, 255, 3, 7})
	f.Fuzz(func(t *testing.T, in []byte) {
		var file memFile
		tr := newTrackFile(&file, "")
		now := int64(0)
		in = in[:min(len(in), 1000)]
		for len(in) >= 8 {
			now += int64(in[0]) * 10 * ms
			v := room.VoiceFrame{Seq: binary.BigEndian.Uint16(in[1:]), Timestamp: binary.BigEndian.Uint32(in[2:]), Marker: in[6]&1 != 0, Opus: in[6:8]}
			if samples, err := packetSamples(v.Opus); err == nil {
				tr.put(now, v, samples)
			}
			if in[0]&4 != 0 {
				tr.settle(now - trackWait)
			}
			in = in[8:]
		}
		if err := tr.close(now); err != nil {
			t.Fatal(err)
		}
		got, err := readOgg(file.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if n := len(got.granules); n > 0 && got.granules[n-1] > now+2*room.SampleRate {
			t.Errorf("%d samples in %d", got.granules[n-1], now)
		}
	})
}

func TestSilencePackets(t *testing.T) {
	dec, err := newOpusDecoder()
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]float32, maxDecoded)
	for samples := silenceStep; samples <= 8*silenceStep; samples *= 2 {
		n, err := dec.decode(silence(samples), buf)
		if err != nil || n != samples || level(buf[:n]) != room.LevelSilent {
			t.Errorf("%d samples: %d, level %d, %v", samples, n, level(buf[:n]), err)
		}
	}
}

func TestFileName(t *testing.T) {
	for in, want := range map[string]string{
		"Ada": "Ada", "../../etc/passwd": "etc_passwd", "Ada (recording)": "Ada_(recording)", "con": "speaker-con", "": "speaker-",
		"Zoë 日本": "Zoë_日本", "a\x00b": "a_b",
	} {
		if got := fileName(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
