package relay

import (
	"bufio"
	"crypto/tls"
	"io"
	"net/netip"
	"testing"

	"parley.lan/identity"
	"parley.lan/wire"
)

// What a hostile host or member might say.

// hostileHost welcomes whoever comes and then says what it is given.
func hostileHost(t *testing.T, says ...[]byte) netip.AddrPort {
	t.Helper()
	id, err := identity.New()
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", id.ServerTLS())
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		if _, _, err := wire.Read(bufio.NewReader(conn), wire.MaxGreeting); err != nil {
			t.Error(err)
			return
		}
		conn.Write(mustAppend(wire.TWelcome, wire.Welcome{Epoch: 1, Host: id.ID[:], VoicePort: 9}))
		for _, b := range says {
			conn.Write(b)
		}
		io.Copy(io.Discard, conn)
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return loopback(port(l.Addr()))
}

func raisedTo(epoch uint64) []byte { return mustAppend(wire.TRaised, wire.Raised{Epoch: epoch}) }

// An observer has no voice session: a beat, which asks for an answer, must not be its end.
func TestObserverTakesNoVoice(t *testing.T) {
	beat := wire.AppendBeat(nil, wire.Beat{Epoch: 1, Sent: 1})
	ada := newPeer(t, "ada")
	ada.cfg.Observer = true
	ada.joinAt(t, hostileHost(t, mustAppend(wire.TVoice, wire.Voice{Packet: beat}), raisedTo(2)))
	eventually(t, "what comes after it", func() bool {
		return told(ada, func(n Raised) bool { return n.Reign.Epoch == 2 }) >= 0
	})
	if told(ada, anyOf[Beat]) >= 0 {
		t.Error("an observer was given a beat")
	}
}
