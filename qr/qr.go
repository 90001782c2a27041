// Package qr draws QR codes (ISO/IEC 18004) with the characters of a terminal.
package qr

import (
	"fmt"
	"strings"

	"github.com/skip2/go-qrcode"
)

// Lines draws text as a QR code, two modules to a character and the quiet zone around them, as lines of equal width. dark tells
// that the terminal shows light characters on a dark ground: what is drawn are the light modules then, and else the dark ones,
// since many readers take no code with its colours exchanged. Text of more than a code holds (2,331 bytes) is an error.
func Lines(text string, dark bool) ([]string, error) {
	code, err := qrcode.New(text, qrcode.Medium) // 15 % of it may be unreadable
	if err != nil {
		return nil, fmt.Errorf("no QR code of %d bytes: %w", len(text), err)
	}
	modules := code.Bitmap() // true is dark; with four modules of quiet zone
	drawn := func(x, y int) bool {
		return (y < len(modules) && modules[y][x]) != dark // below the last row the quiet zone goes on
	}
	var lines []string
	for y := 0; y < len(modules); y += 2 {
		var b strings.Builder
		for x := range modules[y] {
			switch upper, lower := drawn(x, y), drawn(x, y+1); {
			case upper && lower:
				b.WriteRune('█')
			case upper:
				b.WriteRune('▀')
			case lower:
				b.WriteRune('▄')
			default:
				b.WriteByte(' ')
			}
		}
		lines = append(lines, b.String())
	}
	return lines, nil
}
