package relay

import (
	"errors"
	"fmt"
	"net"
)

// Ports are a relay's open sockets: text over TCP, voice over UDP, and TCP on the voice port for plain
// clients. They may be opened before the relay serves.
type Ports struct {
	Text      net.Listener
	Voice     *net.UDPConn
	PlainWire net.Listener
	Taken     []string // what could not be had as asked, in words
}

// Listen opens the ports on all addresses. A taken port is replaced by a free one, and Taken says so.
func Listen(text, voice int) (*Ports, error) {
	var p Ports
	var err error
	if p.Text, err = net.Listen("tcp", fmt.Sprintf(":%d", text)); err != nil {
		if p.Text, err = net.Listen("tcp", ":0"); err != nil {
			return nil, fmt.Errorf("open a text port: %w", err)
		}
		p.Taken = append(p.Taken, fmt.Sprintf("text port %d is taken, using %d", text, port(p.Text.Addr())))
	}
	if p.Voice, p.PlainWire, err = listenVoice(voice); err != nil {
		for range 20 { // a free UDP port may be taken for TCP
			if p.Voice, p.PlainWire, err = listenVoice(0); err == nil {
				break
			}
		}
		if err != nil {
			p.Text.Close()
			return nil, fmt.Errorf("open a voice port: %w", err)
		}
		p.Taken = append(p.Taken, fmt.Sprintf("voice port %d is taken, using %d", voice, p.VoicePort()))
	}
	_ = p.Voice.SetReadBuffer(voiceBuf) // the system's own limit may be lower; then that is it
	_ = p.Voice.SetWriteBuffer(voiceBuf)
	return &p, nil
}

// listenVoice opens the same port for both protocols.
func listenVoice(n int) (*net.UDPConn, net.Listener, error) {
	udp, err := net.ListenUDP("udp", &net.UDPAddr{Port: n})
	if err != nil {
		return nil, nil, err
	}
	tcp, err := net.Listen("tcp", fmt.Sprintf(":%d", port(udp.LocalAddr())))
	if err != nil {
		udp.Close()
		return nil, nil, err
	}
	return udp, tcp, nil
}

// TextPort and VoicePort are the ports that were really opened.
func (p *Ports) TextPort() uint16  { return port(p.Text.Addr()) }
func (p *Ports) VoicePort() uint16 { return port(p.Voice.LocalAddr()) }

// Close closes all sockets. Closing twice does no harm.
func (p *Ports) Close() error {
	return errors.Join(p.Text.Close(), p.Voice.Close(), p.PlainWire.Close())
}

func port(a net.Addr) uint16 {
	switch a := a.(type) {
	case *net.TCPAddr:
		return uint16(a.Port)
	case *net.UDPAddr:
		return uint16(a.Port)
	}
	return 0
}
