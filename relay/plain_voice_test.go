package relay

import (
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"
)

// deaf makes an original client that reads nothing until told: its system has little room for it.
func deaf(t *testing.T, port uint16) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", loopback(port).String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	tcp := conn.(*net.TCPConn)
	if err := tcp.SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	return tcp
}

// A client whose connection stalls loses sound and not the call, and goes on with what is said then.
func TestPlainVoiceGoesOnLiveAfterAStall(t *testing.T) {
	var listener *fakeListener
	s, ports := testServer(t, func(cfg *Config) {
		withFakeBridge(cfg)
		cfg.Bridge.NewListener = func() (Listener, error) {
			listener = &fakeListener{numbered: true, last: map[uint32]int16{}}
			return listener, nil
		}
	})
	c := deaf(t, ports.VoicePort())
	eventually(t, "admitted", func() bool { return s.Members() == 1 })
	time.Sleep(4 * time.Second) // the stall
	if s.Members() != 1 {
		t.Fatal("it was cut off")
	}
	listener.mu.Lock()
	opened := listener.mixes
	listener.mu.Unlock()
	b := make([]byte, 882)
	stale := 0 // 10 ms pieces from before the window opened
	c.SetReadDeadline(time.Now().Add(5 * time.Second))
	for {
		if _, err := io.ReadFull(c, b); err != nil {
			t.Fatal(err)
		}
		if int16(binary.LittleEndian.Uint16(b)) >= opened {
			break
		}
		stale++
	}
	t.Logf("%d ms of stale sound after a stall of %d ms", 10*stale, 10*int(opened))
	if stale > 100 {
		t.Errorf("%d ms of stale sound", 10*stale)
	}
}

// nc closes its sending half at the end of its input, and still listens.
func TestPlainVoiceListensOnAfterItsLastWord(t *testing.T) {
	s, ports := testServer(t, withFakeBridge)
	c := dialPlain(t, ports.VoicePort())
	c.send(t, "\x07\x00")
	eventually(t, "admitted", func() bool { return s.Members() == 1 })
	if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	before := len(c.heard())
	eventually(t, "sound goes on", func() bool { return len(c.heard()) > before+50*882 })
	c.Close()
	eventually(t, "gone when it closes", func() bool { return s.Members() == 0 })
}

// The 10 ms of a plain member, who talks and hears, cost no allocation.
func TestPlainVoiceAllocatesNothing(t *testing.T) {
	s, _ := testServer(t, withFakeBridge)
	ear := &fakeListener{last: map[uint32]int16{}}
	other := &voiceSession{ssrc: 2, hear: ear.Hear, forget: ear.Forget}
	s.voice.add(other, [16]byte{})
	defer s.voice.remove(other)
	line := newVoiceLine(s, nil, &fakeListener{last: map[uint32]int16{}}, &voiceSession{ssrc: 1})
	line.talker = &fakeTalker{any: true, last: 5}
	now := time.Now()
	if n := testing.AllocsPerRun(100, func() { line.step(now) }); n != 0 {
		t.Errorf("%v allocations each 10 ms", n)
	}
	if ear.last[1] != 5 {
		t.Error("the other hears nothing")
	}
}
