package node

import (
	"errors"
	"runtime"
	"sync/atomic"
	"time"

	"parley.lan/room"
)

// mouth joins the two that speak as this member, the microphone and what is said through the node by another program,
// into one stream with one run of sequence numbers and timestamps. While a speech lasts the microphone is not sent,
// muted or not.
type mouth struct {
	lent  atomic.Bool   // to a speech
	busy  atomic.Bool   // somebody is sending at this moment; guards what follows
	frame atomic.Uint32 // duration of a frame, in samples: from one to the next

	source    source
	spoken    bool   // anything yet
	young     int    // packets to come that may hold copies of frames from before the source's turn
	first     uint16 // the first frame of the turn, by the source's count
	seq       uint16 // of the next frame
	timestamp uint32 // where the last frame ended, or began when its duration is unknown
	at        time.Time
	seqBy     uint16 // what makes ours of the source's
	stampBy   uint32
	packet    [maxCopies]room.VoiceFrame
}

type source uint8

const (
	microphone source = iota
	speech
)

const (
	maxCopies  = 16                           // frames in one packet
	youngTurns = 16                           // packets
	longest    = room.SampleRate * 120 / 1000 // samples of a packet of Opus
)

// ErrSpeaking says that another program speaks through this node.
var ErrSpeaking = errors.New("another program speaks through this node")

// renumber makes one stream of both sources' packets. What it returns is valid until the next call.
func (m *mouth) renumber(from source, packet []room.VoiceFrame, now time.Time) []room.VoiceFrame {
	newest := &packet[len(packet)-1]
	turned := m.source != from && m.spoken
	if turned {
		m.seqBy = m.seq - newest.Seq
		m.stampBy = m.timestamp + uint32(now.Sub(m.at)*room.SampleRate/time.Second) - newest.Timestamp
		m.first, m.young = newest.Seq, youngTurns
	}
	if step := newest.Timestamp + m.stampBy - m.timestamp; !turned && m.spoken && newest.Seq+m.seqBy == m.seq && step <= longest {
		m.frame.Store(step)
	}
	m.source, m.spoken = from, true
	out := m.packet[:0]
	for _, f := range packet[max(0, len(packet)-maxCopies):] {
		if m.young > 0 && int16(f.Seq-m.first) < 0 {
			continue // its number is the other source's by now
		}
		f.Seq += m.seqBy
		f.Timestamp += m.stampBy
		f.Marker = f.Marker || turned
		out = append(out, f)
	}
	m.young = max(0, m.young-1)
	m.seq, m.timestamp, m.at = newest.Seq+m.seqBy+1, newest.Timestamp+m.stampBy, now
	return out
}

// speak sends what the microphone gave. It is the packet path: it neither waits nor allocates.
func (n *Node) speak(packet []room.VoiceFrame) {
	m := &n.pipes.mouth
	if m.lent.Load() || !m.busy.CompareAndSwap(false, true) {
		return
	}
	n.send(m.renumber(microphone, packet, time.Now()))
	m.busy.Store(false)
}

func (n *Node) send(packet []room.VoiceFrame) {
	for _, c := range *n.clients.Load() {
		c.SendVoice(packet)
	}
	newest := packet[len(packet)-1]
	newest.SSRC = n.ssrc.Load()
	self := n.loudness(newest)
	if self == nil {
		return // not in a room
	}
	for _, f := range packet {
		f.SSRC = self.SSRC
		n.pipes.overhear(self, f)
	}
}

// Speech is another program's turn to speak as this node, in place of its microphone.
type Speech struct {
	pipes *pipes
	send  func([]room.VoiceFrame)
}

// Speak begins a speech, or fails with ErrSpeaking when there is one already.
func (n *Node) Speak() (*Speech, error) { return n.pipes.speak(n.send) }

// Speak is Node's; it goes on when the node makes itself a new key.
func (p *Participant) Speak() (*Speech, error) {
	return p.cfg.pipes.speak(func(packet []room.VoiceFrame) { n, _ := p.now(); n.send(packet) })
}

func (p *pipes) speak(send func([]room.VoiceFrame)) (*Speech, error) {
	if !p.mouth.lent.CompareAndSwap(false, true) {
		return nil, ErrSpeaking
	}
	p.change()
	return &Speech{p, send}, nil
}

// Send sends one packet of frames, the newest last, numbered as one stream from the first to the last packet of this
// speech; whoever calls paces it.
func (s *Speech) Send(packet []room.VoiceFrame) {
	m := &s.pipes.mouth
	for !m.busy.CompareAndSwap(false, true) {
		runtime.Gosched() // for the microphone's last packet
	}
	s.send(m.renumber(speech, packet, time.Now()))
	m.busy.Store(false)
}

// Close gives the word back to the microphone.
func (s *Speech) Close() {
	s.pipes.mouth.lent.Store(false)
	s.pipes.change()
}
