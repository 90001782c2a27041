package termtest_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"parley.lan/internal/termtest"
)

// specimen is a screen of all that is drawn in its own way.
const specimen = "╭─ lobby ───────────────╮┌──┬──┐  \x1b[1mbold\x1b[0m \x1b[2mdim\x1b[0m \x1b[3mitalic\x1b[0m \x1b[4munder\x1b[0m \x1b[7m reverse \x1b[0m\n" +
	"│ \x1b[32m●\x1b[0m Ada  \x1b[32m▁▂▃▄▅▆▇█\x1b[0m      ││  │  │  \x1b[9mstruck\x1b[0m \x1b[38;5;208m256\x1b[0m \x1b[38;2;255;100;200mtrue colour\x1b[0m\n" +
	"│ Zoë 日本 \x1b[2m░▒▓█\x1b[0m         │├──┼──┤  \x1b[41;97m alarm \x1b[0m <&>\n" +
	"╰───────────────────────╯└──┴──┘  ▀▄▌▐▖▗▘▙▚▛▜▝▞▟ ═║ ━┃┏┓┗┛\n" +
	"\x1b[30m0\x1b[31m1\x1b[32m2\x1b[33m3\x1b[34m4\x1b[35m5\x1b[36m6\x1b[37m7\x1b[90m8\x1b[91m9\x1b[92ma\x1b[93mb\x1b[94mc\x1b[95md\x1b[96me\x1b[97mf\x1b[0m 👩‍👩‍👧 ❤️ e\u0301 وصلت 12 اليوم x"

func TestSVG(t *testing.T) {
	s := termtest.NewScreen(t, 70, 7, nil)
	s.Show([]byte(specimen))
	for name, th := range map[string]termtest.Theme{"dark": termtest.Dark, "light": termtest.Light} {
		got := s.SVG("Parley <test>", th)
		if !bytes.Equal(got, s.SVG("Parley <test>", th)) {
			t.Error("the same screen gives two pictures")
		}
		text, dec := "", xml.NewDecoder(bytes.NewReader(got))
		for {
			tok, err := dec.Token()
			if errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			if chars, ok := tok.(xml.CharData); ok {
				text += string(chars)
			}
		}
		for _, want := range []string{"Parley <test>", "lobby", "日", "本", "bold", "<&>", "true colour", "👩‍👩‍👧", "وصلت 12 اليوم"} {
			if !strings.Contains(text, want) {
				t.Errorf("the picture lacks %q", want)
			}
		}
		if strings.ContainsAny(text, "│─█▀") {
			t.Error("lines or blocks are left to a font")
		}
		if dir := os.Getenv("PARLEY_PICTURES"); dir != "" { // to look at them
			if err := os.WriteFile(dir+"/specimen-"+name+".svg", got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}
