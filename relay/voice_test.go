package relay

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"parley.lan/room"
	"parley.lan/wire"
)

// voiceRig is a voice relay with one speaker and n listeners whose datagrams go to a socket that nobody
// reads, as a listener's would while it sleeps.
type voiceRig struct {
	relay *voiceRelay
	seal  *wire.Sealer
	from  netip.AddrPort
	frame []byte
	count Counters
}

func newVoiceRig(t testing.TB, n int) *voiceRig {
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	sink, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { udp.Close(); sink.Close() })
	r := &voiceRig{from: sink.LocalAddr().(*net.UDPAddr).AddrPort()}
	r.relay = newVoiceRelay(udp, time.Now(), &r.count)
	for i := range n + 1 {
		s := &voiceSession{ssrc: uint32(i), open: wire.NewOpener([16]byte{1}), tunnel: func([]byte) bool { return false }}
		s.addr.Store(&r.from)
		r.relay.add(s, [16]byte{2})
		if i == 0 {
			r.seal = wire.NewSealer([16]byte{1}, s.id)
		}
	}
	f := room.VoiceFrame{SSRC: 0, Opus: make([]byte, 80)}
	r.frame = wire.AppendFrame([]byte{wire.PacketVoice}, &f)
	return r
}

func TestPacketPathAllocatesNothing(t *testing.T) {
	r := newVoiceRig(t, 10)
	in, out := make([]byte, 0, 2048), make([]byte, 0, 2048)
	allocs := testing.AllocsPerRun(500, func() {
		r.relay.datagram(r.seal.Seal(in, r.frame), r.from, out)
	})
	if allocs != 0 {
		t.Errorf("%v allocations for a packet to ten listeners", allocs)
	}
	if bad := r.count.PacketsBad.Load(); bad != 0 {
		t.Errorf("%d packets were refused", bad)
	}
}

// FuzzDatagram: nothing that is not sealed for a session passes, and nothing panics.
func FuzzDatagram(f *testing.F) {
	r := newVoiceRig(f, 1)
	f.Add(r.seal.Seal(nil, r.frame)[:40])
	f.Add([]byte("\x00\x01\x02"))
	out := make([]byte, 0, 2048)
	f.Fuzz(func(t *testing.T, b []byte) {
		before := r.count.PacketsBad.Load()
		r.relay.datagram(b, r.from, out)
		if r.count.PacketsBad.Load() != before+1 {
			t.Error("a made-up datagram was taken")
		}
	})
}

func BenchmarkRelayVoice(b *testing.B) {
	for _, n := range []int{1, 10, 50, 200} {
		b.Run(fmt.Sprintf("listeners=%d", n), func(b *testing.B) {
			r := newVoiceRig(b, n)
			in, out := make([]byte, 0, 2048), make([]byte, 0, 2048)
			b.ReportAllocs()
			for b.Loop() {
				r.relay.datagram(r.seal.Seal(in, r.frame), r.from, out)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/delivery")
		})
	}
}
