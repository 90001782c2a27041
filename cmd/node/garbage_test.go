//go:build linux

package main_test

import (
	"crypto/ed25519"
	crand "crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"io"
	"math/big"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"parley.lan/internal/lantest"
)

// garbage makes malformed input, the same for the same seed. It is used from one goroutine.
type garbage struct {
	rng   *rand.Rand
	hello []byte // a real ClientHello
	cert  tls.Certificate
	mdns  [][]byte // real datagrams of this LAN, to be damaged
	bcn   [][]byte
}

func (g *garbage) bytes(most int) []byte {
	b := make([]byte, 1+g.rng.IntN(most))
	for i := range b {
		b[i] = byte(g.rng.Uint32())
	}
	return b
}

// damaged is a copy of one of the originals with bits flipped, cut short or padded.
func (g *garbage) damaged(originals ...[]byte) []byte {
	b := slices.Clone(originals[g.rng.IntN(len(originals))])
	for range 1 + g.rng.IntN(8) {
		b[g.rng.IntN(len(b))] ^= byte(1 << g.rng.IntN(8))
	}
	switch g.rng.IntN(3) {
	case 0:
		b = b[:g.rng.IntN(len(b))+1]
	case 1:
		b = append(b, g.bytes(200)...)
	}
	return b
}

// stream is what a broken or malicious client sends over TCP.
func (g *garbage) stream() []byte {
	switch g.rng.IntN(7) {
	case 0:
		return g.bytes(2000)
	case 1: // a TLS record of the largest length, hardly filled
		return append([]byte{0x16, 3, 1, 0xff, 0xff}, g.bytes(100)...)
	case 2:
		return g.damaged(g.hello)
	case 3: // half a handshake
		return g.hello[:g.rng.IntN(len(g.hello))]
	case 4: // a name without end
		return []byte(strings.Repeat("name", 500+g.rng.IntN(5000)))
	case 5: // a name and lines that a terminal would obey, and one that is too long
		return []byte("mallory\x1b[2J\x00\n\x1b]0;title\x07\n" + strings.Repeat("long", g.rng.IntN(20000)) + "\n")
	default:
		return []byte{byte(g.rng.Uint32())}
	}
}

// frames is what a stranger sends once TLS has let it in.
func (g *garbage) frames() []byte {
	switch g.rng.IntN(4) {
	case 0:
		return g.bytes(3000)
	case 1: // the largest lengths, at every alignment
		return slices.Repeat([]byte{0xff}, 1+g.rng.IntN(64))
	case 2: // half a frame
		return append(binary.BigEndian.AppendUint32(nil, uint32(g.rng.IntN(70000))), g.bytes(50)...)
	default: // many empty frames
		return make([]byte, 1+g.rng.IntN(4000))
	}
}

// question is multicast DNS that no implementation sends: counts without records, names that point at
// themselves, and damage to what was really heard.
func (g *garbage) question() []byte {
	switch g.rng.IntN(4) {
	case 0:
		return g.bytes(1200)
	case 1:
		return append([]byte{0, 0, byte(g.rng.Uint32()), 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, g.bytes(300)...)
	case 2:
		return append([]byte{0, 0, 0x84, 0, 0, 1, 0, 3, 0, 0, 0, 0}, slices.Repeat([]byte{0xc0, 0x0c}, 1+g.rng.IntN(200))...)
	default:
		return g.damaged(g.mdns...)
	}
}

// attack is one malformed input, with the port it goes to and how.
type attack struct {
	target  string // "text", "voice" over TCP, "frames" past TLS; "sound", "mdns", "beacon" over UDP
	payload []byte
	linger  bool // keep the connection a moment instead of closing it at once
}

// plan gives n attacks in random order.
func (g *garbage) plan(n int) []attack {
	var all []attack
	for i := range n {
		a := attack{linger: g.rng.IntN(4) == 0}
		switch i % 20 {
		case 0, 1, 2, 3:
			a.target, a.payload = "text", g.stream()
		case 4, 5, 6:
			a.target, a.payload = "voice", g.stream()
		case 7:
			a.target, a.payload = "frames", g.frames()
		case 8, 9, 10, 11, 12, 13:
			a.target, a.payload = "sound", g.bytes(1400)
		case 14, 15, 16:
			a.target, a.payload = "mdns", g.question()
		default:
			a.target, a.payload = "beacon", g.bytes(600)
			if g.rng.IntN(2) == 0 {
				a.payload = g.damaged(g.bcn...)
			}
		}
		all = append(all, a)
	}
	g.rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// carry sends one attack from a host. An error says that it did not reach its target.
func (a attack) carry(from *lantest.Host, target *lantest.Host, cert tls.Certificate) error {
	ports := map[string]string{"text": "2222", "frames": "2222", "voice": "55555", "sound": "55555", "mdns": "5353", "beacon": "22222"}
	network := "udp"
	if a.target == "text" || a.target == "voice" || a.target == "frames" {
		network = "tcp"
	}
	conn, err := from.Dial(network, net.JoinHostPort(target.Addr().String(), ports[a.target]))
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(2 * time.Second))
	if a.target == "frames" {
		secure := tls.Client(conn, &tls.Config{
			InsecureSkipVerify: true, NextProtos: []string{"parley/1"}, MinVersion: tls.VersionTLS13,
			Certificates: []tls.Certificate{cert},
		})
		if err := secure.Handshake(); err != nil {
			return err
		}
		conn = secure
	}
	if _, err := conn.Write(a.payload); err != nil {
		return err
	}
	if a.linger && network == "tcp" {
		conn.SetDeadline(time.Now().Add(30 * time.Millisecond))
		io.Copy(io.Discard, conn)
	}
	return nil
}

// realDatagrams keeps a few of each kind that pass through the LAN.
type realDatagrams struct {
	mu        sync.Mutex
	mdns, bcn [][]byte
}

func (r *realDatagrams) see(_, _ *lantest.Host, frame []byte) bool {
	p := lantest.Parse(frame)
	if p.UDP(5353) || p.UDP(beaconPort) {
		r.mu.Lock()
		defer r.mu.Unlock()
		into := &r.mdns
		if p.UDP(beaconPort) {
			into = &r.bcn
		}
		if len(*into) < 50 && len(p.Payload) > 0 {
			*into = append(*into, slices.Clone(p.Payload))
		}
	}
	return true
}

func newGarbage(t *testing.T, seed uint64, seen *realDatagrams) *garbage {
	t.Helper()
	g := &garbage{rng: rand.New(rand.NewPCG(seed, 0))}
	seen.mu.Lock()
	g.mdns, g.bcn = slices.Clone(seen.mdns), slices.Clone(seen.bcn)
	seen.mu.Unlock()
	if len(g.mdns) == 0 || len(g.bcn) == 0 {
		t.Fatalf("heard %d mDNS datagrams and %d beacons to damage, want some of each", len(g.mdns), len(g.bcn))
	}
	ours, theirs := net.Pipe()
	go tls.Client(theirs, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"parley/1"}}).Handshake()
	buf := make([]byte, 4096)
	n, err := ours.Read(buf)
	ours.Close()
	if err != nil {
		t.Fatal(err)
	}
	g.hello = buf[:n]

	pub, key, err := ed25519.GenerateKey(crand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mallory"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(crand.Reader, template, template, pub, key)
	if err != nil {
		t.Fatal(err)
	}
	g.cert = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	return g
}
