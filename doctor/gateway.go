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
	ports := []uint16{53, 80, 443} // of which routers have one, and refuse the others
	answers := make(chan bool, len(ports))
	for _, port := range ports {
		go func() {
			var d net.Dialer
			conn, err := d.DialContext(ctx, "tcp", netip.AddrPortFrom(addr, port).String())
			if err == nil {
				conn.Close()
			}
			answers <- err == nil || isAny(err, refused)
		}()
	}
	for range ports {
		g.Answers = g.Answers || <-answers
	}
	g.Answers = g.Answers || neighbour(addr) == Answers // it drops what comes, and is there
	return g
}

const gatewayTime = time.Second

// What is known of an address on the link.
const (
	Answers  = "answers"
	Silent   = "silent"
	Doubtful = "doubtful" // something was heard of it, and it has not answered lately
)
