package qr

import (
	"image"
	"image/color"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// photograph shows lines as a terminal would, each half of a character as a square of pixels.
func photograph(t *testing.T, lines []string, dark bool) image.Image {
	t.Helper()
	const side = 4
	ink, ground := color.Gray{0x10}, color.Gray{0xf0}
	if dark {
		ink, ground = ground, ink
	}
	width := utf8.RuneCountInString(lines[0])
	img := image.NewGray(image.Rect(0, 0, width*side, 2*len(lines)*side))
	for row, line := range lines {
		if n := utf8.RuneCountInString(line); n != width {
			t.Fatalf("line %d has %d characters, the first one %d", row, n, width)
		}
		for column, r := range []rune(line) {
			halves, known := map[rune][2]color.Gray{
				' ': {ground, ground}, '▀': {ink, ground}, '▄': {ground, ink}, '█': {ink, ink},
			}[r]
			if !known {
				t.Fatalf("%q is drawn", r)
			}
			for y := range 2 * side {
				for x := range side {
					img.SetGray(column*side+x, row*2*side+y, halves[y/side])
				}
			}
		}
	}
	return img
}

// TestReadersReadWhatIsDrawn: another program's reader gets the text from a picture of the terminal.
func TestReadersReadWhatIsDrawn(t *testing.T) {
	for _, text := range []string{
		"1",
		"192.168.1.20:2222",
		"parley://192.168.1.20:2222/lobby",
		"[fe80::1%eth0]:2222",
		"Zürich, Grüße, 日本語 🎙",
		strings.Repeat("a long text, ", 70),
	} {
		for _, dark := range []bool{false, true} {
			lines, err := Lines(text, dark)
			if err != nil {
				t.Fatal(err)
			}
			photo, err := gozxing.NewBinaryBitmapFromImage(photograph(t, lines, dark))
			if err != nil {
				t.Fatal(err)
			}
			hints := map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_CHARACTER_SET: "UTF-8"}
			read, err := qrcode.NewQRCodeReader().Decode(photo, hints)
			if err != nil {
				t.Errorf("dark %v: %.40q can't be read: %v\n%s", dark, text, err, strings.Join(lines, "\n"))
			} else if read.GetText() != text {
				t.Errorf("dark %v: %.40q is read as %.40q", dark, text, read.GetText())
			}
		}
	}
}

// TestQuietZone: four light modules lie around a code, without which readers don't find it.
func TestQuietZone(t *testing.T) {
	lines, err := Lines("quiet", false)
	if err != nil {
		t.Fatal(err)
	}
	for row, line := range lines {
		outside := row < 2 || row >= len(lines)-2
		if strings.TrimSpace(line) == "" != outside || !strings.HasPrefix(line, "    ") || !strings.HasSuffix(line, "    ") {
			t.Errorf("line %d of %d is %q", row, len(lines), line)
		}
	}
}

func TestTextTooLong(t *testing.T) {
	if lines, err := Lines(strings.Repeat("x", 5000), false); err == nil || lines != nil {
		t.Errorf("%d lines, %v", len(lines), err)
	}
}
