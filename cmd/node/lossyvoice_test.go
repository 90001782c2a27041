//go:build linux

package main_test

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"parley.lan/audio/audiotest"
	"parley.lan/internal/lantest"
)

// TestLabLossyLAN: one speaks without a pause, another listens, a third hosts, on a LAN that begins to lose a frame in
// twenty on each of its ways, and ceases to. Copies begin and end by what is lost; what the listener lacks is little.
func TestLabLossyLAN(t *testing.T) {
	const loss = 0.05
	calm, stormy := 3*time.Second, 6*time.Second
	if audiotest.Lab() {
		calm, stormy = 6*time.Second, 20*time.Second
	}
	lan := lantest.New(t)
	host := startVoiced(t, lan.Host("host"), "Host", "", 0)
	host.awaitSound()
	ear := startVoiced(t, lan.Host("ear"), "Ear", "", 0)
	ear.awaitSound()
	dir := t.TempDir()
	in := filepath.Join(dir, "in.wav")
	writeWAV(t, in, rulerRate, ruler(rulerRate, 90))
	mouth := lan.Host("mouth")
	speaker := start(t, mouth, "Mouth", "--audio", "wav:"+in+","+filepath.Join(dir, "none.wav"))
	await(ear.proc, "the voice", func(s speakingEvent) bool { return s.On && s.Member.Name == "Mouth" })

	var bytes, packets atomic.Int64 // of the speaker's voice on its way to the host, headers included
	lan.Filter(func(from, to *lantest.Host, frame []byte) bool {
		if from == mouth && lantest.Parse(frame).UDP(55555) {
			bytes.Add(int64(len(frame)))
			packets.Add(1)
		}
		return true
	})
	rate := func(d time.Duration) (kbits, aSecond float64) {
		b, p := bytes.Load(), packets.Load()
		time.Sleep(d)
		return float64(8*(bytes.Load()-b)) / d.Seconds() / 1000, float64(packets.Load()-p) / d.Seconds()
	}
	quality := func() (q struct{ received, lost, recovered uint64 }) {
		t.Helper()
		told := all[voiceQuality](ear.proc)
		if len(told) == 0 || len(told[len(told)-1].Speakers) == 0 {
			t.Fatal("the listener does not tell how the voice arrives")
		}
		v := told[len(told)-1]
		s := v.Speakers[0]
		q.received, q.lost, q.recovered = s.Received, s.Lost, s.Recovered
		if v.FrameMS != 5 || v.Budget.Network <= 0 {
			t.Errorf("the event tells of frames of %v ms and a network of %v ms", v.FrameMS, v.Budget.Network)
		}
		return q
	}

	time.Sleep(3 * time.Second) // until the frames are as the host asks
	alone, perSecond := rate(calm)
	before := quality()
	lan.Loss(loss)
	time.Sleep(2 * time.Second)
	soon, _ := rate(2 * time.Second)
	copied, _ := rate(stormy)
	lan.Loss(0)
	time.Sleep(13 * time.Second)
	after := quality()
	again, _ := rate(calm)
	speaker.kill()
	ear.leave()
	host.leave()

	sent := float64(after.received + after.lost - before.received - before.lost)
	lost := float64(after.lost-before.lost) / sent
	recovered := float64(after.recovered-before.recovered) / sent
	audiotest.Report(t, fmt.Sprintf("real nodes, %g %% lost on each hop: bit rate with headers", 100*loss), "begins and ends by itself",
		"%.0f kbit/s before (%.0f packets/s), %.0f after 2 s of loss, %.0f then, %.0f 13 s after it", alone, perSecond, soon, copied, again)
	audiotest.Report(t, "  frames lost at the listener, and recovered", "under 1 %", "%.2f %%, %.1f %%", 100*lost, 100*recovered)
	switch {
	case soon < 1.5*alone || copied < 1.5*alone:
		t.Error("copies did not begin")
	case copied > 4*alone:
		t.Error("copies cost more than they may")
	case again > 1.3*alone:
		t.Error("copies did not end")
	}
	if sent < 2000 || lost > 0.01 || recovered == 0 { // without copies nearly a tenth is lost
		t.Errorf("of %.0f frames %.2f %% were lost and %.2f %% recovered", sent, 100*lost, 100*recovered)
	}
}
