//go:build linux

package lantest

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/ipv4"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must happen; reaching it is a failure, so it may be long.
const patience = 10 * time.Second

// echo answers every datagram at the host's port 7 until the test ends.
func echo(t *testing.T, h *Host) {
	t.Helper()
	c, err := h.ListenPacket("udp", ":7")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { c.Close(); <-done })
	go func() {
		defer close(done)
		buf := make([]byte, 2000)
		for {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			c.WriteTo(buf[:n], from)
		}
	}()
}

// pinger is a socket of one host that asks the echo port of another.
type pinger struct {
	t     *testing.T
	conn  net.Conn
	count int
}

func newPinger(t *testing.T, from *Host, to string) *pinger {
	t.Helper()
	c, err := from.Dial("udp", net.JoinHostPort(to, "7"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &pinger{t: t, conn: c}
}

// once sends one datagram and tells whether and when its answer comes within limit.
func (p *pinger) once(limit time.Duration) (time.Duration, bool) {
	p.t.Helper()
	p.count++
	want := fmt.Sprint(p.count)
	start := time.Now()
	if _, err := p.conn.Write([]byte(want)); err != nil {
		return 0, false
	}
	p.conn.SetReadDeadline(start.Add(limit))
	buf := make([]byte, 100)
	for {
		n, err := p.conn.Read(buf)
		if err != nil {
			return 0, false
		}
		if string(buf[:n]) == want {
			return time.Since(start), true
		}
	}
}

// comes asks until an answer comes.
func (p *pinger) comes() time.Duration {
	p.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if took, ok := p.once(200 * time.Millisecond); ok {
			return took
		}
	}
	p.t.Fatalf("no answer within %v", patience)
	return 0
}

// fails asks a few times and wants no answer.
func (p *pinger) fails() {
	p.t.Helper()
	for range 3 {
		if _, ok := p.once(100 * time.Millisecond); ok {
			p.t.Fatal("an answer came where none can")
		}
	}
}

func TestHostsReachOneAnother(t *testing.T) {
	lan := New(t)
	ada, bob := lan.Host("ada"), lan.Host("bob")
	if ada.Addr() != netip.MustParseAddr("10.77.0.1") || bob.Addr() != netip.MustParseAddr("10.77.0.2") {
		t.Errorf("addresses are %v and %v", ada.Addr(), bob.Addr())
	}
	echo(t, bob)
	newPinger(t, ada, bob.Addr().String()).comes()

	l, err := bob.Listen("tcp", bob.Addr().String()+":2222")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := ada.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if from := netip.MustParseAddrPort(c.LocalAddr().String()).Addr(); from != ada.Addr() {
		t.Errorf("dialled from %v, want %v", from, ada.Addr())
	}
}

func TestLinkLocalIPv6IsUsableAtOnce(t *testing.T) {
	lan := New(t)
	ada, bob := lan.Host("ada"), lan.Host("bob")
	echo(t, bob)
	var linkLocal string
	err := bob.Do(func() error {
		ifi, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		addrs, err := ifi.Addrs()
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().IsLinkLocalUnicast() {
				linkLocal = p.Addr().String()
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if linkLocal == "" {
		t.Skip("this kernel has no IPv6")
	}
	newPinger(t, ada, linkLocal+"%eth0").comes()
}

func TestHostHasNoDefaultRouteAndTheTestStaysWhereItWas(t *testing.T) {
	before, err := os.Readlink(threadNamespace)
	if err != nil {
		t.Fatal(err)
	}
	ada := New(t).Host("ada")
	if c, err := ada.Dial("udp", "192.0.2.1:9"); err == nil {
		c.Close()
		t.Error("the host has a way out of its LAN")
	}
	var inside, after string
	ada.Do(func() (err error) { inside, err = os.Readlink(threadNamespace); return err })
	err = visit(func() (err error) { after, err = os.Readlink(threadNamespace); return err })
	if err != nil || inside == before || after != before {
		t.Errorf("namespaces: before %s, inside %s, after %s (%v)", before, inside, after, err)
	}
}

func TestMulticastAndBroadcastReachEveryone(t *testing.T) {
	lan := New(t)
	ada, bob, carl := lan.Host("ada"), lan.Host("bob"), lan.Host("carl")
	group := &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: 5353}
	var heard []net.PacketConn
	for _, h := range []*Host{bob, carl} {
		err := h.Do(func() error {
			ifi, err := net.InterfaceByName("eth0")
			if err != nil {
				return err
			}
			c, err := net.ListenMulticastUDP("udp4", ifi, group)
			if err == nil {
				heard = append(heard, c)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		c, err := h.ListenPacket("udp4", "10.77.0.255:22222")
		if err != nil {
			t.Fatal(err)
		}
		heard = append(heard, c)
	}
	for _, c := range heard {
		defer c.Close()
	}
	for _, to := range []string{"224.0.0.251:5353", "10.77.0.255:22222"} {
		if err := ada.Do(func() error { return sendGroup(to) }); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range heard {
		c.SetReadDeadline(time.Now().Add(patience))
		buf := make([]byte, 100)
		if n, _, err := c.ReadFrom(buf); err != nil || string(buf[:n]) != "hello" {
			t.Errorf("%v heard %q, %v", c.LocalAddr(), buf[:n], err)
		}
	}
}

// sendGroup sends a datagram out of eth0. With no default route a multicast needs its interface named.
func sendGroup(to string) error {
	c, err := net.ListenPacket("udp4", ":0")
	if err != nil {
		return err
	}
	defer c.Close()
	ifi, err := net.InterfaceByName("eth0")
	if err != nil {
		return err
	}
	if err := ipv4.NewPacketConn(c).SetMulticastInterface(ifi); err != nil {
		return err
	}
	_, err = c.WriteTo([]byte("hello"), net.UDPAddrFromAddrPort(netip.MustParseAddrPort(to)))
	return err
}
