package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"parley.lan/doctor"
	"parley.lan/node"
)

// start is one run of the command line on fakes.
type start struct {
	code           int
	stdout, stderr string
	cfg            node.Config // what a node was made with
	sound          *SoundConfig
	node           *fakeNode
	query          node.HistoryQuery
	rooms          []node.RoomInfo
	microphone     node.Sound // what is opened as sound; nil: there is none
}

func (s *start) run(t *testing.T, stdin string, args ...string) *start {
	t.Helper()
	if os.Getenv("XDG_STATE_HOME") == "" {
		t.Setenv("XDG_STATE_HOME", t.TempDir())
	}
	if s.node == nil {
		s.node = newFakeNode()
	}
	var stdout, stderr buffer
	p := &program{
		stdin: strings.NewReader(stdin), stdout: &stdout, stderr: &stderr,
		Deps: Deps{
			Version: "v1",
			OpenSound: func(c SoundConfig) (node.Sound, error) {
				s.sound = &c
				if s.microphone != nil {
					return s.microphone, nil
				}
				return nil, errors.New("no sound in this build")
			},
			Devices: func() ([]Device, error) {
				return []Device{{Name: "Mic\x1b[1m", System: "ALSA", Inputs: 2, DefaultInput: true}, {Name: "Ear", System: "ALSA", Outputs: 2, DefaultOutput: true}, {Name: "Monitor of Ear", System: "ALSA", Inputs: 2, Monitor: true}}, nil
			},
		},
		join: func(cfg node.Config) (resident, error) { s.cfg = cfg; return s.node, nil },
		rooms: func(_ context.Context, cfg node.Config) ([]node.RoomInfo, error) {
			s.cfg = cfg
			return s.rooms, nil
		},
		examine: func(_ context.Context, cfg doctor.Config) doctor.Evidence {
			devices, _ := cfg.Devices()
			return doctor.Evidence{Room: cfg.Room, Sound: doctor.Sound{Asked: true, Devices: devices}, Interfaces: []doctor.Interface{
				{Name: "eth0", Kind: doctor.Cable, Up: true, Used: true, Multicast: true, Addrs: []string{"10.0.0.2/24"}}}}
		},
		history: func(_ context.Context, cfg node.Config, q node.HistoryQuery) ([]node.Message, error) {
			s.cfg, s.query = cfg, q
			return []node.Message{{ID: msgID(1), From: person(1, "Ada"), Text: "hello", Sent: storyStart}}, nil
		},
	}
	s.code = p.run(t.Context(), append([]string{"/somewhere/node"}, args...))
	s.stdout, s.stderr = stdout.String(), stderr.String()
	return s
}

// TestWrongUsage: exit code 2, the cause and what to do about it on standard error, nothing on standard
// output, and no node made.
func TestWrongUsage(t *testing.T) {
	dir := t.TempDir()
	long := strings.Repeat("n", 65)
	for _, c := range []struct {
		args  string // separated by |
		cause string
		hint  string
	}{
		{"devcies", `unknown command "devcies"`, `did you mean "devices"?`},
		{"--mute|devcies|--json", `unknown command "devcies"`, `did you mean "devices"?`},
		{"", `unknown command ""`, "node help lists the commands"},
		{"run|extra|--name|x", `unexpected argument "extra"`, "node help run lists its options"},
		{"rooms|devices", `unexpected argument "devices"`, "node help rooms lists its options"},
		{"--nmae|Ada", "unknown option --nmae", "did you mean --name?"},
		{"rooms|--nmae|Ada", "unknown option --nmae", "node help rooms lists its options"},
		{"--name|Ada|rooms", "unknown option --name", "node help rooms lists its options"},
		{"--bogus", "unknown option --bogus", "node help lists the options"},
		{"garden", `unknown command "garden"`, "node help lists the commands"},
		{"-nam|bob", "unknown option --nam", "did you mean --name?"},
		{"--name", "--name needs a value", "node help run lists its options"},
		{"--name|", `"" can't be your name`, "--name"},
		{"--name|a\x1b[2Jb", "can't be your name", "--name"},
		{"--name|" + long, "at most 64 bytes", "--name"},
		{"--room|a\nb", "can't be a room", "--room"},
		{"--room|", `"" can't be a room`, "--room"},
		{"history|--room|" + long, "at most 64 bytes", "--room"},
		{"--text-port|0", "bad --text-port 0", "1 to 65535"},
		{"--voice-port|65536", "bad --voice-port 65536", "1 to 65535"},
		{"--voice-port|many", `invalid value "many" for --voice-port`, "node help run"},
		{"--voice-port|2222", "both 2222", "choose two"},
		{"--mute=perhaps", `invalid value "perhaps" for --mute`, "node help run"},
		{"--join|10.0.0.1:text", "bad --join", "192.168.1.20:2222"},
		{"rooms|--join|", "bad --join", "192.168.1.20:2222"},
		{"--iface|none0", `no network interface is called "none0"`, "this machine has"},
		{"--audio|kazoo", "bad --audio", "auto, none"},
		{"--audio|wav:" + dir + "/no.wav,", "no such file", "WAV file"},
		{"--audio|wav:" + dir + ",", "is a folder", "WAV file"},
		{"--audio|wav:," + dir + "/no/out.wav", "not a folder", "make the folder"},
		{"--audio|wav:a,b,c", "more than two files", ""},
		{"--audio|wav:,", "no sound in this build", ""},
		{"--log-level|loud", "bad --log-level", "debug, info"},
		{"--json|--plain", "exclude each other", "leave out one"},
		{"devices|--input|x", "are for --meter", "--meter --input DEVICE"},
		{"devices|--meter|--plain|--json", "exclude each other", "leave out one"},
		{"--passphrase-file|x", "not supported yet", "open room"},
		{"record", "name one file", "node record talk.opus"},
		{"record|a|b", "name one file", "node record talk.opus"},
		{"record|a|--for|-1s", "bad --for", "--for 90s"},
		{"record|a|--track", "unknown option --track", "did you mean --tracks?"},
		{"say-audio|--raw|7", "bad --raw 7", "8000"},
		{"listen|x", `unexpected argument "x"`, "node help listen"},
		{"mute|loudly", "one of on, off, toggle", "node mute on"},
		{"mute|on|off", "one of", ""},
		{"mute|voice", "one of on, off, toggle", ""},
		{"ptt|now", "one of on, off, toggle, voice", "node ptt voice"},
		{"attach|--json|--plain", "exclude each other", "leave out one"},
		{"quit|now", `unexpected argument "now"`, "node help quit"},
		{"completion", "name one shell", "bash, zsh, fish"},
		{"completion|tcsh", `no completion for "tcsh"`, "bash, zsh, fish"},
		{"help|nothing", "unknown command", ""},
		{"help|run|rooms", "unexpected argument", ""},
		{"--|run", "-- is not needed", ""},
	} {
		s := new(start).run(t, "", strings.Split(c.args, "|")...)
		if s.code != exitUsage || s.stdout != "" || s.cfg.Name != "" {
			t.Errorf("node %q: exit code %d, prints %q, node made: %v", c.args, s.code, s.stdout, s.cfg.Name != "")
		}
		cause, hint, _ := strings.Cut(s.stderr, "\n")
		if !strings.HasPrefix(cause, "node: ") || !strings.Contains(cause, c.cause) || !strings.Contains(hint, c.hint) {
			t.Errorf("node %q says %q, want %q and %q", c.args, s.stderr, c.cause, c.hint)
		}
	}
}

func TestPassphraseInTheEnvironmentIsNotIgnored(t *testing.T) {
	t.Setenv("PARLEY_PASSPHRASE", "secret")
	if s := new(start).run(t, ""); s.code != exitUsage || strings.Contains(s.stderr, "secret") {
		t.Errorf("%+v", s)
	}
}

func TestFlagsReachTheNode(t *testing.T) {
	state := filepath.Join(t.TempDir(), "deep", "state")
	s := new(start).run(t, "hello\n", "--name", "Ada, Countess", "--room=garden", "--host", "--join", "a:1", "--join", "b",
		"--text-port", "22", "--voice-port", "55", "--no-plain", "--audio", "auto", "--input", "Mic", "--output", "Ear",
		"--mute", "--raw-audio", "--json", "--state-dir", state)
	if s.code != exitLeft || s.stderr != "" {
		t.Fatalf("%+v", s)
	}
	s.cfg.Log = nil
	want := node.Config{
		Name: "Ada, Countess", Room: "garden", ForceHost: true, Join: []string{"a:1", "b"},
		TextPort: 22, VoicePort: 55, NoPlain: true, StateDir: state, Version: "v1",
	}
	if !reflect.DeepEqual(s.cfg, want) {
		t.Errorf("made a node of %+v, want %+v", s.cfg, want)
	}
	s.sound.Log = nil
	if *s.sound != (SoundConfig{Device: "auto", Input: "Mic", Output: "Ear", Muted: true, Raw: true}) {
		t.Errorf("opened %+v", *s.sound)
	}
	if info, err := os.Stat(state); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("state folder: %v, %v", info, err)
	}
	if _, err := os.Stat(filepath.Join(state, "node.log")); err != nil {
		t.Error(err)
	}
	if !slices.Equal(s.node.said, []string{"hello"}) {
		t.Errorf("said %q", s.node.said)
	}
	if !strings.Contains(s.stdout, `"type":"audio","input":"","output":"","error":"no sound in this build"`) {
		t.Errorf("not told that there is no sound:\n%s", s.stdout)
	}
}

// TestOneNodeAStateFolder: a second node with the key of a running one is told what to do instead.
func TestOneNodeAStateFolder(t *testing.T) {
	dir := t.TempDir()
	unlock, err := lockState(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := new(start).run(t, "hello\n", "--state-dir", dir)
	if s.code != exitFailed || !strings.Contains(s.stderr, dir) || !strings.Contains(s.stderr, "--state-dir") || s.cfg.Name != "" {
		t.Errorf("beside another node: %+v", s)
	}
	if s := new(start).run(t, "", "rooms", "--state-dir", dir); s.code != exitLeft {
		t.Errorf("who only looks around is kept out: %+v", s)
	}
	unlock()
	if s := new(start).run(t, "hello\n", "--state-dir", dir); s.code != exitLeft {
		t.Errorf("after the other node has left: %+v", s)
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("PARLEY_NAME", "Eve")
	t.Setenv("PARLEY_ROOM", "")
	t.Setenv("PARLEY_STATE", "")
	home := t.TempDir()
	t.Setenv("XDG_STATE_HOME", home)
	s := new(start).run(t, "", "--audio", "none")
	if s.cfg.Name != "Eve" || s.cfg.Room != "lobby" || s.cfg.StateDir != filepath.Join(home, "parley") || s.sound != nil {
		t.Errorf("%+v, sound %+v", s.cfg, s.sound)
	}
	if s := new(start).run(t, "", "--name", "Ada", "run", "--mute"); s.cfg.Name != "Ada" {
		t.Errorf("the environment wins over a flag: %+v", s)
	}
	t.Setenv("PARLEY_NAME", "\x1b")
	if s := new(start).run(t, ""); s.code != exitUsage {
		t.Errorf("a bad name in the environment: %+v", s)
	}
	t.Setenv("PARLEY_NAME", "")
	if s := new(start).run(t, ""); s.code != exitLeft || s.cfg.Name == "" {
		t.Errorf("no name by default: %+v", s)
	}
}

func TestNodeThatCannotStart(t *testing.T) {
	n := newFakeNode()
	n.runErr = errors.New("the key file is damaged")
	s := (&start{node: n}).run(t, "", "--json")
	if s.code != exitFailed || !strings.Contains(s.stderr, "the key file is damaged") {
		t.Errorf("%+v", s)
	}
}

// TestAnswers: the commands that only tell, wherever their flags stand.
func TestAnswers(t *testing.T) {
	for _, c := range []struct{ args, says string }{
		{"rooms", "No room on this network"},
		{"history", "23:58          Ada  hello\n"},
		{"history|--json|--room|x", `"type":"message","id":`},
		{"devices", "DEVICE          SYSTEM  INPUT    OUTPUT\nMic[1m          ALSA    default  -\nEar             ALSA    -        default\nMonitor of Ear  ALSA    monitor  -\n"},
		{"doctor", "Nothing is wrong here, and nobody else is here yet.\nStart node on another machine of this network (10.0.0.0/24)."},
		{"doctor", "ok  eth0         LAN; 10.0.0.2/24\n"},
		{"doctor", "Mic[1m (ALSA): default microphone\n"},
		{"doctor|--json", `"type":"doctor","ok":true,"cause":"alone","verdict":"`},
		{"doctor|--json|--room|x", `"room":"x"`},
		{"devices|--json", `"type":"device","name":"Mic\u001b[1m","system":"ALSA","inputs":2,"outputs":0,"default_input":true`},
		{"version", "node v1 (go"},
		{"version|--json", `"type":"version","version":"v1","go":"go`},
		{"--json|--version", `"type":"version"`},
		{"-v", "node v1"},
		{"help", "--text-port PORT"},
		{"-h", "/msg NAME TEXT"},
		{"help|rooms", "node rooms"},
		{"rooms|--help", "--iface"},
	} {
		s := new(start).run(t, "", strings.Split(c.args, "|")...)
		if s.code != exitLeft || s.stderr != "" || !strings.Contains(s.stdout, c.says) {
			t.Errorf("node %s: exit code %d, %q, prints\n%s", c.args, s.code, s.stderr, s.stdout)
		}
	}
}

// TestNobodyRunsHere: commands for a running node say what to do where there is none.
func TestNobodyRunsHere(t *testing.T) {
	for _, args := range []string{"attach", "quit", "mute", "mute|--json|on", "ptt|on|--json", "say|hello", "say", "--json|say|hello|there"} {
		s := new(start).run(t, "hello\n", strings.Split(args+"|--state-dir|"+t.TempDir(), "|")...)
		if strings.HasPrefix(args, "say|") || strings.HasSuffix(args, "there") { // what follows TEXT is text
			s = new(start).run(t, "", append([]string{"--state-dir", t.TempDir()}, strings.Split(args, "|")...)...)
		}
		if s.code != exitFailed || s.stdout != "" || !strings.Contains(s.stderr, "no node runs here") || !strings.Contains(s.stderr, "node run --background") {
			t.Errorf("node %s: %+v", args, s)
		}
	}
}

func TestHelpFitsATerminal(t *testing.T) {
	for _, args := range []string{"help", "help|run", "rooms|--help", "help|record", "help|listen", "help|say-audio", "help|doctor", "help|attach", "help|ptt", "help|say", "help|completion", "help|devices"} {
		s := new(start).run(t, "", strings.Split(args, "|")...)
		for line := range strings.Lines(s.stdout) {
			if cells(strings.TrimSuffix(line, "\n")) > 80 {
				t.Errorf("node %s: a line of %d cells: %s", args, cells(line), line)
			}
		}
	}
}
