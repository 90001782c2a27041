package audio

import (
	"os"
	"path/filepath"
	"testing"

	"parley.lan/room"
)

// speech loads a clip of testdata at 48 kHz.
func speech(t testing.TB, name string) []float32 {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name+".wav"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := newWAVReader(f)
	if err != nil {
		t.Fatal(err)
	}
	pcm := make([]float32, 60*r.rate)
	return newResampler(r.rate, room.SampleRate).process(nil, pcm[:r.read(pcm)])
}

// wide makes a signal fit for package audiotest.
func wide(pcm []float32) []float64 {
	out := make([]float64, len(pcm))
	for i, v := range pcm {
		out[i] = float64(v)
	}
	return out
}
