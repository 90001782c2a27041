package discovery

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// ErrNoEcho says that what was sent to oneself did not come back: something on this machine drops what comes to that port.
var ErrNoEcho = errors.New("what was sent there did not come back")

// echoTime is how long an echo may take: it never leaves the machine.
const echoTime = 300 * time.Millisecond

// Echo sends a datagram to a port of this machine as if it came from the LAN: by multicast, out of an interface and back in, past
// whatever filters packets on it, with a time to live that lets it go no further. shared is for ports that programs share, as
// discovery's are; another port must be free. Besides ErrNoEcho it returns the error of the system.
func Echo(on Interface, number int, shared bool) error {
	f := iface{name: on.Name, index: on.Index, prefixes: on.Prefixes, multicast: on.Multicast}
	v6 := !f.has(false)
	s, err := openEcho(v6, number, shared)
	if err != nil {
		return err
	}
	defer s.conn.Close()
	group := mdnsGroup[0]
	if v6 {
		group = mdnsGroup[1].WithZone(f.name)
	}
	if err := s.join(f, group); err != nil {
		return fmt.Errorf("join a multicast group: %w", err)
	}
	word := []byte(rand.Text())
	buf := make([]byte, mdnsMax)
	for end := time.Now().Add(echoTime); time.Now().Before(end); {
		if err := s.send(word, netip.AddrPortFrom(group, uint16(number)), f.index); err != nil {
			return err
		}
		s.conn.SetReadDeadline(time.Now().Add(echoTime / 3))
		for {
			n, _, err := s.conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				break
			}
			if slices.Equal(buf[:n], word) {
				return nil
			}
		}
	}
	return ErrNoEcho
}

func openEcho(v6 bool, number int, shared bool) (*socket, error) {
	s, err := openPort(mdnsShared, v6, number, shared)
	if err != nil {
		return nil, err
	}
	if v6 {
		return s, s.p6.SetMulticastHopLimit(0)
	}
	return s, s.p4.SetMulticastTTL(0)
}

// CanShare tells whether a UDP port that programs share can be had by one more of them, by IPv4.
func CanShare(number int) error {
	s, err := openPort(mdnsShared, false, number, true)
	if err != nil {
		return err
	}
	return s.conn.Close()
}

// Ports that discovery shares with other programs.
const (
	MDNSPort   = mdnsPort
	BeaconPort = beaconPort
)
