package audio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"
)

func TestWAVRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.wav")
	w, err := createWAV(path, 48000)
	if err != nil {
		t.Fatal(err)
	}
	want := []float32{0, 0.5, -0.5, 1, -1, 1.0 / 32767}
	w.write(want[:3])
	if err := w.flush(); err != nil {
		t.Fatal(err)
	}
	// Valid at every flush: that is what a killed node leaves.
	if got := readAll(t, path); len(got) != 3 {
		t.Errorf("%d samples after the first flush, want 3", len(got))
	}
	w.write(want[3:])
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	got := readAll(t, path)
	if len(got) != len(want) {
		t.Fatalf("%d samples, want %d", len(got), len(want))
	}
	for i := range want {
		if math.Abs(float64(got[i]-want[i])) > 1.0/16384 {
			t.Errorf("sample %d is %v, want %v", i, got[i], want[i])
		}
	}
}

func readAll(t *testing.T, path string) []float32 {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := newWAVReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	pcm := make([]float32, len(b))
	return pcm[:r.read(pcm)]
}

// wavFile builds a file from its parts.
func wavFile(tag uint16, channels uint16, rate uint32, bits uint16, size uint32, data []byte) []byte {
	b := append([]byte("RIFF\xff\xff\xff\xffWAVE"), "LIST\x03\x00\x00\x00abc\x00fmt \x10\x00\x00\x00"...)
	b = binary.LittleEndian.AppendUint16(b, tag)
	b = binary.LittleEndian.AppendUint16(b, channels)
	b = binary.LittleEndian.AppendUint32(b, rate)
	b = append(b, 0, 0, 0, 0, 0, 0)
	b = binary.LittleEndian.AppendUint16(b, bits)
	b = append(b, "data"...)
	b = binary.LittleEndian.AppendUint32(b, size)
	return append(b, data...)
}

func TestWAVReader(t *testing.T) {
	four := []byte{0, 64, 0, 64, 0, 192, 0, 0}
	for name, c := range map[string]struct {
		file []byte
		want []float32 // nil: refused
	}{
		"mono after an odd chunk":  {wavFile(1, 1, 48000, 16, 8, four), []float32{.5, .5, -.5, 0}},
		"stereo is averaged":       {wavFile(1, 2, 48000, 16, 8, four), []float32{.5, -.25}},
		"unknown length":           {wavFile(1, 1, 48000, 16, math.MaxUint32, four), []float32{.5, .5, -.5, 0}},
		"shorter than it promises": {wavFile(1, 1, 48000, 16, 100, four[:5]), []float32{.5, .5}},
		"more than it promises":    {wavFile(1, 1, 48000, 16, 4, four), []float32{.5, .5}},
		"float":                    {wavFile(3, 1, 48000, 32, 8, four), nil},
		"24 bits":                  {wavFile(1, 1, 48000, 24, 8, four), nil},
		"six channels":             {wavFile(1, 6, 48000, 16, 8, four), nil},
		"4 kHz":                    {wavFile(1, 1, 4000, 16, 8, four), nil},
		"nothing":                  {nil, nil},
		"half a header":            {wavFile(1, 1, 48000, 16, 8, four)[:30], nil},
		"another format":           {bytes.Repeat([]byte("OggS"), 20), nil},
	} {
		r, err := newWAVReader(bytes.NewReader(c.file))
		if c.want == nil {
			if !errors.Is(err, errWAV) {
				t.Errorf("%s: %v, want a refusal", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		pcm := make([]float32, 10)
		got := pcm[:r.read(pcm)]
		if len(got) != len(c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s: %v, want %v", name, got, c.want)
				break
			}
		}
	}
}

func FuzzWAVReader(f *testing.F) {
	f.Add(wavFile(1, 1, 48000, 16, 8, make([]byte, 8)))
	f.Add(wavFile(1, 2, 44100, 16, math.MaxUint32, make([]byte, 7)))
	f.Add(wavFile(0xFFFE, 2, 8000, 16, 0, make([]byte, 9)))
	f.Add([]byte("RIFF\x00\x00\x00\x00WAVEfmt \xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := newWAVReader(bytes.NewReader(file))
		if err != nil {
			return
		}
		pcm := make([]float32, 100)
		for range 1 + len(file)/100 {
			n := r.read(pcm)
			for _, v := range pcm[:n] {
				if v < -1 || v > 1 {
					t.Fatalf("a sample of %v", v)
				}
			}
		}
		if n := r.read(pcm); n != 0 {
			t.Fatalf("%d samples beyond the file's end", n)
		}
	})
}
