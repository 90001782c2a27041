//go:build linux

package main_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"parley.lan/audio/audiotest"
	"parley.lan/internal/lantest"
)

type recordingEvent struct {
	Member member `json:"member"`
	On     bool   `json:"on"`
}

func init() { decoders["recording"] = decode[recordingEvent] }

// command is a run of the binary that is no node of its own, or is one only by the way.
type command struct {
	t              *testing.T
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
	exited         chan struct{}
}

// launch starts a command on a host, with a state folder.
func launch(t *testing.T, h *lantest.Host, dir string, stdin *os.File, args ...string) *command {
	t.Helper()
	c := &command{t: t, exited: make(chan struct{})}
	c.cmd = h.Command(context.Background(), program, append(args, "--state-dir", dir)...)
	c.cmd.Env = environment(dir)
	c.cmd.Stdout, c.cmd.Stderr = &c.stdout, &c.stderr
	if stdin != nil {
		c.cmd.Stdin = stdin
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(c.exited)
		c.cmd.Wait()
	}()
	t.Cleanup(func() {
		select {
		case <-c.exited:
		default:
			c.cmd.Process.Kill()
			<-c.exited
		}
		if t.Failed() {
			t.Logf("--- %v: %v\n%s%s", args, c.cmd.ProcessState, c.stdout.String()[:min(c.stdout.Len(), 2000)], c.stderr.String())
		}
	})
	return c
}

// wants waits for an exit code.
func (c *command) wants(code int) {
	c.t.Helper()
	select {
	case <-c.exited:
	case <-time.After(patience):
		c.t.Fatalf("%v still runs after %v", c.cmd.Args[1:], patience)
	}
	if got := c.cmd.ProcessState.ExitCode(); got != code {
		c.t.Fatalf("%v: exit code %d, want %d", c.cmd.Args[1:], got, code)
	}
}

func (c *command) interrupt() { c.cmd.Process.Signal(syscall.SIGINT) }

// opusTool gives the output of one of the Opus tools.
func opusTool(t *testing.T, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(args[0]); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("CI=true forbids to skip: %v", err)
		}
		t.Skipf("needs opus-tools: %v", err)
	}
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

// loadOpus decodes a recording by somebody else's decoder, which must find nothing wrong with it.
func loadOpus(t *testing.T, path string) []float64 {
	t.Helper()
	for line := range strings.Lines(opusTool(t, "opusinfo", path)) {
		if strings.Contains(strings.ToLower(line), "warning") || strings.Contains(line, "invalid") {
			t.Errorf("%s: %s", filepath.Base(path), line)
		}
	}
	wav := filepath.Join(t.TempDir(), "decoded.wav")
	opusTool(t, "opusdec", "--quiet", "--force-wav", "--rate", "48000", path, wav)
	return loadStream(t, wav)
}

// loadStream reads a 48 kHz WAV whose header need not tell its length.
func loadStream(t *testing.T, path string) []float64 {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) < 44 || string(b[36:40]) != "data" || binary.LittleEndian.Uint32(b[24:]) != 48000 || b[22] != 1 || b[34] != 16 {
		t.Fatalf("%s is no WAV of 48 kHz, 16 bit, mono: %q", path, b[:min(44, len(b))])
	}
	pcm := make([]float64, (len(b)-44)/2)
	for i := range pcm {
		pcm[i] = float64(int16(binary.LittleEndian.Uint16(b[44+2*i:]))) / 32768
	}
	return audiotest.Decimate(pcm, 3)
}

// TestRecordingIsSeenAndTrue: two talk, one after the other. The talker's own node records the mix; somebody who comes for it records
// tracks. Both are seen to do so, by who was there and by who comes later, and everybody is found in the files.
func TestRecordingIsSeenAndTrue(t *testing.T) {
	t.Parallel()
	audiotest.Insist(t, func(report func(string, ...any)) { recordBoth(t, report) })
}

func recordBoth(t *testing.T, report func(string, ...any)) {
	t.Helper()
	const silence = 6 * time.Second // until all is set up
	lan := lantest.New(t)
	ada := startVoiced(t, lan.Host("ada"), "Ada", "ada", silence)
	ada.awaitSound()
	grace := startVoiced(t, lan.Host("grace"), "Grace", "grace", silence+3500*time.Millisecond)
	grace.awaitSound()
	dir := t.TempDir()
	mix, tracks := filepath.Join(dir, "mix"), filepath.Join(dir, "tracks")
	mixing := launch(t, lan.Host("ada"), ada.dir, nil, "record", mix)
	tracking := launch(t, lan.Host("cy"), t.TempDir(), nil, "record", tracks, "--tracks", "--name", "Cy", "--json")
	for _, p := range []*proc{ada.proc, grace.proc} {
		await(p, "Ada recording", func(r recordingEvent) bool { return r.On && r.Member.Name == "Ada" })
		await(p, "Cy recording", func(r recordingEvent) bool { return r.On && r.Member.Name == "Cy (recording)" })
	}
	late := start(t, lan.Host("late"), "Late")
	await(late, "word that Ada records", func(r recordingEvent) bool { return r.On && r.Member.Name == "Ada" })
	await(late, "word that Cy records", func(r recordingEvent) bool { return r.On && r.Member.Name == "Cy (recording)" })

	await(ada.proc, "Grace silent", func(s speakingEvent) bool { return !s.On && s.Member.Name == "Grace" })
	mixing.interrupt()
	tracking.interrupt()
	mixing.wants(0)
	tracking.wants(0)
	await(grace.proc, "Ada no longer recording", func(r recordingEvent) bool { return !r.On && r.Member.Name == "Ada" })
	await(grace.proc, "Cy gone", func(l memberLeft) bool { return l.Member.Name == "Cy (recording)" })
	if out := mixing.stdout.String(); !strings.Contains(out, "Recorded ") || !strings.Contains(out, mix+".opus") {
		t.Errorf("it tells of the recording only %q", out)
	}
	var done struct {
		Type, Room string
		Seconds    float64
	}
	if err := json.Unmarshal(tracking.stdout.Bytes(), &done); err != nil || done.Type != "recorded" || done.Room != "lobby" || done.Seconds < 5 {
		t.Errorf("%s: %v", tracking.stdout.String(), err)
	}

	mixed := loadOpus(t, mix+".opus")
	one, other := loadOpus(t, filepath.Join(tracks, "Ada.opus")), loadOpus(t, filepath.Join(tracks, "Grace.opus"))
	if apart := len(one) - len(other); apart > audiotest.Rate/50 || apart < -audiotest.Rate/50 {
		t.Errorf("the tracks last %d and %d samples", len(one), len(other))
	}
	said := grace.opened.Sub(ada.opened) + 3500*time.Millisecond // from Ada's word on
	for _, f := range []struct {
		name       string
		ada, grace []float64
	}{{"mix", mixed, mixed}, {"tracks", one, other}} {
		a, g := audiotest.Find(ada.clip, f.ada), audiotest.Find(grace.clip, f.grace)
		t.Logf("in the %s: Ada %v, Grace %v; Grace %v after Ada, said %v after", f.name, a, g, g.Delay-a.Delay, said)
		if a.Envelope < 0.9 || g.Envelope < 0.9 {
			report("in the %s: Ada %v, Grace %v", f.name, a, g)
		}
		if off := g.Delay - a.Delay - said; off.Abs() > 150*time.Millisecond {
			report("in the %s Grace is %v off against Ada", f.name, off)
		}
	}
}

// TestRecordingSurvivesItsHost: who records is known to the next host too.
func TestRecordingSurvivesItsHost(t *testing.T) {
	lan := lantest.New(t)
	nodes := gather(t, lan, "host", "ada", "bob")
	out := filepath.Join(t.TempDir(), "mix.opus")
	recording := launch(t, lan.Host("ada"), nodes[1].dir, nil, "record", out)
	await(nodes[2], "Ada recording", func(r recordingEvent) bool { return r.On && r.Member.Name == "ada" })
	nodes[0].kill()
	for _, p := range nodes[1:] {
		p.awaitRoster("ada", "bob")
	}
	late := start(t, lan.Host("late"), "late")
	await(late, "word that Ada records", func(r recordingEvent) bool { return r.On && r.Member.Name == "ada" })
	for _, e := range all[recordingEvent](nodes[2]) {
		if !e.On {
			t.Error("the change of host told that Ada no longer records")
		}
	}
	recording.interrupt()
	recording.wants(0)
	await(late, "Ada no longer recording", func(r recordingEvent) bool { return !r.On && r.Member.Name == "ada" })
	if again := launch(t, lan.Host("ada"), nodes[1].dir, nil, "record", out); true {
		again.wants(1)
		if !strings.Contains(again.stderr.String(), "is there already") {
			t.Errorf("recording over a file: %q", again.stderr.String())
		}
	}
}

// TestListenAndSayAudio: what one node is given to say is heard at another, through running nodes and by members of
// their own.
func TestListenAndSayAudio(t *testing.T) {
	t.Parallel()
	audiotest.Insist(t, func(report func(string, ...any)) { listenAndSay(t, report) })
}

func listenAndSay(t *testing.T, report func(string, ...any)) {
	t.Helper()
	lan := lantest.New(t)
	bob := startVoiced(t, lan.Host("bob"), "Bob", "", 0)
	bob.awaitSound()
	muted := start(t, lan.Host("ada"), "Ada", "--mute")
	muted.awaitRoster("Ada", "Bob")

	dir := t.TempDir()
	saying := filepath.Join(dir, "say.wav")
	words := clip(t, "grace")
	saveClip(t, saying, 0, words)
	ears := map[string]*command{
		"a running node": launch(t, lan.Host("bob"), bob.dir, nil, "listen"),
		"one of its own": launch(t, lan.Host("ear"), t.TempDir(), nil, "listen", "--name", "Ear"),
		"the speaker's":  launch(t, lan.Host("ada"), muted.dir, nil, "listen"),
	}
	await(bob.proc, "the ear", func(j memberJoined) bool { return j.Member.Name == "Ear (listening)" })
	for _, who := range []struct{ host, dir, name string }{
		{"ada", muted.dir, "Ada"}, {"mouth", t.TempDir(), "Mouth (audio)"},
	} {
		f, err := os.Open(saying)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		c := launch(t, lan.Host(who.host), who.dir, f, "say-audio", "--name", "Mouth")
		await(bob.proc, who.name+" speaking", func(s speakingEvent) bool { return s.On && s.Member.Name == who.name })
		c.wants(0)
		await(bob.proc, who.name+" silent", func(s speakingEvent) bool { return !s.On && s.Member.Name == who.name })
	}
	time.Sleep(500 * time.Millisecond) // what the last jitter buffer holds
	bob.leave()
	for name, c := range ears {
		if name != "a running node" {
			c.interrupt()
			c.wants(0)
			continue
		}
		c.wants(1) // its node has ended
		if !strings.Contains(c.stderr.String(), "has ended") {
			t.Errorf("%q", c.stderr.String())
		}
	}
	played, err := audiotest.Load(bob.out)
	if err != nil {
		t.Fatal(err)
	}
	heard := map[string][]float64{"Bob": played}
	for name, c := range ears {
		path := filepath.Join(dir, "heard.wav")
		if err := os.WriteFile(path, c.stdout.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		heard[name] = loadStream(t, path)
	}
	for name, pcm := range heard {
		first := audiotest.Find(words, pcm)
		at := int(first.Delay.Seconds() * audiotest.Rate)
		// The other of the two is in what is left on the longer side.
		rest := pcm[min(len(pcm), at+len(words)):]
		if at > len(rest) {
			rest = pcm[:at]
		}
		second := audiotest.Find(words, rest)
		t.Logf("heard by %s: %v and %v", name, first, second)
		if first.Envelope < 0.9 || second.Envelope < 0.9 {
			report("heard by %s: %v and %v", name, first, second)
		}
	}
}

// TestDoctorOfARunningNode: the verdict, and what it rests on.
func TestDoctorOfARunningNode(t *testing.T) {
	t.Parallel()
	lan := lantest.New(t)
	bob := startVoiced(t, lan.Host("bob"), "Bob", "", 0)
	bob.awaitSound()
	ada := startVoiced(t, lan.Host("ada"), "Ada", "ada", time.Second)
	await(bob.proc, "Ada silent", func(s speakingEvent) bool { return !s.On && s.Member.Name == "Ada" })
	ask := func(v *voiced, code int) (d struct {
		Type, Verdict, Room string
		OK, Running         bool
		Sound               struct {
			Input, Output, Error string
			Muted                *bool
			FrameMS              float64 `json:"frame_ms"`
			Speakers             []struct {
				Name                                       string
				Received, Lost, Late, Concealed, Recovered *uint64
				JitterMS                                   *float64 `json:"jitter_ms"`
				DelayMS                                    *float64 `json:"delay_ms"`
			}
		}
	}) {
		c := launch(t, v.host, v.dir, nil, "doctor", "--json")
		c.wants(code)
		if err := json.Unmarshal(c.stdout.Bytes(), &d); err != nil {
			t.Fatalf("%v: %s", err, c.stdout.String())
		}
		return d
	}
	if d := ask(ada, 0); !d.OK || !d.Running || d.Type != "doctor" || d.Room != "lobby" || d.Sound.FrameMS < 2.5 || d.Sound.Muted == nil {
		t.Errorf("Ada's: %+v", d)
	}
	d := ask(bob, 1)
	if d.OK || !strings.Contains(d.Verdict, "microphone") || d.Sound.Output != bob.out {
		t.Errorf("Bob's, who has no microphone: %+v", d)
	}
	if len(d.Sound.Speakers) != 1 || d.Sound.Speakers[0].Name != "Ada" || *d.Sound.Speakers[0].Received < 100 ||
		d.Sound.Speakers[0].Lost == nil || d.Sound.Speakers[0].Recovered == nil || d.Sound.Speakers[0].DelayMS == nil {
		t.Errorf("Bob heard %+v", d.Sound.Speakers)
	}
}
