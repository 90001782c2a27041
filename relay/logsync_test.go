package relay

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"fmt"
	"testing"
	"time"

	"parley.lan/identity"
	"parley.lan/room"
	"parley.lan/wire"
)

// runOf signs n messages of one author's run, the first with the number from.
func runOf(t *testing.T, key ed25519.PrivateKey, run, from uint64, n int) (out []*room.Entry) {
	t.Helper()
	for i := range n {
		e, err := room.Sign(key, room.Message{
			Room: "lobby", Run: run, Seq: from + uint64(i), Sent: time.Now().UnixNano(), Kind: room.Text, Name: "eve", Text: fmt.Sprint(i),
		})
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

func newKey(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	id, err := identity.New()
	if err != nil {
		t.Fatal(err)
	}
	return id.Key
}

func TestShortMessagesFitIntoTheirFrames(t *testing.T) {
	log := room.NewLog()
	for _, e := range runOf(t, newKey(t), 1<<60, 1, 1500) {
		log.Append(e, room.NodeID{1})
	}
	b := bufio.NewReader(bytes.NewReader(appendEntries(nil, log.Entries())))
	got := 0
	for {
		typ, body, err := wire.Read(b, wire.MaxFrame)
		if err != nil {
			break
		}
		var pack wire.Entries
		if err := wire.Decode(body, &pack); err != nil || typ != wire.TEntries {
			t.Fatalf("frame type %d: %v", typ, err)
		}
		got += len(pack.List)
	}
	if got != 1500 {
		t.Errorf("%d messages in the frames, want 1500", got)
	}
}
