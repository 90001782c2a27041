package relay

import (
	"math"
	"math/rand/v2"
	"net"
	"net/netip"
	"testing"
	"time"

	"parley.lan/room"
	"parley.lan/wire"
)

func TestLossMeter(t *testing.T) {
	var m lossMeter
	var sent wire.Tally
	now := time.Duration(0)
	second := func(lost, runs uint64) (l wire.Loss) {
		for range 10 {
			sent.Expected += 20
			sent.Lost += lost
			sent.Runs += runs
			now += 100 * time.Millisecond
			l = m.observe(now, sent)
		}
		return l
	}
	if l := second(0, 0); l != 0 {
		t.Errorf("nothing lost: %v", l.Rate())
	}
	if l := second(2, 1); l.Rate() < 0.03 || l.Burst() != 2 {
		t.Errorf("after a second of loss: %v in runs of %v", l.Rate(), l.Burst())
	}
	for range 5 {
		second(2, 1)
	}
	if l := second(2, 1); math.Abs(l.Rate()-0.1) > 0.001 || l.Burst() != 2 {
		t.Errorf("after seven: %v in runs of %v", l.Rate(), l.Burst())
	}
	for range 5 {
		second(0, 0)
	}
	if l := second(0, 0); l != 0 {
		t.Errorf("six seconds later: %v", l.Rate())
	}
}

// Who answers all beats has not lost them; who answers none is believed, until it is dropped.
func TestReportsAreBelievedAsFarAsTheyCanBe(t *testing.T) {
	all := wire.LossOf(1, 60)
	var liar credit
	for range 1000 {
		liar.beat(true)
	}
	if got := liar.believe(all).Rate(); got > creditMargin+0.001 {
		t.Errorf("a member that answers every beat and says all is lost: %v", got)
	}
	var honest credit
	r := rand.New(rand.NewPCG(1, 1))
	for range 1000 {
		honest.beat(r.Float64() >= 0.3)
	}
	if got := honest.believe(wire.LossOf(0.3, 1)).Rate(); got < 0.25 {
		t.Errorf("a member that loses 30 %%: %v", got)
	}
}

// Of the others, each is told the worst.
func TestWorstBesidesOneself(t *testing.T) {
	a, b, c := &voiceSession{}, &voiceSession{}, &voiceSession{}
	var w worst
	for s, rate := range map[*voiceSession]float64{a: 0.5, b: 0.2, c: 0} {
		w.add(s, wire.LossOf(rate, 1))
	}
	for s, want := range map[*voiceSession]float64{a: 0.2, b: 0.5, c: 0.5} {
		if got := w.besides(s).Rate(); math.Abs(got-want) > 0.001 {
			t.Errorf("told %v, want %v", got, want)
		}
	}
}

// A session's answers as they come: absurd ones are bounded, and age.
func TestBeatsTellTheWorstOfTheOthers(t *testing.T) {
	r := newVoiceRig(t, 3)
	b := beater{relay: r.relay, drop: time.Hour, packet: make([]byte, 0, 64), out: make([]byte, 0, 128)}
	all := r.relay.table.Load().all
	bad, good := all[0], all[1]
	for i := range 200 {
		now := time.Duration(i+1) * 100 * time.Millisecond
		for _, s := range all {
			a := wire.Ack{Sent: uint64(now)}
			if s == bad {
				a.Down = wire.LossOf(1, 99)
			}
			s.ack(wire.AppendAck(nil, a), now)
		}
		b.beat(now, wire.Beat{})
	}
	told := func(to *voiceSession, now time.Duration) wire.Beat {
		to.addr.Store(nil)
		var got wire.Beat
		to.tunnel = func(p []byte) bool { got, _ = wire.ParseBeat(p); return true }
		b.beat(now, wire.Beat{})
		return got
	}
	if d := told(good, 20*time.Second).Down; d.Rate() == 0 || d.Rate() > creditMargin+0.05 {
		t.Errorf("of one that claims to lose everything the others are told %v", d.Rate())
	}
	if d := told(bad, 20*time.Second).Down; d != 0 {
		t.Errorf("it is told its own: %v", d.Rate())
	}
	if d := told(good, 20*time.Second+2*lossAge).Down; d != 0 {
		t.Errorf("long after its last word: %v", d.Rate())
	}
	if f := told(good, 30*time.Second).Frame; time.Duration(f)*wire.FrameUnit != frameSmall {
		t.Errorf("frames of %d units", f)
	}
}

func TestBeatAllocatesNothing(t *testing.T) {
	r := newVoiceRig(t, 10)
	b := beater{relay: r.relay, drop: time.Hour, packet: make([]byte, 0, 64), out: make([]byte, 0, 128)}
	ack := wire.AppendAck(nil, wire.Ack{Sent: 1, Down: wire.LossOf(0.1, 1)})
	now := time.Second
	if n := testing.AllocsPerRun(200, func() {
		now += 100 * time.Millisecond
		for _, s := range r.relay.table.Load().all {
			s.ack(ack, now)
		}
		b.beat(now, wire.Beat{})
	}); n != 0 {
		t.Errorf("%v allocations a beat", n)
	}
}

// lossy leads a client's voice, both ways, over a path that loses what up and down say.
func lossy(t *testing.T, c *Client, up, down func() bool) {
	t.Helper()
	server := c.voice.udp.RemoteAddr().(*net.UDPAddr)
	listen := func() *net.UDPConn {
		u, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { u.Close() })
		return u
	}
	near := listen()
	far, err := net.DialUDP("udp", nil, server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { far.Close() })
	mine := c.voice.udp
	if c.voice.udp, err = net.DialUDP("udp", nil, near.LocalAddr().(*net.UDPAddr)); err != nil {
		t.Fatal(err)
	}
	mine.Close()
	home := c.voice.udp.LocalAddr().(*net.UDPAddr).AddrPort()
	go func() {
		b := make([]byte, 2048)
		for {
			n, _, err := near.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			if !up() {
				far.Write(b[:n])
			}
		}
	}()
	go func() {
		b := make([]byte, 2048)
		for {
			n, err := far.Read(b)
			if err != nil {
				return
			}
			if !down() {
				near.WriteToUDPAddrPort(b[:n], netip.AddrPortFrom(home.Addr().Unmap(), home.Port()))
			}
		}
	}()
}

// losing loses a share of what it is asked for, in runs of the given length.
func losing(seed uint64, rate *float64, run int) func() bool {
	r := rand.New(rand.NewPCG(seed, 1))
	left := 0
	return func() bool {
		switch {
		case left > 0:
			left--
		case r.Float64() < *rate/(*rate+float64(run)*(1-*rate)):
			left = run - 1
		default:
			return false
		}
		return true
	}
}

// pathOf is what a member was last told of its voice's path.
func pathOf(p *peer) (path room.VoicePath) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range p.notices {
		if b, ok := n.(Beat); ok {
			path = PathOf(b.Beat)
		}
	}
	return path
}

// The loss on a speaker's way up, and on its listener's way down, comes to the speaker as it is; that of a third, whose path is
// good, is none.
func TestLossIsMeasuredAndTold(t *testing.T) {
	_, ports := testServer(t, func(c *Config) { c.Beat, c.Drop = 100*time.Millisecond, time.Hour })
	ada, bob, cy := newPeer(t, "ada"), newPeer(t, "bob"), newPeer(t, "cy")
	up, down, none := 0.1, 0.2, 0.0
	for p, rates := range map[*peer][2]*float64{ada: {&up, &none}, bob: {&none, &down}, cy: {&none, &none}} {
		p.dialAt(t, loopback(ports.TextPort()))
		lossy(t, p.Client, losing(7, rates[0], 1), losing(8, rates[1], 3))
		p.follow(t)
	}
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() { // 2.5 ms a packet, so that the test need not last long
		defer close(done)
		for seq := uint16(0); ; seq++ {
			select {
			case <-stop:
				return
			case <-time.After(2500 * time.Microsecond):
			}
			ada.SendVoice([]room.VoiceFrame{{Seq: seq, Opus: []byte{1}}})
		}
	}()
	time.Sleep(lossTime + 6*time.Second) // and what was lost while the paths were laid is forgotten
	close(stop)
	<-done
	within := func(p *peer, want float64) {
		t.Helper()
		got := pathOf(p)
		t.Logf("%s is told of %.3f, in runs of %.2f; true is %.3f", p.cfg.Name, got.Loss, got.Burst, want)
		if math.Abs(got.Loss-want) > 0.3*want+0.001 {
			t.Errorf("%s is told of a loss of %v, true is %v", p.cfg.Name, got.Loss, want)
		}
	}
	within(ada, 1-(1-up)*(1-down))
	within(bob, 0)
	within(cy, down)
	if b := pathOf(cy).Burst; b < 2.2 || b > 4.5 {
		t.Errorf("runs of three are told as of %v", b)
	}
	if ada.RTT() <= 0 || ada.RTT() > time.Minute {
		t.Errorf("ada's round trip is %v", ada.RTT())
	}
}

// What a packet of voice may hold: what fits, and something.
func TestPacketsOfNothingAreDropped(t *testing.T) {
	r := newVoiceRig(t, 1)
	heard := 0
	r.relay.add(&voiceSession{ssrc: 99, hear: func(room.VoiceFrame) { heard++ }, forget: func(uint32) {}}, [16]byte{})
	send := func(p []byte) { r.relay.datagram(r.seal.Seal(nil, p), r.from, make([]byte, 0, 4096)) }
	send([]byte{wire.PacketVoice})
	fat := []byte{wire.PacketVoice}
	for len(fat) <= wire.MaxPacket {
		fat = wire.AppendFrame(fat, &room.VoiceFrame{Opus: make([]byte, 100)})
	}
	send(fat)
	foreign := wire.AppendFrame([]byte{wire.PacketVoice}, &room.VoiceFrame{Opus: []byte{1}})
	send(wire.AppendFrame(foreign, &room.VoiceFrame{SSRC: 5, Opus: []byte{1}}))
	if bad := r.count.PacketsBad.Load(); bad != 3 || heard != 0 {
		t.Errorf("%d refused, %d frames passed on", bad, heard)
	}
	copies := []byte{wire.PacketVoice} // of any lengths, in any order: whoever hears them sorts them out
	for _, n := range []int{1, 40, 1000} {
		copies = wire.AppendFrame(copies, &room.VoiceFrame{Seq: 9, Opus: make([]byte, n)})
	}
	send(copies)
	if heard != 3 {
		t.Errorf("%d of three frames came", heard)
	}
}

// A plain member's frames are made here: what they need to reach the worst of the listeners is told to whoever makes them.
func TestPlainMemberIsToldItsPath(t *testing.T) {
	v := newVoiceRelay(nil, time.Now(), &Counters{})
	plain := &voiceSession{hear: func(room.VoiceFrame) {}}
	node := &voiceSession{open: wire.NewOpener([16]byte{}), tunnel: func([]byte) bool { return true }, drop: func() {}}
	node.down.Store(uint32(wire.LossOf(0.08, 1)))
	v.add(plain, [16]byte{})
	v.add(node, [16]byte{})
	b := beater{relay: v, drop: time.Hour}
	for range 10 {
		node.acks.Add(1)
		b.beat(100*time.Millisecond, wire.Beat{})
	}
	p := plain.path.Load()
	if p == nil || p.Frame != frameSmall || p.Loss < 0.07 || p.Loss > 0.09 {
		t.Errorf("told %+v, want 5 ms and 8 %%", p)
	}
	b.beat(100*time.Millisecond, wire.Beat{})
	if plain.path.Load() != p {
		t.Error("told again what has not changed")
	}
}
