package cli

import (
	"bufio"
	"errors"
	"io"
	"strings"

	"parley.lan/room"
)

// maxLine is the longest line taken from standard input, in bytes without its end.
const maxLine = room.MaxText

var errLineTooLong = errors.New("the line is too long and was not sent")

// lineReader is where lines come from: a stream, or a terminal with line editing.
type lineReader interface {
	// ReadLine returns the next line without its end, as valid UTF-8. After errLineTooLong the next call
	// goes on with the next line. io.EOF means that nothing more will come.
	ReadLine() (string, error)
}

// streamReader reads lines from a pipe, a file or a terminal without editing. It never holds more than maxLine
// bytes, however long a line is.
type streamReader struct{ r *bufio.Reader }

func newStreamReader(r io.Reader) *streamReader {
	return &streamReader{bufio.NewReaderSize(r, maxLine+len("\r\n"))}
}

func (s *streamReader) ReadLine() (string, error) {
	b, err := s.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = s.r.ReadSlice('\n')
		}
		return "", errLineTooLong
	}
	if err != nil && len(b) == 0 {
		return "", err
	}
	line := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	if len(line) > maxLine {
		return "", errLineTooLong
	}
	return strings.ToValidUTF8(line, "\uFFFD"), nil
}
