package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"strings"
	"testing"
	"testing/synctest"
)

// shake runs a handshake between two configurations and returns both ends' errors and states.
func shake(t *testing.T, server, client *tls.Config) (s, c *tls.Conn, serr, cerr error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan error, 1)
	go func() {
		conn, err := l.Accept()
		if err == nil {
			s = tls.Server(conn, server)
			if err = s.Handshake(); err == nil {
				_, err = s.Write([]byte{1})
			} else {
				s.Close()
			}
		}
		done <- err
	}()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c = tls.Client(conn, client)
	if cerr = c.Handshake(); cerr == nil {
		// A client learns only by reading that the server didn't like its certificate (RFC 8446 section 4.4.2.4).
		_, cerr = c.Read(make([]byte, 1))
	}
	if cerr != nil {
		c.Close()
	}
	serr = <-done
	t.Cleanup(func() { c.Close(); s.Close() })
	return s, c, serr, cerr
}

func TestMutualTLS(t *testing.T) {
	ada, bob := newIdentity(t), newIdentity(t)
	for _, expect := range []NodeID{{}, ada.ID} {
		s, c, serr, cerr := shake(t, ada.ServerTLS(), bob.ClientTLS(expect))
		if serr != nil || cerr != nil {
			t.Fatal(serr, cerr)
		}
		if id, key, err := PeerOf(s.ConnectionState()); err != nil || id != bob.ID || !bob.Public().Equal(key) {
			t.Errorf("server met %v, %v", id, err)
		}
		if id, _, err := PeerOf(c.ConnectionState()); err != nil || id != ada.ID {
			t.Errorf("client met %v, %v", id, err)
		}
		up, down, err := VoiceKeys(s.ConnectionState())
		if err != nil {
			t.Fatal(err)
		}
		up2, down2, err := VoiceKeys(c.ConnectionState())
		if err != nil || up != up2 || down != down2 || up == down {
			t.Errorf("voice keys differ between the ends, or agree between directions (%v)", err)
		}
	}
}

func TestTLSRefuses(t *testing.T) {
	ada, bob, eve := newIdentity(t), newIdentity(t), newIdentity(t)
	client := func(f func(*tls.Config)) *tls.Config {
		c := bob.ClientTLS(ada.ID)
		f(c)
		return c
	}
	for name, tc := range map[string]struct {
		server, client *tls.Config
		want           string // in either end's error
	}{
		"another node than expected": {eve.ServerTLS(), bob.ClientTLS(ada.ID), "expected node"},
		"a client without a key": {ada.ServerTLS(), client(func(c *tls.Config) { c.Certificates = nil }),
			"certificate"},
		"a client with two certificates": {ada.ServerTLS(), client(func(c *tls.Config) {
			two := bob.cert
			two.Certificate = [][]byte{two.Certificate[0], eve.cert.Certificate[0]}
			c.Certificates = []tls.Certificate{two}
		}), "2 certificates"},
		"somebody else's certificate": {ada.ServerTLS(), client(func(c *tls.Config) {
			stolen := eve.cert
			stolen.PrivateKey = bob.Key
			c.Certificates = []tls.Certificate{stolen}
		}), "signature"},
		"a key of another kind": {ada.ServerTLS(), client(func(c *tls.Config) {
			c.Certificates = []tls.Certificate{ecdsaCert(t)}
		}), "not ed25519"},
		"TLS 1.2": {ada.ServerTLS(), client(func(c *tls.Config) {
			c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
		}), "version"},
		"another protocol": {ada.ServerTLS(), client(func(c *tls.Config) { c.NextProtos = []string{"h2"} }),
			"application protocol"},
		"no protocol": {ada.ServerTLS(), client(func(c *tls.Config) {
			c.NextProtos, c.VerifyConnection = nil, nil
		}), "speaks"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, serr, cerr := shake(t, tc.server, tc.client)
			if serr == nil && cerr == nil {
				t.Fatal("let in")
			}
			for _, err := range []error{serr, cerr} {
				if err != nil && strings.Contains(err.Error(), tc.want) {
					return
				}
			}
			t.Errorf("server: %v; client: %v; want %q", serr, cerr, tc.want)
		})
	}
}

// A connection never rests on an earlier one: each proves its key anew.
func TestNoResumption(t *testing.T) {
	ada, bob := newIdentity(t), newIdentity(t)
	server, client := ada.ServerTLS(), bob.ClientTLS(ada.ID)
	client.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	for range 2 {
		_, c, serr, cerr := shake(t, server, client)
		if serr != nil || cerr != nil {
			t.Fatal(serr, cerr)
		}
		if c.ConnectionState().DidResume {
			t.Error("resumed")
		}
	}
}

// Machines whose clocks stand in 1970 or run decades ahead still meet: here, in the bubble's year 2000.
func TestClocksDontMatter(t *testing.T) {
	ada, bob := newIdentity(t), newIdentity(t)
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		done := make(chan error, 1)
		go func() { done <- tls.Server(a, ada.ServerTLS()).Handshake() }()
		if err := tls.Client(b, bob.ClientTLS(ada.ID)).Handshake(); err != nil {
			t.Error(err)
		}
		b.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func ecdsaCert(t *testing.T) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
