package discovery

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"parley.lan/identity"
)

// known is a host that was really joined.
type known struct {
	addr netip.AddrPort
	id   identity.NodeID
}

// remember puts k first, once, and keeps maxRemembered. Loopback addresses are not worth it.
func remember(list []known, k known) []known {
	if k.addr.Addr().IsLoopback() || !usable(k.addr.Addr()) || k.addr.Port() == 0 {
		return list
	}
	out := []known{k}
	for _, o := range list {
		if o.addr != k.addr && len(out) < maxRemembered {
			out = append(out, o)
		}
	}
	return out
}

// The file has a line for each host, the one joined last first: its address and id.
const rememberedHead = "# hosts joined lately, newest first: address, id\n"

func writeRemembered(list []known) []byte {
	b := []byte(rememberedHead)
	for _, k := range list {
		b = fmt.Appendf(b, "%s %s\n", k.addr, k.id)
	}
	return b
}

// readRemembered skips lines that it can't read: losing a hint costs nothing.
func readRemembered(r io.Reader) []known {
	var list []known
	lines := bufio.NewScanner(io.LimitReader(r, 64<<10))
	for lines.Scan() && len(list) < maxRemembered {
		at, name, _ := strings.Cut(strings.TrimSpace(lines.Text()), " ")
		addr, err := netip.ParseAddrPort(at)
		id, ok := parseID(name)
		if err != nil || !ok {
			continue
		}
		k := known{netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port()), id}
		if len(remember(nil, k)) == 1 {
			list = append(list, k)
		}
	}
	return list
}

// loadRemembered reads the file; a missing one is empty.
func loadRemembered(path string) ([]known, error) {
	root, err := os.OpenRoot(filepath.Dir(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read hosts joined before: %w", err)
	}
	defer root.Close()
	b, err := root.ReadFile(filepath.Base(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read hosts joined before: %w", err)
	}
	return readRemembered(bytes.NewReader(b)), nil
}

// saveRemembered replaces the file in one step.
func saveRemembered(path string, list []known) error {
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("keep hosts joined: %w", err)
	}
	defer root.Close()
	name := filepath.Base(path)
	if err := root.WriteFile(name+".new", writeRemembered(list), 0o600); err != nil {
		return fmt.Errorf("keep hosts joined: %w", err)
	}
	if err := root.Rename(name+".new", name); err != nil {
		return fmt.Errorf("keep hosts joined: %w", err)
	}
	return nil
}

// Remembered lists the hosts joined before that a file keeps, newest first; none when there is no file.
func Remembered(file string) ([]netip.AddrPort, error) {
	list, err := loadRemembered(file)
	var out []netip.AddrPort
	for _, k := range list {
		out = append(out, k.addr)
	}
	return out, err
}
