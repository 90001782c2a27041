//go:build linux

package lantest

import (
	"net"
	"os"
	"time"
)

type mac [6]byte

func (m mac) String() string { return net.HardwareAddr(m[:]).String() }

// group tells whether the address is a multicast or broadcast one.
func (m mac) group() bool { return m[0]&1 != 0 }

// port is where one interface of a host is plugged in. Its fields past the first four are guarded by LAN.mu.
type port struct {
	lan  *LAN
	host *Host
	name string // of the interface
	tap  *os.File

	unplugged bool
	side      int // of a split; ports on different sides don't reach each other
}

const (
	headerLen = 14   // Ethernet: two addresses and the type
	maxFrame  = 2048 // the devices have an MTU of 1500
)

// delivery is a frame's way to one port.
type delivery struct {
	to   *port
	wait time.Duration
}

// serve forwards what the port's host sends until the port is closed.
func (p *port) serve() {
	buf := make([]byte, maxFrame)
	var ways []delivery
	for {
		n, err := p.tap.Read(buf)
		if err != nil {
			return
		}
		if n < headerLen {
			continue
		}
		ways = p.lan.route(ways[:0], p, buf[:n])
		for _, w := range ways {
			if w.wait <= 0 {
				w.to.tap.Write(buf[:n]) // a port that is just being closed loses the frame
			} else {
				p.lan.late.add(w, buf[:n])
			}
		}
	}
}

// route appends to ways the ports that a frame goes out of, and when. The frame's source is learnt, group
// and unknown addresses are flooded, and each way passes the weather by itself: of one multicast, some
// receivers may get a copy and others not.
func (l *LAN) route(ways []delivery, from *port, frame []byte) []delivery {
	dst, src := mac(frame[0:6]), mac(frame[6:12])
	l.mu.Lock()
	if from.unplugged {
		l.mu.Unlock()
		return ways
	}
	if !src.group() {
		l.table[src] = from
	}
	if known := l.table[dst]; known != nil && !dst.group() {
		ways = l.way(ways, from, known)
	} else {
		for _, to := range l.ports {
			ways = l.way(ways, from, to)
		}
	}
	filter := l.weather.filter
	l.mu.Unlock()

	if filter == nil {
		return ways
	}
	kept := ways[:0]
	for _, w := range ways {
		if filter(from.host, w.to.host, frame) {
			kept = append(kept, w)
		}
	}
	return kept
}

// way appends one delivery, unless cables, a split or the weather forbid it. The caller holds l.mu.
func (l *LAN) way(ways []delivery, from, to *port) []delivery {
	if to == from || to.unplugged || to.side != from.side {
		return ways
	}
	if l.weather.blocked[way{from.host, to.host}] {
		return ways
	}
	if l.weather.loss > 0 && l.rand.Float64() < l.weather.loss {
		return ways
	}
	wait := l.weather.delay
	if l.weather.reorder > 0 && l.rand.Float64() < l.weather.reorder {
		wait += l.weather.behind
	}
	return append(ways, delivery{to, wait})
}

// forget drops what was learnt of a port. The caller holds l.mu.
func (l *LAN) forget(p *port) {
	for m, at := range l.table {
		if at == p {
			delete(l.table, m)
		}
	}
}
