package relay

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// door counts connections that are not admitted yet, in all and by address, so that a flood of them
// costs little and keeps nobody else out for long.
type door struct {
	most, mostFrom int

	mu    sync.Mutex
	all   int
	addrs map[netip.Addr]int
}

func newDoor(most, mostFrom int) *door {
	return &door{most: most, mostFrom: mostFrom, addrs: map[netip.Addr]int{}}
}

// enter counts a connection in; release, which may be called twice, counts it out again.
func (d *door) enter(conn net.Conn) (release func(), ok bool) {
	addr := remote(conn)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all >= d.most || d.addrs[addr] >= d.mostFrom {
		return nil, false
	}
	d.all++
	d.addrs[addr]++
	return sync.OnceFunc(func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.all--
		if d.addrs[addr]--; d.addrs[addr] == 0 {
			delete(d.addrs, addr)
		}
	}), true
}

// dialable is remote with the zone, which this machine needs to reach a link-local address, and which means nothing to
// any other.
func dialable(conn net.Conn) netip.Addr {
	if a, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		return a.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// remote is the peer's address, IPv4 as such.
func remote(conn net.Conn) netip.Addr {
	if a, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		return a.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}

// sniffed is a connection whose first bytes have been looked at but not taken.
type sniffed struct {
	net.Conn
	r *bufio.Reader
}

func (c *sniffed) Read(b []byte) (int, error) { return c.r.Read(b) }

// sniff tells a node from a plain client: a TLS ClientHello begins with a handshake record of version 3.x
// that holds a message of type 1 (RFC 8446 sections 4 and 5.1); anything else, or silence, is plain. Six
// bytes are looked at, for a plain voice client may send any samples.
func sniff(conn net.Conn) (c *sniffed, isNode bool, err error) {
	c = &sniffed{Conn: conn, r: bufio.NewReaderSize(conn, 512)}
	conn.SetReadDeadline(time.Now().Add(sniffTime))
	defer conn.SetReadDeadline(time.Time{})
	first, err := c.r.Peek(1)
	if err == nil && first[0] == 0x16 {
		conn.SetReadDeadline(time.Now().Add(greetTime))
		head, err := c.r.Peek(6)
		return c, err == nil && head[1] == 0x03 && head[5] == 0x01, nil
	}
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, io.EOF) {
		return c, false, err
	}
	return c, false, nil
}
