package doctor

import (
	"net"
	"strconv"

	"parley.lan/discovery"
)

// What the ports are for.
const (
	forText   = "text"
	forVoice  = "voice"
	forPlain  = "voice of plain clients"
	forMDNS   = "multicast DNS"
	forBeacon = "beacon"
)

// askPorts tries to take each port that a node asks for, and tells who has it.
func askPorts(cfg Config) []Port {
	ports := []Port{
		{Proto: "tcp", Number: cfg.TextPort, For: forText},
		{Proto: "udp", Number: cfg.VoicePort, For: forVoice},
		{Proto: "tcp", Number: cfg.VoicePort, For: forPlain},
		{Proto: "udp", Number: discovery.MDNSPort, For: forMDNS},
		{Proto: "udp", Number: discovery.BeaconPort, For: forBeacon},
	}
	for i := range ports {
		p := &ports[i]
		var err error
		if p.For == forMDNS || p.For == forBeacon {
			p.State = PortShared
			err = discovery.CanShare(p.Number)
		} else {
			p.State = PortFree
			err = take(p.Proto, p.Number)
		}
		if err != nil {
			p.State = PortTaken
			p.Holder = holder(p.Proto, p.Number)
		}
	}
	return ports
}

func take(proto string, number int) error {
	at := ":" + strconv.Itoa(number)
	if proto == "udp" {
		c, err := net.ListenPacket(proto, at)
		if err == nil {
			c.Close()
		}
		return err
	}
	l, err := net.Listen(proto, at)
	if err == nil {
		l.Close()
	}
	return err
}
