//go:build cgo

package audio

import (
	"testing"
	"time"

	"parley.lan/room"
)

// What a plain member who talks and hears one other costs the host, each 10 ms.
func BenchmarkPlainMember(b *testing.B) {
	talker, err := NewTalker()
	if err != nil {
		b.Fatal(err)
	}
	listener, err := NewListener()
	if err != nil {
		b.Fatal(err)
	}
	voice := make([]int16, 3*room.PlainRate)
	toInt16(voice, newResampler(room.SampleRate, room.PlainRate).process(nil, speech(b, "alan"))[:len(voice)])
	hear := func(packet []room.VoiceFrame) {
		for _, f := range packet {
			f.SSRC = 9
			listener.Hear(f)
		}
	}
	ear := make([]int16, room.PlainSamples+1)
	now, at := time.Unix(0, 0), 0
	b.ReportAllocs()
	for b.Loop() {
		talker.Put(now, voice[at:at+room.PlainSamples])
		talker.Next(now, hear)
		listener.Mix(talker.Clock())
		listener.Take(ear)
		now = now.Add(room.FrameTime)
		at = (at + room.PlainSamples) % (len(voice) - room.PlainSamples)
	}
	b.ReportMetric(100*b.Elapsed().Seconds()/float64(b.N)/room.FrameTime.Seconds(), "%core")
}
