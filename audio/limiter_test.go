package audio

import "testing"

func TestLimiter(t *testing.T) {
	quiet := tone(4800, 48000, 440, 0.8)
	kept := append([]float32{}, quiet...)
	var l limiter
	l.process(kept, 1)
	for i := range quiet {
		if kept[i] != quiet[i] {
			t.Fatal("the limiter changed what needed no limiting")
		}
	}
	loud := tone(48000, 48000, 440, 6)
	for at := 0; at < len(loud); at += mixBlock {
		l.process(loud[at:at+mixBlock], 1)
	}
	for i, v := range loud {
		if v >= 1 || v <= -1 {
			t.Fatalf("sample %d is %v", i, v)
		}
	}
	if db := residue(loud[24000:], 48000, 440); db > -25 {
		t.Errorf("a tone four times too loud comes out with %.1f dB of distortion", db)
	}
}
