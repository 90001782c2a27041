package node

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonTime is RFC 3339 with all nine digits of nanoseconds.
const jsonTime = "2006-01-02T15:04:05.000000000Z07:00"

// EventLine is e as a JSON object that begins with time and type, with a line's end. It may be shown: what is not plainly
// visible is escaped.
func EventLine(now time.Time, e Event) []byte {
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

// decoders read each type of event. Whoever adds one adds it here too; a test looks.
var decoders = map[string]func([]byte) (Event, error){
	"seeking": decode[Seeking], "hosting": decode[Hosting], "joined": decode[Joined], "host-lost": decode[HostLost],
	"member-joined": decode[MemberJoined], "member-left": decode[MemberLeft], "member-state": decode[MemberState],
	"renamed": decode[Renamed], "message": decode[Message], "pending": decode[Pending], "delivered": decode[Delivered],
	"safe": decode[Safe], "reunited": decode[Reunited], "speaking": decode[Speaking], "recording": decode[Recording],
	"switched": decode[Switched], "voice": decode[Voice], "audio": decode[Audio], "error": decode[Error], "left": decode[Left],
}

func decode[E Event](line []byte) (Event, error) {
	var e E
	err := json.Unmarshal(line, &e)
	return e, err
}

// DecodeEvent reads what EventLine wrote. Of a type that this version does not know it is nil.
func DecodeEvent(line []byte) (Event, error) {
	var head struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return nil, fmt.Errorf("event: %w", err)
	}
	read := decoders[head.Type]
	if read == nil {
		return nil, nil
	}
	e, err := read(line)
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", head.Type, err)
	}
	return e, nil
}
