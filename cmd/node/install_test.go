//go:build linux

package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestInstall: everything gets to where the system looks for it, and systemd takes the service as it is.
func TestInstall(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"make", "systemd-analyze"} {
		if _, err := exec.LookPath(tool); err != nil && os.Getenv("CI") != "true" {
			t.Skip(err)
		}
	}
	prefix := t.TempDir()
	install := exec.Command("make", "install", "PREFIX="+prefix)
	install.Dir = "../.."
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for file, says := range map[string]string{
		"share/man/man1/node.1":                     ".TH NODE 1 ",
		"share/bash-completion/completions/node":    "complete -F _node node",
		"share/zsh/site-functions/_node":            "#compdef node",
		"share/fish/vendor_completions.d/node.fish": "complete -c node",
		"lib/systemd/user/parley.service":           "ExecStart=" + prefix + "/bin/node run --background",
	} {
		if text, err := os.ReadFile(filepath.Join(prefix, file)); err != nil || !strings.Contains(string(text), says) {
			t.Errorf("%s does not say %q: %v", file, says, err)
		}
	}
	verify := exec.Command("systemd-analyze", "verify", "--user", "--man=no", filepath.Join(prefix, "lib/systemd/user/parley.service"))
	verify.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+t.TempDir())
	if out, err := verify.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}
