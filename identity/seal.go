package identity

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hpke"
	"crypto/sha512"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"parley.lan/room"
)

// Private messages use HPKE (RFC 9180) in base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256,
// ChaCha20-Poly1305, which is fast on machines without AES instructions too. Who wrote one is proved by the
// signature on the message that carries it.
//
// The X25519 pair is the ed25519 pair in its other form (RFC 7748 section 4.1). A key of its own would come to
// the sender through the host, who could put another in its place; this one, the sender computes from the key
// that the member's id vouches for. Signing and HPKE with one key are safe together (Thormarker, "On using
// the same key pair for Ed25519 and an X25519 based KEM", 2021).
var (
	sealKDF  = hpke.HKDFSHA256()
	sealAEAD = hpke.ChaCha20Poly1305()
)

// SealOverhead is how many bytes longer than its text a sealed one is: the encapsulated key and the tag.
const SealOverhead = 32 + 16

// Seal makes plain readable to one member only. info binds it to its circumstances: Open needs the same.
// A member whose ID and Key don't belong together is an error: the host, which hands out the roster, has
// meddled.
func Seal(to room.Member, info, plain []byte) ([]byte, error) {
	pub, err := sealKeyOf(to.Key)
	if err != nil {
		return nil, fmt.Errorf("seal to %s: %w", to.ID, err)
	}
	if room.IDOf(to.Key) != to.ID {
		return nil, fmt.Errorf("seal to %s: the key is not this member's", to.ID)
	}
	key, err := hpke.NewDHKEMPublicKey(pub)
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

// sealSecret is the X25519 form of a private key: its scalar, RFC 8032 section 5.1.5 (clamped when used).
func sealSecret(key ed25519.PrivateKey) (*ecdh.PrivateKey, error) {
	h := sha512.Sum512(key.Seed())
	return ecdh.X25519().NewPrivateKey(h[:32])
}

var fieldPrime = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))

// sealKeyOf is the X25519 form of a public key: u = (1+y)/(1-y) mod 2^255-19, both little-endian.
func sealKeyOf(key ed25519.PublicKey) (*ecdh.PublicKey, error) {
	if len(key) != ed25519.PublicKeySize {
		return nil, errors.New("no key for private messages")
	}
	b := slices.Clone(key)
	b[31] &= 0x7f // the sign of x
	slices.Reverse(b)
	y, one := new(big.Int).SetBytes(b), big.NewInt(1)
	u := new(big.Int).Sub(one, y)
	if u.ModInverse(u.Mod(u, fieldPrime), fieldPrime) == nil {
		return nil, errors.New("the key is no point of the curve")
	}
	u.Mod(u.Mul(u, y.Add(one, y)), fieldPrime)
	u.FillBytes(b)
	slices.Reverse(b)
	return ecdh.X25519().NewPublicKey(b)
}
