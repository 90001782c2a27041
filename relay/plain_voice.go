package relay

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"sync"
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

	p := &plainSpeech{conn: c}
	var wg sync.WaitGroup
	wg.Go(func() { cancel(p.read()) })
	out := make(chan []byte, plainOut)
	wg.Go(func() { cancel(p.write(ctx, out)) })
	if err := s.plainTicks(ctx, p, listener, voice, out); err != nil {
		cancel(err)
	}
	c.Close()
	wg.Wait()
	s.log.Info("plain voice gone", "addr", c.RemoteAddr(), "reason", context.Cause(ctx))
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

// plainTicks moves 10 ms of sound each way, paced by this machine's clock, until ctx ends. Who only listens
// costs no encoder.
func (s *Server) plainTicks(ctx context.Context, p *plainSpeech, listener Listener, voice *voiceSession, out chan<- []byte) error {
	var talker Talker
	packet, scratch := make([]byte, 0, 2048), make([]byte, 0, 2048)
	send := func(frames []room.VoiceFrame) {
		packet = append(packet[:0], wire.PacketVoice)
		for _, f := range frames {
			f.SSRC = voice.ssrc
			packet = wire.AppendFrame(packet, &f)
		}
		s.voice.pass(voice, packet, scratch)
	}
	pcm := make([]int16, room.PlainSamples)
	next := time.Now()
	for {
		next = next.Add(room.FrameTime)
		if late := time.Since(next); late > 20*room.FrameTime {
			next = time.Now() // after a long stall there is nothing to catch up with
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Until(next)):
		}
		if p.take(pcm) {
			if talker == nil {
				var err error
				if talker, err = s.cfg.Bridge.NewTalker(); err != nil {
					return err
				}
			}
			talker.Encode(pcm, send)
		}
		listener.Mix(pcm)
		b := make([]byte, 0, 2*len(pcm))
		for _, v := range pcm {
			b = binary.LittleEndian.AppendUint16(b, uint16(v))
		}
		select {
		case out <- b:
		default: // the client does not read: it loses sound, not the call
			s.Counters.PacketsDropped.Add(1)
		}
	}
}

// plainSpeech is a plain client's microphone: what it has sent and the room has not yet heard. The client
// sends 186 ms at a time, so a little more than the jitter of one chunk is held before speech begins.
type plainSpeech struct {
	conn net.Conn

	mu      sync.Mutex
	waiting []int16 // at most plainHold; the oldest are dropped
	flowing bool
}

// read takes samples until the connection ends. A sample cut in two waits for its other half.
func (p *plainSpeech) read() error {
	b := make([]byte, 4<<10)
	have := 0
	for {
		n, err := p.conn.Read(b[have:])
		if err != nil {
			return err
		}
		have += n
		p.put(b[:have&^1])
		if have&1 == 1 {
			b[0] = b[have-1]
		}
		have &= 1
	}
}

func (p *plainSpeech) put(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := 0; i < len(b); i += 2 {
		p.waiting = append(p.waiting, int16(binary.LittleEndian.Uint16(b[i:])))
	}
	if over := len(p.waiting) - plainHold; over > 0 {
		p.waiting = append(p.waiting[:0], p.waiting[over:]...)
	}
}

// take fills pcm with the next samples; false when there are none, or not enough yet to begin with.
func (p *plainSpeech) take(pcm []int16) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.flowing && len(p.waiting) < plainBegin || len(p.waiting) < len(pcm) {
		p.flowing = false
		return false
	}
	p.flowing = true
	p.waiting = append(p.waiting[:0], p.waiting[copy(pcm, p.waiting):]...)
	return true
}

// write sends the mix until ctx ends.
func (p *plainSpeech) write(ctx context.Context, out <-chan []byte) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case b := <-out:
			p.conn.SetWriteDeadline(time.Now().Add(writeTime))
			if _, err := p.conn.Write(b); err != nil {
				return err
			}
		}
	}
}
