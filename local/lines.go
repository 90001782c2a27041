package local

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"parley.lan/node"
	"parley.lan/room"
)

// What is asked for, and each line that is said after it. Keys that a side does not know are skipped.
type (
	request struct {
		Do        string `json:"do"`
		Recording bool   `json:"recording,omitempty"` // of hear
		Set       string `json:"set,omitempty"`       // of ptt and mute: on, off or toggle
		Text      string `json:"text,omitempty"`      // of text
	}
	answer struct {
		OK    bool   `json:"ok"`
		Room  string `json:"room,omitempty"`
		Error string `json:"error,omitempty"`
		Hint  string `json:"hint,omitempty"`

		Sound    *node.Sounding `json:"sound,omitempty"`    // of sound
		Switches *node.Switches `json:"switches,omitempty"` // of ptt and mute, as they are now
		ID       *room.ID       `json:"id,omitempty"`       // of text
		Self     *room.NodeID   `json:"self,omitempty"`     // of attach: the node's id
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
	doHear   = "hear"
	doSay    = "say"
	doSound  = "sound"
	doText   = "text"
	doMute   = "mute"
	doPTT    = "ptt"
	doQuit   = "quit"
	doAttach = "attach"
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

	writing sync.Mutex
}

func newLines(c net.Conn, limit int) *lines { return &lines{Conn: c, r: bufio.NewReaderSize(c, limit)} }

var errLine = errors.New("a line is too long")

// read waits for the next object. io.EOF is the end, also in the middle of a line.
func (l *lines) read(into any) error {
	b, err := l.line()
	if err != nil {
		return err
	}
	return parse(b, into)
}

// line waits for the next line, which is valid until the one after it.
func (l *lines) line() ([]byte, error) {
	b, err := l.r.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, errLine
	case err != nil:
		return nil, io.EOF
	}
	return b, nil
}

func parse(line []byte, into any) error {
	if err := json.Unmarshal(line, into); err != nil {
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
	return l.put(append(b, '\n'))
}

// put writes one whole line. Several goroutines may.
func (l *lines) put(line []byte) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.SetWriteDeadline(time.Now().Add(writeTime))
	_, err := l.Write(line)
	if err != nil {
		l.Close() // half a line may be out, and nothing must come behind it
	}
	return err
}
