package local

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"parley.lan/node"
	"parley.lan/room"
)

// What is asked for, and each line that is said after it. Keys that a side does not know are skipped.
type (
	request struct {
		Do        string `json:"do"`
		Recording bool   `json:"recording,omitempty"` // of hear
	}
	answer struct {
		OK    bool   `json:"ok"`
		Room  string `json:"room,omitempty"`
		Error string `json:"error,omitempty"`
		Hint  string `json:"hint,omitempty"`

		Sound *node.Sounding `json:"sound,omitempty"` // of sound
	}
	// frame is a piece of somebody's voice: of hear, from the node; of say, to it, without whose.
	frame struct {
		ID        *room.NodeID `json:"id,omitempty"`
		Name      string       `json:"name,omitempty"`
		SSRC      uint32       `json:"ssrc,omitempty"`
		Seq       uint16       `json:"seq"`
		Timestamp uint32       `json:"timestamp"`
		Level     uint8        `json:"level"`
		Marker    bool         `json:"marker,omitempty"`
		PreRoll   bool         `json:"pre_roll,omitempty"`
		Opus      []byte       `json:"opus"` // base64
		Lost      uint64       `json:"lost,omitempty"`
	}
)

// Requests.
const (
	doHear  = "hear"
	doSay   = "say"
	doSound = "sound"
)

func heardFrame(h node.Heard) frame {
	f := h.Frame
	return frame{
		ID: &h.From.ID, Name: h.From.Name, SSRC: f.SSRC, Seq: f.Seq, Timestamp: f.Timestamp, Level: f.Level, Marker: f.Marker,
		PreRoll: f.PreRoll, Opus: f.Opus, Lost: h.Lost,
	}
}

// voice checks the frame and gives it in the room's terms.
func (f *frame) voice() (room.VoiceFrame, error) {
	if len(f.Opus) == 0 || len(f.Opus) > room.MaxOpus {
		return room.VoiceFrame{}, fmt.Errorf("a frame has 1 to %d bytes of Opus, not %d", room.MaxOpus, len(f.Opus))
	}
	return room.VoiceFrame{
		SSRC: f.SSRC, Seq: f.Seq, Timestamp: f.Timestamp, Level: min(f.Level, room.LevelSilent), Marker: f.Marker,
		PreRoll: f.PreRoll, Opus: f.Opus,
	}, nil
}

// lines is a connection on which JSON objects go both ways, one a line.
type lines struct {
	net.Conn
	r *bufio.Reader
}

func newLines(c net.Conn, limit int) *lines { return &lines{c, bufio.NewReaderSize(c, limit)} }

var errLine = errors.New("a line is too long")

// read waits for the next object. io.EOF is the end, also in the middle of a line.
func (l *lines) read(into any) error {
	b, err := l.r.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return errLine
	case err != nil:
		return io.EOF
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("not JSON of the expected shape: %w", err)
	}
	return nil
}

// write fails when the other side does not take it in writeTime.
func (l *lines) write(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	l.SetWriteDeadline(time.Now().Add(writeTime))
	_, err = l.Write(append(b, '\n'))
	return err
}
