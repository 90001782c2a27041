//go:build linux

package main_test

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"parley.lan/audio/audiotest"
	"parley.lan/internal/lantest"
)

// soundEvent and voiceEvent are the events about sound, as the contract has them.
type (
	soundEvent struct {
		Time   time.Time `json:"time"`
		Input  string    `json:"input"`
		Output string    `json:"output"`
		Error  string    `json:"error"`
	}
	speakingEvent struct {
		Member person `json:"member"`
		On     bool   `json:"on"`
	}
)

func init() {
	decoders["audio"] = decode[soundEvent]
	decoders["speaking"] = decode[speakingEvent]
}

// clip is speech at audiotest.Rate.
func clip(t *testing.T, name string) []float64 {
	t.Helper()
	pcm, err := audiotest.Load(filepath.Join("..", "..", "audio", "testdata", name+".wav"))
	if err != nil {
		t.Fatal(err)
	}
	return pcm
}

// saveClip writes speech as a WAV file, after some silence.
func saveClip(t *testing.T, path string, silence time.Duration, pcm []float64) {
	t.Helper()
	lead := int(silence.Seconds() * audiotest.Rate)
	size := 2 * (lead + len(pcm))
	b := append([]byte("RIFF"), binary.LittleEndian.AppendUint32(nil, uint32(36+size))...)
	b = append(b, "WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00"...)
	b = binary.LittleEndian.AppendUint32(b, audiotest.Rate)
	b = binary.LittleEndian.AppendUint32(b, 2*audiotest.Rate)
	b = append(b, "\x02\x00\x10\x00data"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(size))
	b = append(b, make([]byte, 2*lead)...)
	for _, v := range pcm {
		b = binary.LittleEndian.AppendUint16(b, uint16(int16(math.Round(v*32767))))
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// voiced is a node with files for a microphone and a loudspeaker.
type voiced struct {
	*proc
	clip    []float64
	silence time.Duration // before the clip
	out     string
	opened  time.Time // when its files began to run
}

// startVoiced starts a node that says a clip of testdata after some silence from its joining on; without a clip it
// only listens.
func startVoiced(t *testing.T, h *lantest.Host, name, speech string, silence time.Duration) *voiced {
	t.Helper()
	dir := t.TempDir()
	v := &voiced{silence: silence, out: filepath.Join(dir, "out.wav")}
	in := ""
	if speech != "" {
		v.clip = clip(t, speech)
		in = filepath.Join(dir, "in.wav")
		saveClip(t, in, silence, v.clip)
	}
	v.proc = start(t, h, name, "--audio", "wav:"+in+","+v.out)
	return v
}

// awaitSound waits until the node's files run.
func (v *voiced) awaitSound() {
	v.t.Helper()
	s, _ := await(v.proc, "its sound", func(s soundEvent) bool { return s.Output != "" || s.Error != "" })
	if s.Error != "" {
		v.t.Fatalf("%s has no sound: %s", v.name, s.Error)
	}
	v.opened = s.Time
}

// leave ends the node politely, so that its recording is complete.
func (v *voiced) leave() {
	v.t.Helper()
	v.write("/quit")
	if code := v.awaitExit(); code != 0 {
		v.t.Errorf("%s left with exit code %d", v.name, code)
	}
}

// heard looks for what from said in what v played; the delay is from mouth to ear.
func (v *voiced) heard(from *voiced) audiotest.Match {
	v.t.Helper()
	recording, err := audiotest.Load(v.out)
	if err != nil {
		v.t.Fatal(err)
	}
	m := audiotest.Find(from.clip, recording)
	m.Delay += v.opened.Sub(from.opened) - from.silence
	return m
}

// TestSpeechArrives: one talks, two listen, one of them the host. What they play is what was said, soon.
func TestSpeechArrives(t *testing.T) {
	audiotest.Insist(t, func(report func(string, ...any)) { speechArrives(t, report) })
}

func speechArrives(t *testing.T, report func(string, ...any)) {
	t.Helper()
	lan := lantest.New(t)
	host := startVoiced(t, lan.Host("host"), "Host", "", 0)
	host.awaitSound()
	guest := startVoiced(t, lan.Host("guest"), "Guest", "", 0)
	guest.awaitSound()
	ada := startVoiced(t, lan.Host("ada"), "Ada", "ada", time.Second)
	ada.awaitSound()
	for _, ear := range []*voiced{host, guest} {
		await(ear.proc, "Ada speaking", func(s speakingEvent) bool { return s.On && s.Member.Name == "Ada" })
		await(ear.proc, "Ada silent", func(s speakingEvent) bool { return !s.On && s.Member.Name == "Ada" })
	}
	for _, v := range []*voiced{ada, guest, host} {
		v.leave()
	}
	for _, ear := range []*voiced{host, guest} {
		m := ear.heard(ada)
		t.Logf("from Ada's mouth to the ear of %s: %v", ear.name, m)
		if m.Envelope < 0.9 {
			report("%s heard Ada with %v", ear.name, m)
		}
		if m.Delay < 10*time.Millisecond || m.Delay > 250*time.Millisecond {
			report("%s heard Ada after %v", ear.name, m.Delay)
		}
	}
	if m := ada.heard(ada); m.Waveform > 0.3 {
		report("Ada heard herself: %v", m)
	}
}

// TestThreeTalkAtOnce: each hears the other two and not itself.
func TestThreeTalkAtOnce(t *testing.T) {
	audiotest.Insist(t, func(report func(string, ...any)) { threeTalkAtOnce(t, report) })
}

func threeTalkAtOnce(t *testing.T, report func(string, ...any)) {
	t.Helper()
	const silence = 3 * time.Second // until all are in the room
	lan := lantest.New(t)
	host := startVoiced(t, lan.Host("ada"), "Ada", "ada", silence+time.Second)
	host.awaitSound()
	all := []*voiced{host,
		startVoiced(t, lan.Host("grace"), "Grace", "grace", silence),
		startVoiced(t, lan.Host("alan"), "Alan", "alan", silence)}
	for _, v := range all {
		v.awaitSound()
		v.awaitRoster("Ada", "Grace", "Alan")
	}
	for _, v := range all {
		for _, other := range all {
			if v != other {
				await(v.proc, other.name+" silent again", func(s speakingEvent) bool { return !s.On && s.Member.Name == other.name })
			}
		}
	}
	for i := len(all) - 1; i >= 0; i-- {
		all[i].leave()
	}
	for _, ear := range all {
		for _, mouth := range all {
			m := ear.heard(mouth)
			t.Logf("%s at %s: %v", mouth.name, ear.name, m)
			switch {
			case mouth == ear && m.Waveform > 0.3:
				report("%s heard itself: %v", ear.name, m)
			case mouth != ear && m.Waveform < 0.45:
				report("%s did not hear %s: %v", ear.name, mouth.name, m)
			case mouth != ear && (m.Delay < 10*time.Millisecond || m.Delay > 250*time.Millisecond):
				report("%s heard %s after %v", ear.name, mouth.name, m.Delay)
			}
		}
	}
}

// TestKilledNodeLeavesItsRecording: the file that a node plays into can be read whatever ends the node.
func TestKilledNodeLeavesItsRecording(t *testing.T) {
	lan := lantest.New(t)
	v := startVoiced(t, lan.Host("ada"), "Ada", "", 0)
	v.awaitSound()
	time.Sleep(time.Second) // of silence to record
	v.kill()
	recording, err := audiotest.Load(v.out)
	if err != nil {
		t.Fatal(err)
	}
	if len(recording) < audiotest.Rate/2 {
		t.Errorf("%d samples of a second", len(recording))
	}
}
