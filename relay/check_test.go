package relay

import (
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"parley.lan/identity"
	"parley.lan/room"
	"parley.lan/wire"
)

// TestCheck: a check finds the host's key, the way of voice and the clock, and nobody in the room notices.
func TestCheck(t *testing.T) {
	s, ports := testServer(t, nil)
	ada := newPeer(t, "ada").join(t, ports)
	c := Check(t.Context(), loopback(ports.TextPort()), "lobby")
	if c.Err != nil || c.Stage != Greeted || c.ID != s.cfg.Identity.ID || c.Voice != VoicePasses || c.RTT <= 0 {
		t.Errorf("%+v", c)
	}
	if c.Ahead > time.Second || c.Ahead < -time.Second {
		t.Errorf("the clock is %v ahead of itself", c.Ahead)
	}
	if n := told(ada, func(MemberJoined) bool { return true }); n >= 0 {
		t.Errorf("Ada was told that somebody came")
	}
	eventually(t, "no trace of it left", func() bool { return len(s.voice.table.Load().byID) == 1 })
}

func TestCheckOfAnotherRoom(t *testing.T) {
	_, ports := testServer(t, nil)
	c := Check(t.Context(), loopback(ports.TextPort()), "garden")
	var no *RefusedError
	if !errors.As(c.Err, &no) || no.Code != wire.RefusedRoom || c.Stage != Greeted || c.Voice != VoiceUnknown {
		t.Errorf("%+v", c)
	}
}

// TestCheckWhereNobodyIs, or somebody else.
func TestCheckWhereNobodyIs(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddrPort(l.Addr().String())
	go func() {
		if conn, err := l.Accept(); err == nil {
			conn.Write([]byte("SSH-2.0-x\r\n"))
			conn.Close()
		}
	}()
	if c := Check(t.Context(), addr, "lobby"); c.Stage != Connected || c.Err == nil {
		t.Errorf("another program: %+v", c)
	}
	l.Close()
	if c := Check(t.Context(), addr, "lobby"); c.Stage != NotReached || c.Err == nil {
		t.Errorf("nobody: %+v", c)
	}
}

// TestCheckerNeitherSpeaksNorHears: its voice session answers pings and is good for nothing else.
func TestCheckerNeitherSpeaksNorHears(t *testing.T) {
	relay := newVoiceRelay(nil, time.Now(), &Counters{})
	key := [16]byte{7}
	checker := &voiceSession{open: wire.NewOpener(key), checks: true}
	relay.add(checker, key)
	if all := relay.table.Load().all; len(all) != 0 {
		t.Errorf("it would hear: %v", all)
	}
	speak := room.VoiceFrame{Opus: []byte{1}}
	packet := wire.AppendFrame([]byte{wire.PacketVoice}, &speak)
	sealer := wire.NewSealer(key, checker.id)
	for n, p := range [][]byte{packet, wire.AppendAck(nil, wire.Ack{})} {
		relay.datagram(sealer.Seal(nil, p), loopback(9), nil)
		if bad := relay.counters.PacketsBad.Load(); bad != uint64(n)+1 {
			t.Errorf("packet %d was taken", n)
		}
	}
}

// TestCheckAsksNothingOfMembers: only an observer gets such a session, and one that does not ask gets none.
func TestCheckAsksNothingOfMembers(t *testing.T) {
	s, ports := testServer(t, nil)
	id, err := identity.New()
	if err != nil {
		t.Fatal(err)
	}
	ada := newPeer(t, "ada")
	ada.cfg.Identity, ada.cfg.Observer = id, true
	ada.join(t, ports)
	eventually(t, "the observer in", func() bool { return told(ada, func(Synced) bool { return true }) >= 0 })
	if n := len(s.voice.table.Load().byID); n != 0 {
		t.Errorf("an observer has %d voice sessions", n)
	}
}
