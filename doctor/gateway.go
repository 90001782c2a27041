package doctor

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// askGateway looks for the router, and whether it answers: a machine that is reached while no other is, is told apart from
// a network that is dead.
func askGateway(ctx context.Context) Gateway {
	addr, iface, known := defaultRoute(ctx)
	g := Gateway{Known: known, Iface: iface}
	if !addr.IsValid() {
		return g
	}
	g.Addr = addr.String()
	ctx, cancel := context.WithTimeout(ctx, gatewayTime)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", netip.AddrPortFrom(addr, 80).String())
	if err == nil {
		conn.Close()
	}
	g.Answers = err == nil || isAny(err, refused) || neighbour(addr) == Answers
	return g
}

const gatewayTime = time.Second

// What is known of an address on the link.
const (
	Answers = "answers"
	Silent  = "silent"
)
