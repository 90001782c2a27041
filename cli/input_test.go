package cli

import (
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzLines: whatever comes in on standard input, lines are short, valid and whole, and each of them is
// understood or refused with a reason.
func FuzzLines(f *testing.F) {
	f.Add("hello\n/who\n//x\n/msg \"a b\" c\n")
	f.Add("/\n/ x\n\r\n\xff\n/msg Zoë hi\n/msg \"")
	f.Add(strings.Repeat("x", maxLine) + "\r\n" + strings.Repeat("y", maxLine+1) + "\nz")
	f.Fuzz(func(t *testing.T, in string) {
		r := newStreamReader(strings.NewReader(in))
		lines := 0
		for {
			line, err := r.ReadLine()
			if errors.Is(err, io.EOF) {
				break
			}
			lines++
			if errors.Is(err, errLineTooLong) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(line, "\n") || !utf8.ValidString(line) || len(line) > 3*maxLine {
				t.Fatalf("bad line %q", line)
			}
		}
		want := strings.Count(in, "\n")
		if in != "" && !strings.HasSuffix(in, "\n") {
			want++
		}
		if lines != want {
			t.Errorf("%d lines of %d", lines, want)
		}
	})
}

type brokenReader struct{ io.Reader }

func (b brokenReader) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil {
		err = errors.New("unplugged")
	}
	return n, err
}

func TestBrokenInput(t *testing.T) {
	r := newStreamReader(brokenReader{strings.NewReader("one\ntwo")})
	for _, want := range []string{"one", "two"} {
		if line, err := r.ReadLine(); line != want || err != nil {
			t.Errorf("%q, %v", line, err)
		}
	}
	if _, err := r.ReadLine(); err == nil || err.Error() != "unplugged" {
		t.Errorf("%v", err)
	}
}
