package discovery

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// TextPort is the TCP port of a target that names none.
const TextPort = 2222

// Target is a --join address: a name or an IP address, and a TCP port.
type Target struct {
	Name string     // set when Addr is not
	Addr netip.Addr // may carry a zone
	Port uint16
}

func (t Target) String() string {
	if t.Addr.IsValid() {
		return netip.AddrPortFrom(t.Addr, t.Port).String()
	}
	return t.Name + ":" + strconv.Itoa(int(t.Port))
}

// ParseTarget reads HOST or HOST:PORT, where HOST is a name, an IPv4 address or an IPv6 address, the last one in
// brackets when a port follows. The port is TextPort unless given.
func ParseTarget(s string) (Target, error) {
	bad := func(why string) (Target, error) {
		return Target{}, fmt.Errorf("address %q: %s; want HOST, HOST:PORT or [IPv6]:PORT", s, why)
	}
	host, port := s, ""
	hasPort := false
	switch {
	case strings.HasPrefix(s, "["):
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return bad("no closing bracket")
		}
		host = s[1:end]
		rest := s[end+1:]
		if rest != "" && rest[0] != ':' {
			return bad("something follows the bracket")
		}
		if rest != "" {
			port, hasPort = rest[1:], true
		}
		if !strings.Contains(host, ":") {
			return bad("brackets are for IPv6 addresses")
		}
	case strings.Count(s, ":") == 1:
		host, port, hasPort = strings.Cut(s, ":")
	}
	t := Target{Port: TextPort}
	if hasPort {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return bad("the port is not a number from 1 to 65535")
		}
		t.Port = uint16(n)
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		addr = addr.Unmap()
		if addr.IsUnspecified() || addr.IsMulticast() || addr == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
			return bad("that is not one machine's address")
		}
		if len(addr.Zone()) > maxZone || strings.ContainsFunc(addr.Zone(), func(r rune) bool { return r <= ' ' || r > '~' }) {
			return bad("the zone is not an interface's name")
		}
		t.Addr = addr
		return t, nil
	}
	if strings.Contains(host, ":") {
		return bad("not an IPv6 address")
	}
	if err := checkName(host); err != nil {
		return bad(err.Error())
	}
	t.Name = host
	return t, nil
}

const maxZone = 64

// checkName accepts host names as RFC 1123 has them, and underscores, which some people's machines have.
func checkName(name string) error {
	name = strings.TrimSuffix(name, ".")
	if name == "" {
		return errors.New("no host")
	}
	if len(name) > 253 {
		return errors.New("the name is longer than 253 bytes")
	}
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 {
			return errors.New("a part of the name is empty or longer than 63 bytes")
		}
		if label[0] == '-' || label[len(label)-1] == '-' {
			return errors.New("a part of the name begins or ends with a hyphen")
		}
		for _, c := range []byte(label) {
			if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return errors.New("the name has characters that host names don't have")
			}
		}
	}
	if _, err := strconv.ParseUint(labels[len(labels)-1], 10, 64); err == nil {
		return errors.New("not an IPv4 address")
	}
	return nil
}
