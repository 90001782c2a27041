package identity

import (
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
	"time"
)

const (
	keyFile = "identity.pem" // the private key (RFC 8410), then the public one, by which damage shows
	maxKey  = 4096           // bytes; the keys take 232

	privateType = "PRIVATE KEY"
	publicType  = "PUBLIC KEY"
)

// Load reads the node's key from the state folder dir; at the first start it makes the folder (0700) and
// the key (0600). A damaged key file is an error, never a new identity: others know this node by its key.
func Load(dir string) (*Identity, error) {
	root, err := openState(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	id, err := readKey(root)
	if errors.Is(err, fs.ErrNotExist) {
		id, err = makeKey(root)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, keyFile), err)
	}
	return id, nil
}

// SetAside keeps the key in the state folder under another name, which it returns; the next Load makes a new one.
func SetAside(dir string) (name string, err error) {
	root, err := openState(dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	name = keyFile + time.Now().Format(".20060102-150405")
	if err := root.Rename(keyFile, name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("set the key aside: %w", err)
	}
	return filepath.Join(dir, name), nil
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

func readKey(root *os.Root) (*Identity, error) {
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
		// A copied folder often comes out readable by everybody. Where modes can't be set there is nothing
		// to be done about it.
		f.Chmod(0o600)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxKey))
	if err != nil {
		return nil, err
	}
	id, err := parseKey(b)
	if err != nil {
		return nil, fmt.Errorf("damaged (%w); restore it from a backup, or move it away to start as somebody new", err)
	}
	return id, nil
}

// makeKey is careful about two processes that start together in a fresh folder: the first file put in
// place counts for both.
func makeKey(root *os.Root) (*Identity, error) {
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
		return readKey(root)
	case err != nil: // a file system without links
		if err := root.Rename(temp, keyFile); err != nil {
			return nil, err
		}
	}
	syncFolder(root)
	return id, nil
}

func (i *Identity) encode() ([]byte, error) {
	private, err := x509.MarshalPKCS8PrivateKey(i.Key)
	if err != nil {
		return nil, fmt.Errorf("encode the key: %w", err)
	}
	public, err := x509.MarshalPKIXPublicKey(i.Public())
	if err != nil {
		return nil, fmt.Errorf("encode the key: %w", err)
	}
	b := pem.EncodeToMemory(&pem.Block{Type: privateType, Bytes: private})
	return append(b, pem.EncodeToMemory(&pem.Block{Type: publicType, Bytes: public})...), nil
}

func parseKey(b []byte) (*Identity, error) {
	private, b := pem.Decode(b)
	public, _ := pem.Decode(b)
	if private == nil || public == nil || private.Type != privateType || public.Type != publicType {
		return nil, errors.New("want a private and a public key in PEM")
	}
	p, err := x509.ParsePKCS8PrivateKey(private.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := p.(ed25519.PrivateKey)
	if !ok {
		return nil, errors.New("the key is not ed25519")
	}
	q, err := x509.ParsePKIXPublicKey(public.Bytes)
	if err != nil {
		return nil, err
	}
	if !key.Public().(ed25519.PublicKey).Equal(q) {
		return nil, errors.New("the private and the public key don't match")
	}
	return assemble(key)
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
