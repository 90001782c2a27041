//go:build linux

package audiotest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Pulse is a PulseAudio server of a test's own, with sound cards made of nothing: what is played into the sink
// micA is heard by a process whose microphone is micA.monitor, and what that plays into spkA can be recorded
// from spkA.monitor. It needs no hardware, no D-Bus and no network, and takes nothing from the user's own.
type Pulse struct {
	t      testing.TB
	dir    string
	env    []string
	server *exec.Cmd
}

// StartPulse starts the server with a mono sink at 48 kHz for each name. Where PulseAudio isn't installed the test
// is skipped, or fails if CI=true. Everything ends with the test.
func StartPulse(t testing.TB, sinks ...string) *Pulse {
	t.Helper()
	for _, tool := range []string{"pulseaudio", "pactl", "pacat", "parec"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing := "needs Debian's pulseaudio, pulseaudio-utils and libasound2-plugins: " + err.Error()
			if os.Getenv("CI") == "true" {
				t.Fatal(missing)
			}
			t.Skip(missing)
		}
	}
	dir, err := os.MkdirTemp("", "parley-pulse-") // and not t.TempDir: a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	p := &Pulse{t: t, dir: dir}
	socket := filepath.Join(dir, "native")
	p.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "XDG_RUNTIME_DIR=" + dir, "PULSE_SERVER=unix:" + socket,
		"PULSE_COOKIE=" + filepath.Join(dir, "cookie"), "ALSA_CONFIG_PATH=" + filepath.Join(dir, "asoundrc"),
		"JACK_NO_START_SERVER=1", "LANG=C.UTF-8"}
	script := ".fail\nload-module module-native-protocol-unix auth-anonymous=1 socket=" + socket + "\n"
	for _, s := range sinks {
		script += fmt.Sprintf("load-module module-null-sink sink_name=%s rate=48000 format=s16le channels=1 channel_map=mono\n", s)
	}
	// As the only ALSA configuration there is one device, "default", which is whatever PULSE_SINK and PULSE_SOURCE say.
	alsa := fmt.Sprintf("pcm.!default { type pulse server \"unix:%s\" hint { show on description \"default\" } }\n"+
		"ctl.!default { type pulse server \"unix:%s\" }\n", socket, socket)
	p.file("pulse.pa", script)
	p.file("asoundrc", alsa)
	p.server, _ = p.run(nil, "pulseaudio", "--daemonize=no", "--exit-idle-time=-1", "-n", "-F", filepath.Join(dir, "pulse.pa"), "--log-target=stderr")
	deadline := time.Now().Add(20 * time.Second)
	for {
		out, err := p.command("pactl", "list", "short", "sinks").Output()
		if err == nil && strings.Count(string(out), "\n") == len(sinks) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("PulseAudio doesn't come up: %v: %s", err, out)
		}
		time.Sleep(50 * time.Millisecond)
	}
	for _, s := range sinks {
		p.keep(s)
	}
	return p
}

// keep plays silence: a null sink's first stream loses up to two seconds unless something plays already.
func (p *Pulse) keep(sink string) (stop func()) {
	return p.start(nil, "pacat", "-p", "--raw", "--rate=48000", "--channels=1", "--latency-msec=2", "--process-time-msec=2", "-d", sink, "/dev/zero")
}

// Card adds an ALSA device whose microphone and loudspeaker are these, as when a sound card is plugged in: it is there for who
// looks for devices anew, and a socket that comes or goes is the sign of it.
func (p *Pulse) Card(name, source, sink string) {
	p.t.Helper()
	f, err := os.OpenFile(filepath.Join(p.dir, "asoundrc"), os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		p.t.Fatal(err)
	}
	end := func(device string) string {
		return fmt.Sprintf("{ type pulse server \"unix:%s\" device %q }", filepath.Join(p.dir, "native"), device)
	}
	_, err = fmt.Fprintf(f, "pcm.%s { type asym capture.pcm %s playback.pcm %s hint { show on description %q } }\n", name, end(source), end(sink), name)
	if err := errors.Join(err, f.Close()); err != nil {
		p.t.Fatal(err)
	}
	sign := filepath.Join(p.dir, "pipewire-0")
	if os.Remove(sign) != nil {
		p.file("pipewire-0", "")
	}
}

func (p *Pulse) file(name, content string) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(content), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// Env is the environment of a process whose default microphone and loudspeaker are these.
func (p *Pulse) Env(source, sink string) []string {
	return append(append([]string{}, p.env...), "PULSE_SOURCE="+source, "PULSE_SINK="+sink)
}

// Home makes dir the home folder of a process whose default microphone and loudspeaker are these, for programs
// whose environment says no more than where home is.
func (p *Pulse) Home(dir, source, sink string) {
	p.t.Helper()
	server := "unix:" + filepath.Join(p.dir, "native")
	config := filepath.Join(dir, ".config", "pulse")
	if err := os.MkdirAll(config, 0o700); err != nil {
		p.t.Fatal(err)
	}
	for path, content := range map[string]string{
		filepath.Join(config, "client.conf"): fmt.Sprintf("default-server = %s\ndefault-source = %s\ndefault-sink = %s\nautospawn = no\ncookie-file = %s\n",
			server, source, sink, filepath.Join(p.dir, "cookie")),
		filepath.Join(dir, ".asoundrc"): fmt.Sprintf("pcm.!default { type pulse server %q hint { show on description \"default\" } }\n", server),
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			p.t.Fatal(err)
		}
	}
}

func (p *Pulse) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = p.env
	return cmd
}

// start runs a program until the test ends, or until the returned function is called.
func (p *Pulse) start(out *bytes.Buffer, name string, args ...string) (stop func()) {
	p.t.Helper()
	_, stop = p.run(out, name, args...)
	return stop
}

func (p *Pulse) run(out *bytes.Buffer, name string, args ...string) (cmd *exec.Cmd, stop func()) {
	p.t.Helper()
	cmd = p.command(name, args...)
	if out != nil {
		cmd.Stdout = out
	}
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		kill := time.AfterFunc(5*time.Second, func() { cmd.Process.Kill() })
		cmd.Wait()
		kill.Stop()
	})
	p.t.Cleanup(stop)
	return cmd, stop
}

// Play plays a recording at Rate into a sink, and returns when it is over.
func (p *Pulse) Play(sink string, pcm []float64) {
	p.t.Helper()
	raw := make([]byte, 0, 2*len(pcm))
	for _, v := range pcm {
		raw = binary.LittleEndian.AppendUint16(raw, uint16(int16(v*32767)))
	}
	cmd := p.command("pacat", "-p", "--raw", fmt.Sprint("--rate=", Rate), "--channels=1", "--latency-msec=10", "-d", sink)
	cmd.Stdin = bytes.NewReader(raw)
	if out, err := cmd.CombinedOutput(); err != nil {
		p.t.Fatalf("pacat: %v: %s", err, out)
	}
}

// Record records what a sink plays, at Rate, until the returned function is called.
func (p *Pulse) Record(sink string) (stop func() []float64) {
	p.t.Helper()
	var out bytes.Buffer
	end := p.start(&out, "parec", "--raw", "--rate=48000", "--channels=1", "--latency-msec=10", "-d", sink+".monitor")
	return func() []float64 {
		end()
		raw := out.Bytes()
		pcm := make([]float64, len(raw)/2)
		for i := range pcm {
			pcm[i] = float64(int16(binary.LittleEndian.Uint16(raw[2*i:]))) / 32768
		}
		return Decimate(pcm, 48000/Rate)
	}
}

// Bare is the environment of a process whose microphone and loudspeaker are the server's defaults, whichever those are.
func (p *Pulse) Bare() []string { return append([]string{}, p.env...) }

// Control runs pactl.
func (p *Pulse) Control(args ...string) string {
	p.t.Helper()
	out, err := p.command("pactl", args...).CombinedOutput()
	if err != nil {
		p.t.Fatalf("pactl %v: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// Plug adds a sink, as when a headset is plugged in, and returns what pulls it out again.
func (p *Pulse) Plug(sink string) (unplug func()) {
	p.t.Helper()
	module := p.Control("load-module", "module-null-sink", "sink_name="+sink, "rate=48000", "format=s16le", "channels=1", "channel_map=mono")
	keeper := p.keep(sink)
	return func() {
		keeper()
		p.Control("unload-module", module)
	}
}

// Stall stops the whole server, until the returned function is called.
func (p *Pulse) Stall() (resume func()) {
	p.server.Process.Signal(syscall.SIGSTOP)
	resume = sync.OnceFunc(func() { p.server.Process.Signal(syscall.SIGCONT) })
	p.t.Cleanup(resume)
	return resume
}

// Tone plays a sine into a sink until the test ends, or until the returned function is called.
func (p *Pulse) Tone(sink string) (stop func()) {
	p.t.Helper()
	cmd := p.command("pacat", "-p", "--raw", "--rate=48000", "--channels=1", "--latency-msec=20", "-d", sink)
	in, err := cmd.StdinPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() {
		second := make([]byte, 0, 2*48000)
		for i := range 48000 {
			second = binary.LittleEndian.AppendUint16(second, uint16(int16(8000*math.Sin(2*math.Pi*440*float64(i)/48000))))
		}
		for {
			if _, err := in.Write(second); err != nil {
				return
			}
		}
	}()
	stop = sync.OnceFunc(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	p.t.Cleanup(stop)
	return stop
}

// Ear notes when a sink is loud.
type Ear struct {
	last atomic.Int64 // when it last was
	back atomic.Int64 // when it was again, after it was silent for 50 ms or more
}

// Listen listens to a sink until the test ends or the sink is gone.
func (p *Pulse) Listen(sink string) *Ear {
	p.t.Helper()
	cmd := p.command("parec", "--raw", "--rate=48000", "--channels=1", "--latency-msec=5", "--process-time-msec=5", "-d", sink+".monitor")
	out, err := cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	e := &Ear{}
	go func() {
		block := make([]byte, 480)
		for {
			if _, err := io.ReadFull(out, block); err != nil {
				return
			}
			for i := 0; i < len(block); i += 2 {
				if v := int16(binary.LittleEndian.Uint16(block[i:])); v > 1000 || v < -1000 {
					now := time.Now().UnixNano()
					if now-e.last.Swap(now) > int64(50*time.Millisecond) {
						e.back.Store(now)
					}
					break
				}
			}
		}
	}()
	return e
}

// Loud tells whether it is so now.
func (e *Ear) Loud() bool { return time.Since(time.Unix(0, e.last.Load())) < 100*time.Millisecond }

// Back waits until it has been as it is for two seconds, at most for ten, and tells for how long after a time it was not loud
// yet, or not again; ok is false if it isn't.
func (e *Ear) Back(after time.Time) (silent time.Duration, ok bool) {
	time.Sleep(time.Until(after.Add(2 * time.Second)))
	for ; time.Since(after) < 10*time.Second; time.Sleep(10 * time.Millisecond) {
		back := time.Unix(0, e.back.Load())
		if e.Loud() && time.Since(back) > 2*time.Second {
			return max(0, back.Sub(after)), true
		}
	}
	return time.Since(after), false
}
