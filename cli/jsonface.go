package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"parley.lan/node"
)

// jsonTime is RFC 3339 with all nine digits of nanoseconds.
const jsonTime = "2006-01-02T15:04:05.000000000Z07:00"

// jsonFace writes each event as one JSON object a line.
type jsonFace struct{ put func([]byte) }

func (f *jsonFace) show(now time.Time, e node.Event) { f.put(jsonLine(now, e)) }
func (f *jsonFace) deadline() time.Time              { return time.Time{} }
func (f *jsonFace) tick(time.Time)                   {}

func skippedJSON(n int) []byte {
	return jsonLine(time.Now(), skippedError(n))
}

func skippedError(n int) node.Error {
	return node.Error{
		Error: plural(n, "line was", "lines were") + " left out",
		Hint:  "the output was not read fast enough",
	}
}

// jsonLine is e as an object that begins with time and type, with a line's end.
func jsonLine(now time.Time, e node.Event) []byte {
	var fields bytes.Buffer
	enc := json.NewEncoder(&fields)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		panic(fmt.Sprintf("event %s does not fit into JSON: %v", e.Type(), err)) // a mistake of ours, found by the first test
	}
	line := fmt.Appendf(nil, `{"time":%q,"type":%q`, now.UTC().Format(jsonTime), e.Type())
	body := bytes.TrimSpace(fields.Bytes())[1:] // without the opening brace
	if len(body) > 1 {
		line = append(line, ',')
	}
	return append(escapeHidden(line, body), '\n')
}

// escapeHidden appends JSON text to dst with every rune that is not plainly visible as \u escapes. JSON keeps its
// meaning, and a terminal that shows it sees no C1 control and no bidirectional override.
func escapeHidden(dst, text []byte) []byte {
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		switch {
		case r < utf8.RuneSelf && r != 0x7f, unicode.IsPrint(r):
			dst = append(dst, text[:n]...)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			dst = fmt.Appendf(dst, `\u%04x\u%04x`, hi, lo)
		default:
			dst = fmt.Appendf(dst, `\u%04x`, r)
		}
		text = text[n:]
	}
	return dst
}

// printJSON writes values that are not events, such as the rooms found.
func printJSON(w io.Writer, e node.Event) error {
	_, err := w.Write(jsonLine(time.Now(), e))
	return err
}
