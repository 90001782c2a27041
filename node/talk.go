package node

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"time"

	"parley.lan/relay"
	"parley.lan/room"
)

// beginSound starts the sound once the node is in a room.
func (n *Node) beginSound() {
	if n.cfg.Sound == nil {
		return
	}
	ctx, hush := context.WithCancel(n.ctx)
	n.hush = hush
	n.tasks.Go(func() { n.runSound(ctx) })
}

// runSound captures and plays until ctx ends. It runs from the first joined room on, so that nothing that
// is said at the very start is lost.
func (n *Node) runSound(ctx context.Context) {
	send := func(packet []room.VoiceFrame) {
		n.speak(packet)
	}
	status := func(input, output string, err error) {
		a := Audio{Input: input, Output: output}
		if err != nil {
			a.Error = strings.ReplaceAll(err.Error(), "\n", "; ") // one for each end
		}
		n.sounded.Store(&a)
		n.post(ctx, a)
	}
	if err := n.cfg.Sound.Run(ctx, send, status); err != nil && ctx.Err() == nil {
		n.post(ctx, Audio{Error: err.Error()})
	}
}

// hear takes a frame from the host. It is the packet path: no lock, no allocation.
func (n *Node) hear(f room.VoiceFrame) {
	s := n.loudness(f)
	if s == nil {
		return // nobody in the roster speaks so
	}
	n.pipes.overhear(s, f)
	if n.cfg.Sound != nil {
		n.cfg.Sound.Hear(f)
	}
}

// loudness notes that a member speaks, and returns it; nil when nobody has this SSRC. A copy of an earlier frame says nothing
// of now.
func (n *Node) loudness(f room.VoiceFrame) *speaker {
	s := (*n.roster.bySSRC.Load())[f.SSRC]
	if s == nil {
		return nil
	}
	if ahead := int16(f.Seq - uint16(s.newest.Load())); ahead > 0 || ahead < -copiesBehind {
		s.newest.Store(uint32(f.Seq))
		s.level.Store(uint32(f.Level))
		if f.Level <= quiet {
			s.loud.Store(int64(time.Since(n.started)))
		}
	}
	return s
}

// tune tells the sound what the host's beat asks of it, when that is new.
func (n *Node) tune(b relay.Beat) {
	path, old := relay.PathOf(b.Beat), n.path.Load()
	if n.cfg.Sound != nil && (old == nil || path != *old) {
		n.path.Store(&path)
		n.cfg.Sound.Tune(path)
	}
}

// listen tells the face who began or ceased to speak since the last time.
func (n *Node) listen() {
	now := time.Since(n.started)
	for _, s := range *n.roster.byID.Load() {
		loud := time.Duration(s.loud.Load())
		if on := loud != 0 && now-loud < speakHang; on != s.speaking {
			s.speaking = on
			n.emit(Speaking{s.Member, on})
		}
	}
}

// Levels tells how loud it is now: at the microphone, and of everybody who speaks, this node included.
func (n *Node) Levels() Levels {
	l, now := n.switches.microphone(), time.Since(n.started)
	for id, s := range *n.roster.byID.Load() {
		if loud := time.Duration(s.loud.Load()); loud != 0 && now-loud < speakHang {
			l.Members = append(l.Members, MemberLevel{id, uint8(s.level.Load())})
		}
	}
	slices.SortFunc(l.Members, func(a, b MemberLevel) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	return l
}

// Levels is Node's.
func (p *Participant) Levels() Levels { n, _ := p.now(); return n.Levels() }

// quality tells the face how the voices arrive, when any did since the last time.
func (n *Node) quality() {
	v := n.voice()
	received := n.received
	n.received = 0
	for _, s := range v.Speakers {
		n.received += s.Received
	}
	if n.received != received && len(v.Speakers) > 0 {
		n.emit(v)
	}
}

// voice tells how the voices arrive now, and one's own goes. It may be called from anywhere.
func (n *Node) voice() (v Voice) {
	if n.cfg.Sound == nil {
		return v
	}
	if v.FrameMS = float64(n.pipes.mouth.frame.Load()) * 1000 / room.SampleRate; v.FrameMS == 0 {
		if path := n.path.Load(); path != nil {
			v.FrameMS = milliseconds(path.Frame)
		}
	}
	v.Budget = n.budget()
	for _, st := range n.cfg.Sound.Stats() {
		if s := (*n.roster.bySSRC.Load())[st.SSRC]; s != nil {
			v.Speakers = append(v.Speakers, VoiceQuality{
				Person: Person{s.ID, s.Name}, Received: st.Received, Lost: st.Lost, Concealed: st.Concealed,
				Late: st.Late, Recovered: st.Recovered, JitterMS: st.JitterMS, DelayMS: st.DelayMS,
			})
		}
	}
	return v
}

// budget is how long a voice takes. The way from a member to the host and on to another is taken to be as long as one's own to
// the host and back.
func (n *Node) budget() *Budget {
	b := n.cfg.Sound.Budget()
	if clients := *n.clients.Load(); len(clients) > 0 {
		b.Network = milliseconds(clients[0].RTT())
	}
	return BudgetOf(b)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
