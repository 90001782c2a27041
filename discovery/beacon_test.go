package discovery

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestBeaconRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := beacon{kind: beaconAnnounce, rec: anyRecord.Draw(t, "record"), v4: testAddr}
		if rapid.Bool().Draw(t, "query") {
			b.kind, b.nonce = beaconQuery, rapid.Uint32().Draw(t, "nonce")
		}
		if b.rec.Role == Member {
			b.hostAt = rapid.SampledFrom([]netip.AddrPort{{}, netip.MustParseAddrPort("10.1.2.3:2222"),
				netip.MustParseAddrPort("[fd00::1]:1")}).Draw(t, "hostAt")
		}
		data := b.encode(nil)
		if got, ok := parseBeacon(data); !ok || got != b {
			t.Fatalf("%+v became %+v", b, got)
		}
		if b.kind == beaconQuery && len(data) != beaconSize || len(data) > beaconSize {
			t.Fatalf("%d bytes of kind %d", len(data), b.kind)
		}
		if got, ok := parseBeacon(append(data, "of a later version"...)); !ok || got != b {
			t.Fatal("what follows was not ignored")
		}
	})
}

func TestMalformedBeacons(t *testing.T) {
	b := beacon{kind: beaconAnnounce, rec: hostRecord(1)}
	good := b.encode(nil)
	for n := range len(good) {
		if _, ok := parseBeacon(good[:n]); ok {
			t.Errorf("the first %d of %d bytes were believed", n, len(good))
		}
	}
	with := func(at int, v ...byte) []byte {
		p := bytes.Clone(good)
		copy(p[at:], v)
		return p
	}
	b.kind = beaconQuery
	for name, p := range map[string][]byte{
		"magic":            with(0, 'X'),
		"version":          with(4, 2),
		"kind 0":           with(5, 0),
		"kind 4":           with(5, 4),
		"role":             with(6, 3),
		"zero id":          with(12, make([]byte, 16)...),
		"epoch":            with(44, 0xff),
		"no port":          with(54, 0, 0),
		"no room":          with(80, 0),
		"room's length":    with(80, 255),
		"room not text":    with(81, 0xff),
		"short query":      b.encode(nil)[:beaconSize-1],
		"a DNS message":    {0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0},
		"zeros":            make([]byte, 500),
		"far too long":     bytes.Repeat([]byte("PRLY"), 400),
		"room of 65 bytes": append(with(80, 65)[:81], (strings.Repeat("x", 65) + "\x00")...),
	} {
		if got, ok := parseBeacon(p); ok {
			t.Errorf("%s: believed as %+v", name, got)
		}
	}
}

func FuzzBeacon(f *testing.F) {
	f.Add(beacon{kind: beaconAnnounce, rec: hostRecord(1)}.encode(nil))
	f.Add(beacon{kind: beaconQuery, nonce: 7}.encode(nil))
	f.Add(beacon{kind: beaconGoodbye, rec: hostRecord(2)}.encode(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, ok := parseBeacon(data)
		if ok && b.kind != beaconGoodbye {
			if again, ok := parseBeacon(b.encode(nil)); !ok || again != b {
				t.Fatalf("%+v became %+v", b, again)
			}
		}
		hearAnything(t, packet{on: beaconShared, data: data})
	})
}
