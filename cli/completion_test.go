package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// completions are what a person would get at the end of a line. Of what is offered the words in want are some, in not are none.
var completions = []struct {
	line string // after "node "
	want string
	not  string
}{
	{"", "rooms record help", "--name"},
	{"ro", "rooms", "record"},
	{"--ro", "--room", "--host"},
	{"--text-port 22 ro", "rooms", "record"},
	{"--name rooms --no-", "--no-plain --no-notify", "--json"}, // rooms is a name here
	{"rooms --", "--join --iface --state-dir --json", "--name --host"},
	{"--json rooms --j", "--join --json", "--host"},
	{"record --t", "--tracks --text-port", "--since"},
	{"--audio ", "auto none wav:", "rooms"},
	{"--audio n", "none", "auto"},
	{"--log-level ", "debug info warn error", "rooms"},
	{"--log-level=w", "warn", "info"},
	{"rooms --state-dir ./fol", "./folder/", "./file"},
	{"--log-file ./f", "./file", ""},
	{"record ./fi", "./file", "rooms"},
	{"completion ", "bash zsh fish powershell", "rooms"},
	{"help his", "history", "rooms"},
	{"--name ", "", "rooms run help"},
}

func script(t *testing.T, shell string) string {
	t.Helper()
	s := new(start).run(t, "", "completion", shell)
	if s.code != exitLeft || s.stderr != "" || s.stdout == "" {
		t.Fatalf("%+v", s)
	}
	file := filepath.Join(t.TempDir(), "completion."+shell)
	if err := os.WriteFile(file, []byte(s.stdout), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// shellOf finds a shell; where there is none the test is skipped.
func shellOf(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip(err)
	}
	return path
}

// complete checks all completions with a shell, to which ask gives the program that prints what it offers.
func complete(t *testing.T, shell string, ask func(file, line string) []string) {
	t.Helper()
	path, file := shellOf(t, shell), script(t, shell)
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range completions {
		cmd := exec.Command(path, ask(file, c.line)...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CONFIG_HOME="+dir, "LC_ALL=C.UTF-8")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("node %s: %v: %s", c.line, err, out)
		}
		var offered []string
		for l := range strings.Lines(string(out)) {
			word, _, _ := strings.Cut(strings.TrimSuffix(l, "\n"), "\t")
			if option, value, joined := strings.Cut(word, "="); joined && strings.HasPrefix(option, "--") {
				word = value
			}
			offered = append(offered, strings.TrimSuffix(word, "/"))
		}
		for _, w := range strings.Fields(c.want) {
			if !slices.Contains(offered, strings.TrimSuffix(w, "/")) {
				t.Errorf("node %s: %q is not offered: %q", c.line, w, out)
			}
		}
		for _, w := range strings.Fields(c.not) {
			if slices.Contains(offered, w) {
				t.Errorf("node %s: %q is offered: %q", c.line, w, out)
			}
		}
	}
}

// TestBashCompletes: the words are divided as readline does it.
func TestBashCompletes(t *testing.T) {
	complete(t, "bash", func(file, line string) []string {
		words := strings.Split("node "+strings.ReplaceAll(line, "=", " = "), " ")
		program := `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _node 2>&1; printf '%s\n' "${COMPREPLY[@]}"`
		return append([]string{"--norc", "-c", program, "bash", file}, words...)
	})
}

func TestFishCompletes(t *testing.T) {
	complete(t, "fish", func(file, line string) []string {
		return []string{"--no-config", "-c", `source $argv[1]; complete -C $argv[2]`, file, "node " + line}
	})
}

// TestZshTakesTheScript: it is sound, and zsh will use it for node.
func TestZshTakesTheScript(t *testing.T) {
	zsh, file := shellOf(t, "zsh"), script(t, "zsh")
	if out, err := exec.Command(zsh, "-fn", file).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v: %s", err, out)
	}
	out, err := exec.Command(zsh, "-fc", `autoload -Uz compinit && compinit -D -u && source $1 && print $_comps[node] && whence -w _node _node_commands`, "zsh", file).CombinedOutput()
	if want := "_node\n_node: function\n_node_commands: function\n"; err != nil || string(out) != want {
		t.Errorf("%v: %s", err, out)
	}
}

// TestPowershellScript is all that can be said where there is no PowerShell: what is made for a small grammar is compared
// with testdata, where a person has read it.
func TestPowershellScript(t *testing.T) {
	g := grammar{
		{name: "run", usage: "join the room (what node alone does)", options: []word{
			{option{name: "audio", value: "SOUND"}, values{words: []string{"auto", "wav:"}}},
			{option{name: "host"}, values{}},
			{option{name: "log-file", value: "FILE"}, values{files: true}},
		}},
		{name: "devices", usage: "list this machine's devices", options: []word{{option{name: "json"}, values{}}}},
		{name: "completion", usage: "print a script", argument: values{words: []string{"bash", "fish"}}},
	}
	want, err := os.ReadFile("testdata/completion.ps1")
	if err != nil {
		t.Fatal(err)
	}
	if got := powershellCompletion(g); got != string(want) {
		t.Errorf("it is now\n%s", got)
	}
}

// TestEveryWordIsCompleted in every shell: no command or option is forgotten.
func TestEveryWordIsCompleted(t *testing.T) {
	app := (&program{}).app()
	for shell := range shells {
		s := new(start).run(t, "", "completion", shell)
		for _, c := range app.Commands {
			if !strings.Contains(s.stdout, c.Name) {
				t.Errorf("%s: the command %s is missing", shell, c.Name)
			}
			for _, f := range c.Flags {
				if name := f.Names()[0]; !strings.Contains(s.stdout, "--"+name) && !strings.Contains(s.stdout, "-l "+name) {
					t.Errorf("%s: the option --%s is missing", shell, name)
				}
			}
		}
		if strings.Contains(s.stdout, "@") && strings.ContainsFunc(s.stdout[strings.Index(s.stdout, "@")+1:][:2], func(r rune) bool { return r >= 'A' && r <= 'Z' }) {
			t.Errorf("%s: a part is not filled in", shell)
		}
	}
}
