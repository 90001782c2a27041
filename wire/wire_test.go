package wire

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"errors"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"parley.lan/room"
)

func TestFramesRoundTrip(t *testing.T) {
	key := ed25519.NewKeyFromSeed(make([]byte, 32)).Public().(ed25519.PublicKey)
	id := room.IDOf(key)
	for typ, m := range map[Type]any{
		THello:    Hello{Proto: Version, Room: "lobby", Name: "Ada", Run: 1 << 63, SSRC: 7, Epoch: 3, Host: id[:], Digest: make([]byte, 32), Control: 55556, WiFi: true, Battery: true, Terms: &Terms{Yields: true, Forced: true, Members: 9, Age: 1 << 63, Text: 2222}, State: &State{Recording: true}},
		TWelcome:  Welcome{Epoch: 3, Host: id[:], Session: 9, VoicePort: 55555, Members: []Member{{ID: id[:], Name: "Ada", SSRC: 7, Key: key, Control: "10.0.0.2:55556", State: &State{Listening: true}}}, Forced: true, Heirs: []Peer{{Host: id[:], Addrs: []string{"10.0.0.1:2222"}}}},
		TRedirect: Peer{Epoch: 4, Host: id[:], Addrs: []string{"10.0.0.1:2222"}},
		TVector:   VectorPart{Runs: []Run{{Author: id[:], Run: 5, Low: 1, High: 9, Sum: 1 << 63}}, More: true, Floor: 7},
		TEntries:  Entries{List: []Entry{{Body: []byte{1}, Sig: []byte{2}, HLC: 3, Host: id[:], N: 4}}},
		TLeft:     Left{ID: id[:]},
		TBye:      Bye{Reason: "gone", Code: ByeTwin},
		TState:    State{Recording: true, Listening: true},

		TSaw:        Peer{Epoch: 4, Host: id[:], Addrs: []string{"0.0.0.0:2222"}, Forced: true},
		TSuccession: Succession{Heirs: []Peer{{Host: id[:], Addrs: []string{"10.0.0.1:2222"}}}},
		TReady:      Ready{Text: 65535},
		TProbe:      Probe{Room: "lobby"},
		TProbed:     Probed{Hosts: true, Yours: true, Host: Peer{Epoch: 4, Host: id[:], Addrs: []string{"10.0.0.1:2222"}}},
	} {
		b, err := Append(nil, typ, m)
		if err != nil {
			t.Fatal(err)
		}
		got, body, err := Read(bufio.NewReader(bytes.NewReader(b)), MaxFrame)
		if err != nil || got != typ {
			t.Fatalf("type %d came as %d, %v", typ, got, err)
		}
		back := reflect.New(reflect.TypeOf(m))
		if err := Decode(body, back.Interface()); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(back.Elem().Interface(), m) {
			t.Errorf("type %d: %+v came back as %+v", typ, m, back.Elem())
		}
		for n := range len(b) { // every truncation is an error, never a panic
			if _, _, err := Read(bufio.NewReader(bytes.NewReader(b[:n])), MaxFrame); err == nil {
				t.Fatalf("type %d cut to %d bytes was read", typ, n)
			}
		}
	}
}

func TestLengthsOutOfBoundsEndTheConnection(t *testing.T) {
	for _, head := range []string{"\x00\x00\x00\x00", "\xff\xff\xff\xff\x01", "\x00\x01\x00\x01\x01"} {
		if _, _, err := Read(bufio.NewReader(bytes.NewReader([]byte(head))), MaxFrame); !errors.Is(err, ErrTooLong) {
			t.Errorf("%x: %v", head, err)
		}
	}
	if _, err := Append(nil, TBye, Bye{Reason: string(make([]byte, MaxFrame))}); !errors.Is(err, ErrTooLong) {
		t.Errorf("appended too much: %v", err)
	}
}

func TestRosterLinesAreChecked(t *testing.T) {
	key := ed25519.NewKeyFromSeed(make([]byte, 32)).Public().(ed25519.PublicKey)
	id := room.IDOf(key)
	if m, ok := (Member{ID: id[:], Name: "a\x1bb", Key: key}).Room(); !ok || m.Name != "ab" {
		t.Errorf("good line: %v %+v", ok, m)
	}
	for what, m := range map[string]Member{
		"another's key":    {ID: make([]byte, 16), Name: "x", Key: key},
		"no key":           {ID: id[:], Name: "x"},
		"plain with a key": {ID: id[:], Name: "x", Plain: true, Key: key},
		"short id":         {ID: id[:5], Name: "x", Plain: true},
	} {
		if _, ok := m.Room(); ok {
			t.Errorf("%s was taken", what)
		}
	}
}

func TestVoiceFramesRoundTrip(t *testing.T) {
	frames := []room.VoiceFrame{
		{SSRC: 1, Seq: 65535, Timestamp: 1 << 31, Level: 0, Marker: true, Opus: []byte{1, 2, 3}},
		{SSRC: 2, Seq: 0, Timestamp: 480, Level: 127, Opus: make([]byte, room.MaxOpus)},
	}
	var b []byte
	for i := range frames {
		b = AppendFrame(b, &frames[i])
	}
	for i, rest := 0, b; len(rest) > 0; i++ {
		var f room.VoiceFrame
		var err error
		if rest, err = NextFrame(rest, &f); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(f, frames[i]) {
			t.Errorf("frame %d came as %+v", i, f)
		}
	}
}

func TestSealing(t *testing.T) {
	key := [16]byte{1, 2, 3}
	seal, open := NewSealer(key, 77), NewOpener(key)
	first := seal.Seal(nil, []byte("one"))
	second := seal.Seal(nil, []byte("two"))
	if id, ok := Session(first); !ok || id != 77 {
		t.Errorf("session %d %v", id, ok)
	}
	for i := range first { // one bit anywhere
		b := bytes.Clone(first)
		b[i] ^= 1
		if _, err := open.Open(b); err == nil {
			t.Fatalf("bit in byte %d was not noticed", i)
		}
	}
	for _, d := range [][]byte{second, first} { // reordered
		if _, err := open.Open(bytes.Clone(d)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := open.Open(bytes.Clone(first)); err == nil {
		t.Error("opened twice")
	}
}

// The replay window against the plainest model of it.
func TestReplayWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w window
		taken, last := map[uint64]bool{}, uint64(0)
		for range 300 {
			n := rapid.Uint64Range(max(last, 2*windowBits)-2*windowBits, last+3*windowBits).Draw(t, "n")
			want := n != 0 && !taken[n] && n+windowBits > last
			if got := w.fresh(n); got != want {
				t.Fatalf("counter %d after %d: fresh is %v", n, last, got)
			}
			if want {
				w.take(n)
				taken[n], last = true, max(last, n)
			}
		}
	})
}

func FuzzFrame(f *testing.F) {
	b, _ := Append(nil, THello, Hello{Proto: 1, Room: "lobby", Name: "Ada"})
	f.Add(b)
	b, _ = Append(nil, TEntries, Entries{List: []Entry{{Body: []byte{1}}}})
	f.Add(b)
	f.Add([]byte("\x00\x00\x00\x0a\x06\x9b\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bufio.NewReader(bytes.NewReader(b))
		for {
			_, body, err := Read(r, MaxFrame)
			if err != nil {
				return
			}
			for _, m := range []any{&Hello{}, &Welcome{}, &Refused{}, &Peer{}, &VectorPart{}, &Entries{}, &Entry{}, &Joined{}, &Left{}, &Ping{}, &Bye{}, &Voice{}, &Have{}, &Safe{}, &Succession{}, &Ready{}, &Probe{}, &Probed{}} {
				if Decode(body, m) == nil {
					if w, ok := m.(*Welcome); ok {
						for _, l := range w.Members {
							l.Room()
						}
					}
				}
			}
		}
	})
}

func FuzzVoicePacket(f *testing.F) {
	f.Add(AppendFrame(nil, &room.VoiceFrame{Opus: []byte{1}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		var v room.VoiceFrame
		for len(b) > 0 {
			rest, err := NextFrame(b, &v)
			if err != nil {
				return
			}
			if len(v.Opus) == 0 || len(v.Opus) > room.MaxOpus || len(rest) >= len(b) {
				t.Fatalf("took %+v", v)
			}
			b = rest
		}
	})
}

func FuzzOpen(f *testing.F) {
	f.Add(NewSealer([16]byte{}, 1).Seal(nil, []byte("x")))
	f.Fuzz(func(t *testing.T, b []byte) { // with another key: nothing that is not ours may open
		if _, err := NewOpener([16]byte{9}).Open(b); err == nil {
			t.Error("opened a forgery")
		}
	})
}

func BenchmarkSealOpen(b *testing.B) {
	seal, open := NewSealer([16]byte{}, 1), NewOpener([16]byte{})
	packet, buf := make([]byte, 80), make([]byte, 0, 200)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := open.Open(seal.Seal(buf[:0], packet)); err != nil {
			b.Fatal(err)
		}
	}
}
