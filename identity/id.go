// Package identity answers who a node is and how it proves it: its keys, its certificate for TLS, private
// messages sealed to it, and the names and keys it has met before.
package identity

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"fmt"

	"parley.lan/room"
)

// NodeID is room.NodeID, named here for packages that know nobody but this one.
type NodeID = room.NodeID

// Identity is a node's keys. It does not change once made, and any number of goroutines may use it.
type Identity struct {
	ID  NodeID             // room.IDOf of Key's public half
	Key ed25519.PrivateKey // signs messages and TLS handshakes

	seal *ecdh.PrivateKey // Key in its X25519 form, with which private messages are opened
	cert tls.Certificate
}

// New makes an identity that lives in memory only.
func New() (*Identity, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a signing key: %w", err)
	}
	return assemble(key)
}

// Public is the key that others know the node by.
func (i *Identity) Public() ed25519.PublicKey { return i.Key.Public().(ed25519.PublicKey) }

func assemble(key ed25519.PrivateKey) (*Identity, error) {
	seal, err := sealSecret(key)
	if err != nil {
		return nil, fmt.Errorf("derive the sealing key: %w", err)
	}
	cert, err := selfSigned(key)
	if err != nil {
		return nil, err
	}
	return &Identity{
		ID: room.IDOf(key.Public().(ed25519.PublicKey)), Key: key,
		seal: seal, cert: cert,
	}, nil
}
