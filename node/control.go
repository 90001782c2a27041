package node

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"parley.lan/wire"
)

// controlPort is asked for; any other does as well, for the roster tells it.
const controlPort = 55556

// control is the socket of the datagrams that go from node to node. Without it a failover takes longer.
type control struct{ udp *net.UDPConn }

func openControl() (control, error) {
	udp, err := net.ListenUDP("udp", &net.UDPAddr{Port: controlPort})
	if err != nil {
		udp, err = net.ListenUDP("udp", nil)
	}
	return control{udp}, err
}

func (c control) port() uint16 {
	if c.udp == nil {
		return 0
	}
	return c.udp.LocalAddr().(*net.UDPAddr).AddrPort().Port()
}

func (c control) send(b []byte, to netip.AddrPort) {
	if c.udp != nil {
		c.udp.WriteToUDPAddrPort(b, to)
	}
}

func (c control) close() {
	if c.udp != nil {
		c.udp.Close()
	}
}

// listenControl takes datagrams of members until the socket closes. A signature is checked only when the sender is
// in the roster, and what it says is for us.
func (n *Node) listenControl(ctx context.Context) {
	if n.control.udp == nil {
		return
	}
	b := make([]byte, wire.MaxControl+1)
	for {
		size, from, err := n.control.udp.ReadFromUDPAddrPort(b)
		if errors.Is(err, net.ErrClosed) || ctx.Err() != nil {
			return
		}
		if err != nil { // an ICMP error of somebody's; the socket is still good
			time.Sleep(time.Millisecond)
			continue
		}
		c, err := wire.ParseControl(append([]byte(nil), b[:size]...))
		if err != nil || c.Room != n.cfg.Room {
			continue
		}
		if to, ok := wire.NodeID(c.To); !ok || to != n.id.ID || !n.roster.has(c.From()) || !c.Genuine() {
			continue
		}
		n.post(ctx, heardControl{c, from.Addr().Unmap()})
	}
}
