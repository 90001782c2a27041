package identity

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	keyFile = "identity.pem" // two PKCS #8 private keys: ed25519, then X25519
	maxKeys = 4096           // bytes; two keys take 250

	keyType = "PRIVATE KEY"
)

// Load reads the node's keys from the state folder dir; at the first start it makes the folder (0700) and
// the keys (0600). A damaged key file is an error, never a new identity: others know this node by its key.
func Load(dir string) (*Identity, error) {
	root, err := openState(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	id, err := readKeys(root)
	if errors.Is(err, fs.ErrNotExist) {
		id, err = makeKeys(root)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, keyFile), err)
	}
	return id, nil
}

func openState(dir string) (*os.Root, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("state folder: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("state folder: %w", err)
	}
	return root, nil
}

func readKeys(root *os.Root) (*Identity, error) {
	f, err := root.Open(keyFile)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if st.Mode().Perm()&0o077 != 0 {
		// A copied folder often comes out readable by everybody. Closing it is what the person would do.
		if err := root.Chmod(keyFile, 0o600); err != nil {
			return nil, fmt.Errorf("others can read the keys, and it can't be changed: %w", err)
		}
	}
	b, err := io.ReadAll(io.LimitReader(f, maxKeys))
	if err != nil {
		return nil, err
	}
	id, err := parseKeys(b)
	if err != nil {
		return nil, fmt.Errorf("damaged (%w); restore it from a backup, or move it away to start as somebody new", err)
	}
	return id, nil
}

// makeKeys is careful about two processes that start together in a fresh folder: the first file put in
// place counts for both.
func makeKeys(root *os.Root) (*Identity, error) {
	id, err := New()
	if err != nil {
		return nil, err
	}
	b, err := id.encode()
	if err != nil {
		return nil, err
	}
	temp, err := writeTemp(root, keyFile, b)
	if err != nil {
		return nil, err
	}
	defer root.Remove(temp)
	switch err := root.Link(temp, keyFile); {
	case errors.Is(err, fs.ErrExist):
		return readKeys(root)
	case err != nil: // a file system without links
		if err := root.Rename(temp, keyFile); err != nil {
			return nil, err
		}
	}
	syncFolder(root)
	return id, nil
}

func (i *Identity) encode() ([]byte, error) {
	var out []byte
	for _, key := range []any{i.Key, i.seal} {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return nil, fmt.Errorf("encode keys: %w", err)
		}
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: keyType, Bytes: der})...)
	}
	return out, nil
}

func parseKeys(b []byte) (*Identity, error) {
	var keys [2]any
	for i := range keys {
		block, rest := pem.Decode(b)
		if block == nil || block.Type != keyType {
			return nil, errors.New("two private keys in PEM expected")
		}
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, err
		}
		keys[i], b = key, rest
	}
	sign, ok := keys[0].(ed25519.PrivateKey)
	if !ok {
		return nil, errors.New("the first key is not ed25519")
	}
	seal, ok := keys[1].(*ecdh.PrivateKey)
	if !ok || seal.Curve() != ecdh.X25519() {
		return nil, errors.New("the second key is not X25519")
	}
	return assemble(sign, seal)
}

// replaceFile puts data in place of the named file at once or not at all, on the disk before it returns.
func replaceFile(root *os.Root, name string, data []byte) error {
	temp, err := writeTemp(root, name, data)
	if err != nil {
		return err
	}
	if err := root.Rename(temp, name); err != nil {
		root.Remove(temp)
		return err
	}
	syncFolder(root)
	return nil
}

func writeTemp(root *os.Root, name string, data []byte) (temp string, err error) {
	temp = "." + name + "." + rand.Text()
	f, err := root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		root.Remove(temp)
		return "", err
	}
	return temp, nil
}

// syncFolder makes a rename last. Some systems can't sync a folder; there the rename lasts a little later.
func syncFolder(root *os.Root) {
	if d, err := root.Open("."); err == nil {
		d.Sync()
		d.Close()
	}
}
