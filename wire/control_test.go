package wire

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"parley.lan/room"
)

func controlKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func idOf(key ed25519.PrivateKey) room.NodeID { return room.IDOf(key.Public().(ed25519.PublicKey)) }

// controls are one of each kind, from key 1 to key 2.
func controls() []Control {
	from, to, host := idOf(controlKey(1)), idOf(controlKey(2)), idOf(controlKey(3))
	return []Control{
		{Kind: Claim, Room: "lobby", To: to[:], Host: Here(room.Reign{Epoch: 4, Host: from}, true, 2222)},
		{Kind: Ask, Room: "lobby", To: to[:], Run: 1 << 63, Probe: 7, About: Peer{Epoch: 3, Host: host[:]}},
		{Kind: Tell, Room: "lobby", To: to[:], Run: 1, Probe: 7, Hears: true, Host: Peer{Epoch: 3, Host: host[:], Addrs: []string{"10.0.0.1:2222"}}},
	}
}

func signed(t testing.TB, key ed25519.PrivateKey, c Control) []byte {
	t.Helper()
	b, err := SignControl(key, c)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestControlRoundTrips(t *testing.T) {
	key := controlKey(1)
	for _, c := range controls() {
		b := signed(t, key, c)
		got, err := ParseControl(b)
		if err != nil {
			t.Fatalf("kind %d: %v", c.Kind, err)
		}
		if !got.Genuine() || got.From() != idOf(key) {
			t.Errorf("kind %d: genuine %v, from %v", c.Kind, got.Genuine(), got.From())
		}
		got.signature, got.signed, got.Key = nil, nil, nil
		if got, want := fmt.Sprintf("%+v", *got), fmt.Sprintf("%+v", c); got != want { // nil and empty lists are one
			t.Errorf("kind %d: %s came back as %s", c.Kind, want, got)
		}
		for n := range len(b) {
			if cut, err := ParseControl(b[:n]); err == nil && cut.Genuine() {
				t.Fatalf("kind %d cut to %d bytes was taken", c.Kind, n)
			}
		}
		if more, err := ParseControl(append(bytes.Clone(b), 0)); err == nil && more.Genuine() {
			t.Errorf("kind %d with a byte more was taken", c.Kind)
		}
	}
}

func TestControlSignature(t *testing.T) {
	key := controlKey(1)
	b := signed(t, key, controls()[0])
	for i := range b { // one bit anywhere: another signature, sender, receiver, room, ...
		bad := bytes.Clone(b)
		bad[i] ^= 1
		if c, err := ParseControl(bad); err == nil && c.Genuine() {
			t.Fatalf("bit in byte %d was not noticed", i)
		}
	}

	// Signed by one, in the name of another.
	c := controls()[0]
	c.Key = controlKey(2).Public().(ed25519.PublicKey)
	body, err := enc.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	forged := append(ed25519.Sign(key, append([]byte(controlLabel), body...)), body...)
	if got, err := ParseControl(forged); err != nil || got.Genuine() {
		t.Errorf("forged: %v", err)
	}

	// The signature of something else that the node signs, a message say, is none of a datagram.
	c.Key = key.Public().(ed25519.PublicKey)
	if body, err = enc.Marshal(c); err != nil {
		t.Fatal(err)
	}
	if got, err := ParseControl(append(ed25519.Sign(key, body), body...)); err != nil || got.Genuine() {
		t.Errorf("without the label: %v", err)
	}

	// To another receiver: what is signed names the first one still.
	if got, err := ParseControl(b); err != nil || !bytes.Equal(got.To, controls()[0].To) {
		t.Errorf("%v: to %x", err, got.To)
	}
}

func TestControlHasASize(t *testing.T) {
	c := controls()[0]
	for range 100 {
		c.Host.Addrs = append(c.Host.Addrs, "10.0.0.1:2222")
	}
	if _, err := SignControl(controlKey(1), c); err == nil {
		t.Error("signed too much")
	}
	for _, size := range []int{0, 1, 64, MaxControl + 1, 64 << 10} {
		if _, err := ParseControl(make([]byte, size)); err == nil {
			t.Errorf("%d bytes were taken", size)
		}
	}
	short := controls()[0]
	short.Key = []byte{1}
	body, _ := enc.Marshal(short)
	if _, err := ParseControl(append(make([]byte, 64), body...)); err == nil {
		t.Error("a key of one byte was taken") // ed25519.Verify panics at one
	}
}

func TestBeatsRoundTrip(t *testing.T) {
	for _, b := range []Beat{{}, {Epoch: 1 << 63, Sent: 1<<64 - 1, Members: 65535, WiFi: true}, {Epoch: 1, Sent: 2, Members: 3},
		{Frame: 8, Up: LossOf(0.05, 1.5), Down: LossOf(1, 63.75)}} {
		p := AppendBeat(nil, b)
		if got, ok := ParseBeat(p); !ok || got != b {
			t.Errorf("%+v came back as %+v, %v", b, got, ok)
		}
		if got, ok := ParseBeat(append(p, 9, 9)); !ok || got != b { // a later version's
			t.Errorf("with more behind it: %+v, %v", got, ok)
		}
		ack := Ack{Sent: b.Sent, Down: b.Up}
		a := AppendAck(nil, ack)
		for _, p := range [][]byte{a, append(a, 9, 9)} {
			if got, ok := ParseAck(p); !ok || got != ack {
				t.Errorf("acknowledged %+v as %+v, %v", ack, got, ok)
			}
		}
		old := Beat{Epoch: b.Epoch, Sent: b.Sent, Members: b.Members, WiFi: b.WiFi} // of an earlier version, without the voice's path
		for n := range p {
			if got, ok := ParseBeat(p[:n]); ok != (n >= beatSize) || ok && got != old {
				t.Fatalf("a beat of %d bytes was read as %+v, %v", n, got, ok)
			}
		}
		for n := range a {
			if got, ok := ParseAck(a[:n]); ok != (n >= ackSize) || ok && got != (Ack{Sent: b.Sent}) {
				t.Fatalf("an ack of %d bytes was read as %+v, %v", n, got, ok)
			}
		}
		if _, ok := ParseAck(p); ok {
			t.Error("a beat was read as an ack")
		}
		if _, ok := ParseBeat(append(a, make([]byte, 20)...)); ok {
			t.Error("an ack was read as a beat")
		}
	}
}

func TestPeersAddresses(t *testing.T) {
	from := netip.MustParseAddr("10.0.0.7")
	for what, c := range map[string]struct {
		addrs []string
		from  netip.Addr
		want  []string
	}{
		"as they come":            {[]string{"10.0.0.1:1", "[fd00::1]:2"}, from, []string{"10.0.0.1:1", "[fd00::1]:2"}},
		"the sender's own":        {[]string{"0.0.0.0:1", "[::]:2"}, from, []string{"10.0.0.7:1", "10.0.0.7:2"}},
		"nobody knows the sender": {[]string{"0.0.0.0:1", "10.0.0.1:1"}, netip.Addr{}, []string{"10.0.0.1:1"}},
		"endless":                 {[]string{"[fe80::1%" + strings.Repeat("x", 5000) + "]:1", "10.0.0.1:1"}, from, []string{"10.0.0.1:1"}},
		"nonsense":                {[]string{"", "x", "10.0.0.1", "10.0.0.1:70000", "host:1", "10.0.0.1:1"}, from, []string{"10.0.0.1:1"}},
	} {
		var got []string
		for _, a := range (Peer{Addrs: c.addrs}).AddrPorts(c.from) {
			got = append(got, a.String())
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", what, got, c.want)
		}
	}
}

// What somebody lies about is passed on, to members and peers alike: it must fit.
func TestAddressesTakenFitIntoADatagram(t *testing.T) {
	longest := "[fe80:1111:2222:3333:4444:5555:6666:7777%enp0s31f6longer]:55555"
	c := controls()[2]
	c.Room, c.Run, c.Probe = strings.Repeat("r", 64), 1<<63, 1<<63
	c.About, c.Host.Epoch = Peer{Epoch: 1 << 63, Host: c.Host.Host}, 1<<63
	c.Host.Addrs = nil
	for _, a := range (Peer{Addrs: slices.Repeat([]string{longest}, 1000)}).AddrPorts(netip.Addr{}) {
		c.Host.Addrs = append(c.Host.Addrs, a.String())
	}
	if _, err := SignControl(controlKey(1), c); err != nil || len(c.Host.Addrs) == 0 {
		t.Errorf("%d addresses: %v", len(c.Host.Addrs), err)
	}
}

// FuzzControl: whatever comes, nothing panics, and what is taken for genuine was signed.
func FuzzControl(f *testing.F) {
	for _, c := range controls() {
		f.Add(signed(f, controlKey(1), c))
	}
	f.Add(make([]byte, MaxControl))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseControl(b)
		if err != nil {
			return
		}
		c.Host.AddrPorts(netip.Addr{})
		c.About.Reign()
		if c.Genuine() && !ed25519.Verify(c.Key, append([]byte(controlLabel), b[64:]...), b[:64]) {
			t.Error("taken for genuine")
		}
	})
}

// FuzzBeat: what is read comes out the same when it is written again.
func FuzzBeat(f *testing.F) {
	f.Add(AppendBeat(nil, Beat{Epoch: 3, Sent: 4, Members: 5, WiFi: true, Frame: 2, Up: LossOf(1, 9)}))
	f.Add(AppendAck(nil, Ack{Sent: 4, Down: LossOf(0.1, 2)}))
	f.Add([]byte{PacketBeat})
	f.Fuzz(func(t *testing.T, p []byte) {
		if b, ok := ParseBeat(p); ok {
			if again, _ := ParseBeat(AppendBeat(nil, b)); again != b {
				t.Errorf("%+v became %+v", b, again)
			}
		}
		if a, ok := ParseAck(p); ok {
			if again := AppendAck(nil, a); !bytes.HasPrefix(again, p[:min(len(p), len(again))]) && len(p) >= len(again) {
				t.Errorf("%x became an ack of %+v", p, a)
			}
		}
	})
}
