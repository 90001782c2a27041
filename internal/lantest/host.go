//go:build linux

package lantest

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Host is one machine: a network namespace. Its methods may be called from any goroutine; those that cannot
// fail on a LAN that could be made fail the test.
type Host struct {
	lan  *LAN
	name string
	ns   namespace

	mu    sync.Mutex // guards what follows
	ports []*port
	addr  netip.Addr
}

// Host adds a machine to the LAN, its loopback and eth0 up, with the LAN's next free address.
func (l *LAN) Host(name string) *Host {
	l.t.Helper()
	h := l.Offline(name)
	h.addr = h.AddInterface(l, "eth0")
	return h
}

// Offline makes a machine with nothing but its loopback; AddInterface can join it to a LAN.
func (l *LAN) Offline(name string) *Host {
	l.t.Helper()
	ns, err := newNamespace()
	if err != nil {
		l.t.Fatalf("lantest: host %s: %v", name, err)
	}
	h := &Host{lan: l, name: name, ns: ns}
	l.shared.mu.Lock()
	l.shared.hosts = append(l.shared.hosts, h)
	l.shared.mu.Unlock()
	// Duplicate address detection would keep a link-local address from use for its first second or two.
	h.must("prepare IPv6", h.Do(func() error {
		for _, conf := range []string{"all", "default"} {
			path := "/proc/sys/net/ipv6/conf/" + conf + "/accept_dad"
			if err := os.WriteFile(path, []byte("0"), 0); err != nil && !os.IsNotExist(err) {
				return err
			}
		}
		return nil
	}))
	h.ip("link set lo up")
	return h
}

// Name is what the host was made with.
func (h *Host) Name() string { return h.name }

// Addr is the IPv4 address of eth0, the zero Addr for a host that has none.
func (h *Host) Addr() netip.Addr {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.addr
}

// AddInterface plugs a new interface of the host into a LAN and returns its IPv4 address.
func (h *Host) AddInterface(l *LAN, name string) netip.Addr {
	l.t.Helper()
	p := &port{lan: l, host: h, name: name}
	h.must("add "+name, h.Do(func() (err error) {
		p.tap, err = openTAP(name)
		return err
	}))
	l.mu.Lock()
	l.next++
	n := l.next
	l.ports = append(l.ports, p)
	l.mu.Unlock()
	h.mu.Lock()
	h.ports = append(h.ports, p)
	h.mu.Unlock()
	l.readers.Go(p.serve)

	base := l.prefix.Addr().As4()
	addr := netip.AddrFrom4([4]byte{base[0], base[1], base[2], byte(n)})
	h.ip(
		fmt.Sprintf("link set %s address %s up", name, mac{2, 'L', 'A', 'N', byte(l.number), byte(n)}),
		fmt.Sprintf("addr add %s/%d brd + dev %s", addr, l.prefix.Bits(), name),
	)
	return addr
}

// RemoveInterface takes an interface out of the machine, as when a USB adapter is pulled.
func (h *Host) RemoveInterface(name string) {
	h.mu.Lock()
	i := slices.IndexFunc(h.ports, func(p *port) bool { return p.name == name })
	if i < 0 {
		h.mu.Unlock()
		h.lan.t.Fatalf("lantest: %s has no interface %s", h.name, name)
	}
	p := h.ports[i]
	h.ports = slices.Delete(h.ports, i, i+1)
	h.mu.Unlock()

	p.lan.mu.Lock()
	p.lan.ports = slices.DeleteFunc(slices.Clone(p.lan.ports), func(q *port) bool { return q == p })
	p.lan.forget(p)
	p.lan.mu.Unlock()
	p.tap.Close()
}

// SetAddr gives an interface another IPv4 address instead of those it has, as a DHCP server may.
func (h *Host) SetAddr(iface string, addr netip.Prefix) {
	h.ip(
		"addr flush scope global dev "+iface, // the link-local IPv6 address stays
		fmt.Sprintf("addr add %s brd + dev %s", addr, iface),
	)
	if iface == "eth0" {
		h.mu.Lock()
		h.addr = addr.Addr()
		h.mu.Unlock()
	}
}

func (h *Host) plugs() []*port {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.ports)
}

// ip gives commands to ip(8) in the namespace.
func (h *Host) ip(commands ...string) {
	h.lan.t.Helper()
	h.must("set up the network", h.Do(func() error {
		cmd := exec.Command("ip", "-batch", "-")
		cmd.Stdin = strings.NewReader(strings.Join(commands, "\n") + "\n")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("ip %q: %w: %s", commands, err, out)
		}
		return nil
	}))
}

func (h *Host) must(what string, err error) {
	h.lan.t.Helper()
	if err != nil {
		h.lan.t.Fatalf("lantest: host %s: %s: %v", h.name, what, err)
	}
}

// Do runs f on a thread inside the host. Sockets that f opens belong to the host for good and can be used
// from anywhere; goroutines that f starts are not in the host.
func (h *Host) Do(f func() error) error { return h.ns.do(f) }

// Dial connects from the host. The address holds an IP literal: names are looked up on other threads.
func (h *Host) Dial(network, address string) (conn net.Conn, err error) {
	err = h.Do(func() (err error) {
		conn, err = (&net.Dialer{Timeout: 5 * time.Second}).Dial(network, address)
		return err
	})
	return conn, err
}

// Listen takes a stream port of the host.
func (h *Host) Listen(network, address string) (l net.Listener, err error) {
	err = h.Do(func() (err error) {
		l, err = net.Listen(network, address)
		return err
	})
	return l, err
}

// ListenPacket takes a datagram port of the host.
func (h *Host) ListenPacket(network, address string) (c net.PacketConn, err error) {
	err = h.Do(func() (err error) {
		c, err = net.ListenPacket(network, address)
		return err
	})
	return c, err
}

// Command prepares a process that runs in the host. Its process id is that of the program itself, and it
// dies with ctx, with the test's process, and at the latest when the LAN is taken down.
func (h *Host) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "nsenter", append([]string{"--net=" + h.ns.path(), "--", name}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = 5 * time.Second // for pipes that its children hold open
	return cmd
}

// killLeftovers ends the processes that are still in the namespace, one by one. Whatever is in a namespace
// of our making was started by the test.
func (h *Host) killLeftovers() {
	own, err := h.ns.link()
	if err != nil {
		return
	}
	dirs, err := os.ReadDir("/proc")
	if err != nil {
		return
	}
	for _, d := range dirs {
		pid, err := strconv.Atoi(d.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		if theirs, err := os.Readlink("/proc/" + d.Name() + "/ns/net"); err == nil && theirs == own {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}
