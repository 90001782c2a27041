//go:build cgo && linux

package audio

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"parley.lan/audio/audiotest"
	"parley.lan/room"
)

func init() { standIn = loopBack }

// loopBack is what this test binary becomes, with PulseAudio's variables in its environment, when it stands in
// for a node on a sound card: it plays what it captures, through everything but a network. It ends with its input, of which a
// line "use MICROPHONE|LOUDSPEAKER" changes devices and "devices" lists them.
func loopBack() int {
	log := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelDebug}))
	devices, err := Devices()
	log.Info("devices", "all", fmt.Sprintf("%+v", devices), "err", err)
	e, err := New(Config{Device: os.Getenv("PARLEY_TEST_SOUND"), Raw: os.Getenv("PARLEY_TEST_RAW") != "", Log: log})
	if err != nil {
		log.Error("new", "err", err)
		return 1
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		defer stop()
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			began := time.Now()
			if names, ok := strings.CutPrefix(lines.Text(), "use "); ok {
				in, out, _ := strings.Cut(names, "|")
				err := e.Use(in, out)
				log.Info("use", "names", names, "err", err, "after", time.Since(began))
				continue
			}
			devices, err := e.Devices()
			for _, d := range devices {
				log.Info("listed", "name", d.Name, "inputs", d.Inputs, "outputs", d.Outputs)
			}
			log.Info("list", "devices", len(devices), "err", err, "after", time.Since(began))
		}
	}()
	send := func(packet []room.VoiceFrame) {
		for _, f := range packet {
			f.SSRC = 1
			e.Hear(f)
		}
	}
	status := func(input, output string, err error) { fmt.Println("status", input, output, err) }
	if err := e.Run(ctx, send, status); err != nil {
		log.Error("run", "err", err)
		return 1
	}
	log.Info("end", "stats", fmt.Sprintf("%+v", e.Stats()))
	return 0
}

// device is a loopBack process.
type device struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bytes.Buffer
	stderr bytes.Buffer
}

// raceFlags is -race where the tests run with the race detector, rawSound then what spares the cleaner's computing: ten times
// slower, it would take more time than there is.
var raceFlags, rawSound []string

// testBinary is this test's binary, without the pointer checks that come with -race: PortAudio's binding passes
// small numbers off as pointers and would be ended for it.
var testBinary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "parley-audio-")
	if err != nil {
		return "", err
	}
	cleanUp = func() { os.RemoveAll(dir) }
	path := filepath.Join(dir, "audio.test")
	args := append([]string{"test", "-c", "-o", path, "-tags", "nolibopusfile",
		"-gcflags=github.com/gordonklaus/portaudio=-d=checkptr=0"}, raceFlags...)
	if out, err := exec.Command("go", append(args, ".")...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the test's own binary: %w: %s", err, out)
	}
	return path, nil
})

func startDevice(t *testing.T, env []string) *device {
	t.Helper()
	path, err := testBinary()
	if err != nil {
		t.Fatal(err)
	}
	d := &device{cmd: exec.Command(path), stdout: new(bytes.Buffer)}
	d.cmd.Env = slices.Concat(env, rawSound, []string{"PARLEY_TEST_SOUND=auto"})
	d.cmd.Stdout, d.cmd.Stderr = d.stdout, &d.stderr
	in, err := d.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	d.stdin = in
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.cmd.Process.Kill() })
	return d
}

// end lets the process leave and returns what it said. It must have left standard error alone.
func (d *device) end(t *testing.T) string {
	t.Helper()
	d.stdin.Close()
	began := time.Now()
	if err := d.cmd.Wait(); err != nil {
		t.Errorf("the process ended with %v", err)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("it took %v to close the devices", took)
	}
	if d.stderr.Len() > 0 {
		t.Errorf("on standard error: %s", d.stderr.String())
	}
	return d.stdout.String()
}

// Speech into one sound card comes out of another, through PortAudio and all of the engine.
func TestSpeechThroughPortAudio(t *testing.T) {
	audiotest.Insist(t, func(report func(string, ...any)) { speechThroughPortAudio(t, report) })
}

func speechThroughPortAudio(t *testing.T, report func(string, ...any)) {
	t.Helper()
	pulse := audiotest.StartPulse(t, "mic", "spk")
	d := startDevice(t, pulse.Env("mic.monitor", "spk"))
	clip, err := audiotest.Load("testdata/ada.wav")
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second) // until the devices are open: the process tells, but only its own output
	in, out := pulse.Record("mic"), pulse.Record("spk")
	time.Sleep(300 * time.Millisecond)
	pulse.Play("mic", clip)
	time.Sleep(500 * time.Millisecond)
	played, heard := out(), in()
	began := time.Now()
	said := d.end(t)
	s := d.cmd.ProcessState
	t.Logf("%v of CPU from start to end, closing took %v", s.UserTime()+s.SystemTime(), time.Since(began))
	into, from := audiotest.Find(clip, heard), audiotest.Find(clip, played)
	t.Logf("into the microphone: %v; out of the loudspeaker: %v; between them about %v", into, from, from.Delay-into.Delay)
	t.Log(said)
	if from.Envelope < 0.9 || from.Waveform < 0.7 {
		report("heard with %v", from)
	}
}

// A sound system that is busy, or hangs, doesn't delay what makes an engine or switches it.
func TestNewLeavesTheSoundSystemAlone(t *testing.T) {
	paMutex.Lock()
	defer paMutex.Unlock()
	made := make(chan error, 1)
	go func() {
		e, err := New(Config{Input: "headset", Output: "headset"})
		if err == nil {
			err = e.Use("", "headset")
			e.SetDeaf(true)
			e.TestMicrophone(true)
			e.Microphone()
		}
		made <- err
	}()
	select {
	case err := <-made:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("it waits for the sound system")
	}
}

// A machine without a sound card, and one without so much as a sound system: one clear line, nothing on
// standard error, and an end when asked.
func TestNoSoundCard(t *testing.T) {
	for name, c := range map[string]struct{ config, want string }{
		"no server": {`pcm.!default { type pulse server "unix:/nowhere" hint { show on description "default" } }`, "no sound: this machine has no microphone"},
		"no system": {"", "no sound: this machine has no sound devices"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := t.TempDir() + "/asoundrc"
			if err := os.WriteFile(config, []byte(c.config+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			d := startDevice(t, []string{"ALSA_CONFIG_PATH=" + config, "HOME=" + t.TempDir(), "JACK_NO_START_SERVER=1"})
			time.Sleep(3 * time.Second) // two tries
			said := d.end(t)
			if n := strings.Count(said, "\nstatus "); n != 1 || !strings.Contains(said, c.want) {
				t.Errorf("%d times a status: %s", n, said)
			}
		})
	}
}
