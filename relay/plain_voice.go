package relay

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"parley.lan/room"
	"parley.lan/wire"
)

// plainVoice serves a plain voice client: raw PCM both ways, s16le, mono, 44.1 kHz. Towards the room it is a
// speaker like any other; what it hears is mixed for it, without itself.
func (s *Server) plainVoice(ctx context.Context, c *sniffed) {
	if s.cfg.Bridge.NewTalker == nil {
		s.log.Warn("plain voice client refused: this build has no sound", "addr", c.RemoteAddr())
		return
	}
	gone, ok := s.callers.enter(c.Conn)
	if !ok {
		s.Counters.GreetingsRefused.Add(1)
		s.log.Warn("plain voice client refused: too many", "addr", c.RemoteAddr())
		return
	}
	defer gone()
	listener, err := s.cfg.Bridge.NewListener()
	if err != nil {
		s.log.Warn("plain voice client refused", "addr", c.RemoteAddr(), "error", err)
		return
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(ctx, func() { c.Close() })()
	end := s.plainArrive(remote(c.Conn), false, func(reason string) { cancel(errors.New(reason)) })
	defer s.plainPart(end)
	m, err := s.plainEnter(end, "voice "+end.from.String())
	if err != nil {
		return
	}
	if m != nil {
		go discard(ctx, m.notices)
	}
	voice := &voiceSession{ssrc: end.ssrc, hear: listener.Hear, forget: listener.Forget}
	s.voice.add(voice, [16]byte{})
	defer s.voice.remove(voice)
	s.log.Info("plain voice admitted", "addr", c.RemoteAddr(), "ssrc", end.ssrc)

	line := newVoiceLine(s, c, listener, voice)
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(plainBuf) // what waits in there is never dropped; without it 2 s and more would
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := line.read(); err != nil {
			cancel(err)
		}
	})
	wg.Go(func() { cancel(line.write(ctx)) })
	dropped := line.tick(ctx)
	c.Close()
	wg.Wait()
	s.log.Info("plain voice gone", "addr", c.RemoteAddr(), "reason", context.Cause(ctx),
		"dropped_from_it", dropped, "dropped_to_it", listener.Dropped())
}

// discard empties the notices of a member who can't be told anything.
func discard(ctx context.Context, notices <-chan *notice) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-notices:
		}
	}
}

// voiceLine is a plain voice client's connection: one goroutine reads its microphone, one moves 10 ms of
// sound each way by this machine's clock, one writes what it hears.
type voiceLine struct {
	server   *Server
	conn     net.Conn
	listener Listener
	voice    *voiceSession
	began    chan Talker   // the client has spoken: who only listens costs no encoder
	ready    chan struct{} // there is something to write
	heard    atomic.Int64  // when the client last sent or took something, in nanoseconds since the server's start

	// Of the goroutine that ticks.
	talker          Talker          // nil until the client has spoken
	path            *room.VoicePath // as the talker was last told
	send            func([]room.VoiceFrame)
	packet, scratch []byte
}

func newVoiceLine(s *Server, conn net.Conn, listener Listener, voice *voiceSession) *voiceLine {
	p := &voiceLine{
		server: s, conn: conn, listener: listener, voice: voice,
		began: make(chan Talker, 1), ready: make(chan struct{}, 1),
		packet: make([]byte, 0, 2048), scratch: make([]byte, 0, 2048),
	}
	p.send = p.pass
	p.alive()
	return p
}

// alive notes that the client sends or takes sound.
func (p *voiceLine) alive() { p.heard.Store(int64(time.Since(p.server.voice.started))) }

// gone tells that it has done neither for long.
func (p *voiceLine) gone() bool {
	return time.Since(p.server.voice.started)-time.Duration(p.heard.Load()) > plainGone
}

// read hands the client's samples on until there are no more. A sample cut in two waits for its other half. A client that
// has closed its sending half, as nc does at the end of its input, goes on listening.
func (p *voiceLine) read() error {
	var talker Talker
	var pcm [2 << 10]int16
	b := make([]byte, 2*len(pcm))
	have := 0
	for {
		n, err := p.conn.Read(b[have:])
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		p.alive()
		if talker == nil {
			if talker, err = p.server.cfg.Bridge.NewTalker(); err != nil {
				return err
			}
			p.began <- talker
		}
		have += n
		for i := range have / 2 {
			pcm[i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
		}
		talker.Put(time.Now(), pcm[:have/2])
		if have&1 == 1 {
			b[0] = b[have-1]
		}
		have &= 1
	}
}

// tick moves the sound until ctx ends, and tells how much of the client's was dropped.
func (p *voiceLine) tick(ctx context.Context) (dropped time.Duration) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for next := time.Now(); ; {
		select {
		case <-ctx.Done():
			if p.talker != nil {
				dropped = p.talker.Dropped()
			}
			return dropped
		case p.talker = <-p.began:
			continue
		case <-timer.C:
		}
		p.step(next)
		next = next.Add(room.FrameTime)
		if time.Since(next) > plainStall {
			next = time.Now() // after a long stall there is nothing to catch up with
		}
		timer.Reset(time.Until(next))
	}
}

// step moves the 10 ms of now.
func (p *voiceLine) step(now time.Time) {
	ppm := 0.0
	if p.talker != nil {
		if path := p.voice.path.Load(); path != p.path {
			p.talker.Tune(*path)
			p.path = path
		}
		p.talker.Next(now, p.send)
		ppm = p.talker.Clock()
	}
	p.listener.Mix(ppm)
	select {
	case p.ready <- struct{}{}:
	default:
	}
}

// pass gives one packet of the client's voice to all the others.
func (p *voiceLine) pass(frames []room.VoiceFrame) {
	p.packet = append(p.packet[:0], wire.PacketVoice)
	for i := range frames {
		frames[i].SSRC = p.voice.ssrc
		p.packet = wire.AppendFrame(p.packet, &frames[i])
	}
	p.server.voice.pass(p.voice, p.packet, p.scratch)
}

// write sends what the client hears, until ctx ends. While the client takes nothing, sound is dropped, and not the call.
func (p *voiceLine) write(ctx context.Context) error {
	var pcm [2 * room.PlainSamples]int16
	b := make([]byte, 0, 2*len(pcm))
	for {
		n := p.listener.Take(pcm[:])
		if n == 0 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-p.ready:
			}
			continue
		}
		b = b[:0]
		for _, v := range pcm[:n] {
			b = binary.LittleEndian.AppendUint16(b, uint16(v))
		}
		for rest := b; len(rest) > 0; { // all of it, lest half a sample shifts the rest
			p.conn.SetWriteDeadline(time.Now().Add(writeTime))
			n, err := p.conn.Write(rest)
			rest = rest[n:]
			switch {
			case n > 0:
				p.alive()
			case errors.Is(err, os.ErrDeadlineExceeded) && p.gone():
				return fmt.Errorf("neither took nor sent anything for %v", plainGone)
			}
			if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
				return err
			}
		}
	}
}
