package identity

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"time"

	"parley.lan/room"
)

// ALPN names the protocol inside TLS (RFC 7301).
const ALPN = "parley/1"

const voiceLabel = "EXPORTER-parley-voice" // RFC 8446 section 7.5

// ServerTLS is the listening side: TLS 1.3, any key that the client proves to hold. PeerOf tells whose.
func (i *Identity) ServerTLS() *tls.Config {
	c := i.config(NodeID{})
	c.ClientAuth = tls.RequireAnyClientCert
	return c
}

// ClientTLS is the dialling side: the handshake fails unless the server is expect; zero means whoever answers.
func (i *Identity) ClientTLS(expect NodeID) *tls.Config {
	c := i.config(expect)
	c.InsecureSkipVerify = true // no names and no authorities here: VerifyConnection goes by the key
	return c
}

// config leaves resumption off both ways: each connection proves its key anew.
func (i *Identity) config(expect NodeID) *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		NextProtos:             []string{ALPN},
		Certificates:           []tls.Certificate{i.cert},
		SessionTicketsDisabled: true,
		VerifyConnection: func(cs tls.ConnectionState) error {
			if cs.NegotiatedProtocol != ALPN {
				return fmt.Errorf("peer speaks %q, not %s", cs.NegotiatedProtocol, ALPN)
			}
			id, _, err := PeerOf(cs)
			if err == nil && !expect.IsZero() && id != expect {
				err = fmt.Errorf("expected node %v, met %v", expect, id)
			}
			return err
		},
	}
}

// PeerOf tells who is at the other end of a connection made with ServerTLS or ClientTLS, once its handshake
// is done. Nothing in the certificate counts but its key, which the handshake has proved: no signature on it,
// no name, no date, for a machine's clock may be wrong.
func PeerOf(cs tls.ConnectionState) (NodeID, ed25519.PublicKey, error) {
	if len(cs.PeerCertificates) != 1 {
		return NodeID{}, nil, fmt.Errorf("peer sent %d certificates, want 1", len(cs.PeerCertificates))
	}
	key, ok := cs.PeerCertificates[0].PublicKey.(ed25519.PublicKey)
	if !ok {
		return NodeID{}, nil, errors.New("peer's key is not ed25519")
	}
	return room.IDOf(key), key, nil
}

// VoiceKeys derives the two AES-128 keys that seal a member's voice datagrams from its connection to the
// host; both ends get the same ones.
func VoiceKeys(cs tls.ConnectionState) (clientToServer, serverToClient [16]byte, err error) {
	b, err := cs.ExportKeyingMaterial(voiceLabel, nil, 32)
	if err != nil {
		return clientToServer, serverToClient, fmt.Errorf("derive voice keys: %w", err)
	}
	return [16]byte(b[:16]), [16]byte(b[16:]), nil
}

// selfSigned wraps key in the certificate that TLS wants. It tells nothing about the machine or its owner.
func selfSigned(key ed25519.PrivateKey) (tls.Certificate, error) {
	t := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "parley"},
		NotBefore:    time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:     time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), // "never", RFC 5280 section 4.1.2.5
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}
