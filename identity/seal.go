package identity

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hpke"
	"errors"
	"fmt"

	"parley.lan/room"
)

// Private messages use HPKE (RFC 9180) in base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256,
// ChaCha20-Poly1305, which is fast on machines without AES instructions too. Who wrote one is proved by the
// signature on the message that carries it.
var (
	sealKDF  = hpke.HKDFSHA256()
	sealAEAD = hpke.ChaCha20Poly1305()
)

// SealOverhead is how many bytes longer than its text a sealed one is: the encapsulated key and the tag.
const SealOverhead = 32 + 16

const (
	x25519Size = 32
	sealDomain = "parley/1 seal key" // separates this signature from any other use of the same key
)

// Seal makes plain readable to one member only, itself included. info binds it to its circumstances: Open
// needs the same. A member whose Key doesn't belong to its ID, or whose SealKey isn't signed by its Key, is
// an error: the host, which hands out the roster, may have meddled.
func (i *Identity) Seal(to room.Member, info, plain []byte) ([]byte, error) {
	key, err := checkSealKey(to)
	if err != nil {
		return nil, fmt.Errorf("seal to %s: %w", to.ID, err)
	}
	sealed, err := hpke.Seal(key, sealKDF, sealAEAD, info, plain)
	if err != nil {
		return nil, fmt.Errorf("seal to %s: %w", to.ID, err)
	}
	return sealed, nil
}

// Open reads what somebody sealed to this node.
func (i *Identity) Open(info, sealed []byte) ([]byte, error) {
	key, err := hpke.NewDHKEMPrivateKey(i.seal)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	plain, err := hpke.Open(key, sealKDF, sealAEAD, info, sealed)
	if err != nil {
		return nil, errors.New("open: not sealed to this node, or altered")
	}
	return plain, nil
}

// signSealKey makes a room.Member's SealKey.
func signSealKey(key ed25519.PrivateKey, pub *ecdh.PublicKey) []byte {
	b := pub.Bytes()
	return append(b, ed25519.Sign(key, append([]byte(sealDomain), b...))...)
}

func checkSealKey(m room.Member) (hpke.PublicKey, error) {
	switch {
	case len(m.Key) != ed25519.PublicKeySize || len(m.SealKey) != room.SealKeySize:
		return nil, errors.New("the member has no key for private messages")
	case room.IDOf(m.Key) != m.ID:
		return nil, errors.New("the key belongs to another node")
	}
	raw, sig := m.SealKey[:x25519Size], m.SealKey[x25519Size:]
	if !ed25519.Verify(m.Key, append([]byte(sealDomain), raw...), sig) {
		return nil, errors.New("the key for private messages is not the member's own")
	}
	pub, err := ecdh.X25519().NewPublicKey(raw)
	if err != nil {
		return nil, err
	}
	return hpke.NewDHKEMPublicKey(pub)
}
